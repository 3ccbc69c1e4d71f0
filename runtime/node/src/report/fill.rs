//! From the patients of a snapshot, one by one, to the figures of a report.

use super::facts::{ClinicalFacts, DatasetFacts, Histogram, MandatoryTag, Refused, Tally, Totals};
use crate::scan::{Quarantined, ScanReport};
use crate::store::{Indexed, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use trocar_terms::{Timestamp, Value};
use trocar_worker::{Admitted, Mandatory, Reason, SeriesRecord};

/// Paths that are named for each reason.
const FIRST: usize = 5;
/// Columns of the clinical table that say how old a patient is, the better one first.
const AGES: [&str; 2] = ["age_at_diagnosis_years", "age_years"];

/// Counts patients.
#[derive(Default)]
pub(super) struct Filling {
    totals: Totals,
    modalities: Tally,
    manufacturers: Tally,
    body_parts: Tally,
    sexes: Tally,
    ages: Vec<Option<f64>>,
    years: Vec<Option<f64>>,
    spacings_mm: Vec<Option<f64>>,
    thicknesses_mm: Vec<Option<f64>>,
    kvps: Vec<Option<f64>>,
    segmentations: Tally,
    missing: BTreeMap<Mandatory, u64>,
    ids: BTreeSet<String>,
    without_row: u64,
}

impl Filling {
    /// Counts one patient.
    pub(super) fn patient(&mut self, patient: &Indexed) {
        let record = &patient.record;
        add(&mut self.totals.patients, 1);
        add(&mut self.totals.studies, u64::from(record.studies));
        let word = |value: Option<&Value>| match value {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let sex = word(patient.columns.get("sex")).or_else(|| record.facts.sex.clone());
        self.sexes.add(sex.as_deref());
        let age = AGES.iter().find_map(|name| number(patient.columns.get(*name)?));
        self.ages.push(age.or(record.facts.age_years));
        add(&mut self.without_row, u64::from(patient.columns.is_empty()));
        self.ids.insert(record.patient_id.clone());
        record.series.iter().for_each(|series| self.series(series));
        let segments = record.masks.iter().flat_map(|mask| &mask.segments);
        segments.for_each(|segment| self.segmentations.add(Some(&segment.label)));
        // Files of many frames may hold several series.
        let files: BTreeSet<u32> =
            record.series.iter().flat_map(|series| series.files.iter().copied()).collect();
        let masks: BTreeSet<u32> = record.masks.iter().flat_map(|mask| mask.files.iter().copied()).collect();
        for file in files.union(&masks).filter_map(|at| patient.files.get(*at as usize)) {
            add(&mut self.totals.files_used, 1);
            add(&mut self.totals.bytes_used, file.size);
        }
    }

    fn series(&mut self, series: &SeriesRecord) {
        let (info, facts) = (&series.info, &series.facts);
        add(&mut self.totals.series, 1);
        self.modalities.add(Some(&info.modality));
        self.manufacturers.add(facts.manufacturer.as_deref());
        self.body_parts.add(facts.body_part.as_deref());
        self.years.push(facts.year.map(f64::from));
        let (_, _, between_slices) = info.grid.spacing_mm;
        self.spacings_mm.push(Some(between_slices));
        self.thicknesses_mm.push(facts.slice_thickness_mm);
        if info.modality == "CT" {
            self.kvps.push(facts.kvp);
        }
        for (tag, files) in &facts.missing {
            add(self.missing.entry(*tag).or_default(), u64::from(*files));
        }
    }

    /// The figures of all that were counted.
    pub(super) fn finish(
        mut self,
        made: Timestamp,
        scanned: &ScanReport,
        snapshot: &Snapshot,
        table: Option<&Admitted>,
    ) -> DatasetFacts {
        self.totals.files_seen = scanned.files;
        self.totals.files_refused = scanned.quarantined.len() as u64;
        let files = |tag: &Mandatory| self.missing.get(tag).copied().unwrap_or_default();
        let mandatory = |tag: Mandatory| MandatoryTag { keyword: tag.keyword(), files: files(&tag) };
        DatasetFacts {
            dataset: scanned.dataset.clone(),
            made,
            snapshot: snapshot.id,
            policy: snapshot.policy,
            mandatory: Mandatory::ALL.into_iter().map(mandatory).collect(),
            clinical: table.map(|table| clinical(table, &self.ids, self.without_row)),
            refused: refused(&scanned.quarantined),
            totals: self.totals,
            modalities: self.modalities,
            manufacturers: self.manufacturers,
            body_parts: self.body_parts,
            sexes: self.sexes,
            age_years: Histogram::in_steps(&self.ages, 10.0),
            years: Histogram::of(&self.years),
            slice_spacing_mm: Histogram::of(&self.spacings_mm),
            slice_thickness_mm: Histogram::of(&self.thicknesses_mm),
            kvp: Histogram::of(&self.kvps),
            segmentations: self.segmentations,
        }
    }
}

fn add(count: &mut u64, more: u64) {
    *count = count.saturating_add(more);
}

#[allow(clippy::cast_precision_loss, reason = "an age in years")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(years) => Some(*years as f64),
        Value::Real(years) => Some(*years),
        Value::Text(_) | Value::Days(_) | Value::Missing => None,
    }
}

fn clinical(table: &Admitted, ids: &BTreeSet<String>, patients_without_row: u64) -> ClinicalFacts {
    let without_images = table.table.patients().filter(|id| !ids.contains(*id)).count();
    ClinicalFacts {
        rows: table.table.len() as u64,
        rows_without_images: without_images as u64,
        patients_without_row,
        without_index_date: table.without_index_date,
        columns: table.columns.clone(),
    }
}

/// The most frequent reason first.
fn refused(quarantined: &[Quarantined]) -> Vec<Refused> {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in quarantined {
        by_reason.entry(&file.reason).or_default().push(&file.path);
    }
    let sentence = |word: &str| Reason::ALL.iter().find(|reason| reason.word() == word).map(|r| r.text());
    let mut refused: Vec<Refused> = by_reason
        .into_iter()
        .map(|(reason, paths)| Refused {
            reason: reason.to_owned(),
            sentence: sentence(reason).unwrap_or_default().to_owned(),
            files: paths.len() as u64,
            first: paths.into_iter().take(FIRST).map(str::to_owned).collect(),
        })
        .collect();
    refused.sort_by_key(|refused| std::cmp::Reverse(refused.files));
    refused
}
