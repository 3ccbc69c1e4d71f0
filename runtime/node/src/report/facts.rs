//! The figures of a report: plain counts of a hospital's own data. They never leave the node.

use serde::Serialize;
use std::collections::BTreeMap;
use trocar_terms::{Digest, Name, SnapshotId, Timestamp};
use trocar_worker::ColumnCount;

/// What a dataset holds, what it lacks and what was refused of it. For its operator alone: exact, without noise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DatasetFacts {
    /// The dataset.
    pub dataset: Name,
    /// When the report was made.
    pub made: Timestamp,
    /// The snapshot that it is about.
    pub snapshot: SnapshotId,
    /// Digest of the policy that it was scanned under.
    pub policy: Digest,
    /// How much there is.
    pub totals: Totals,
    /// Series by modality.
    pub modalities: Tally,
    /// Series by Manufacturer (0008,0070).
    pub manufacturers: Tally,
    /// Series by Body Part Examined (0018,0015).
    pub body_parts: Tally,
    /// Patients by sex: of the clinical table, else Patient's Sex (0010,0040).
    pub sexes: Tally,
    /// Patients by age in years: of the clinical table, else Patient's Age (0010,1010).
    pub age_years: Histogram,
    /// Series by the year of their acquisition.
    pub years: Histogram,
    /// Series by the distance of their slices, in mm.
    pub slice_spacing_mm: Histogram,
    /// Series by Slice Thickness (0018,0050), in mm.
    pub slice_thickness_mm: Histogram,
    /// CT series by KVP (0018,0060), in kV.
    pub kvp: Histogram,
    /// Segmentations by label.
    pub segmentations: Tally,
    /// Tags that EUCAIM asks of every image, and the used files that lack them.
    pub mandatory: Vec<MandatoryTag>,
    /// The clinical table; `None` where the dataset has none.
    pub clinical: Option<ClinicalFacts>,
    /// Refused files, by reason.
    pub refused: Vec<Refused>,
}

/// How much there is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Patients with a usable series.
    pub patients: u64,
    /// Their studies.
    pub studies: u64,
    /// Their usable series.
    pub series: u64,
    /// Files of these series.
    pub files_used: u64,
    /// Bytes of these files.
    pub bytes_used: u64,
    /// All files, links and other entries of the folder.
    pub files_seen: u64,
    /// Those that were refused.
    pub files_refused: u64,
}

/// A mandatory tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MandatoryTag {
    /// Its keyword.
    pub keyword: &'static str,
    /// Used files that lack it.
    pub files: u64,
}

/// The clinical table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClinicalFacts {
    /// Rows, each of one patient.
    pub rows: u64,
    /// Rows of patients without a usable series.
    pub rows_without_images: u64,
    /// Patients with a usable series and no row.
    pub patients_without_row: u64,
    /// Rows without a readable index date, where the policy names its column.
    pub without_index_date: u64,
    /// The granted columns.
    pub columns: Vec<ColumnCount>,
}

/// Files that were refused for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The reason's word.
    pub reason: String,
    /// Its sentence.
    pub sentence: String,
    /// How many.
    pub files: u64,
    /// The first of them.
    pub first: Vec<String>,
}

/// How many of each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// By word.
    pub stated: BTreeMap<String, u64>,
    /// Those of which nothing is said.
    pub not_stated: u64,
}

impl Tally {
    /// Counts one more.
    pub(super) fn add(&mut self, word: Option<&str>) {
        let count = match word.map(str::trim).filter(|word| !word.is_empty()) {
            Some(word) => self.stated.entry(word.to_owned()).or_default(),
            None => &mut self.not_stated,
        };
        *count = count.saturating_add(1);
    }

    /// Whether nothing was counted.
    pub(super) fn is_empty(&self) -> bool {
        self.stated.is_empty() && self.not_stated == 0
    }
}

/// How many values lie where.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Histogram {
    /// From low to high; empty ones between others are there.
    pub bins: Vec<Bin>,
    /// Those of which nothing is said.
    pub not_stated: u64,
}

/// One bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// The lowest value in it.
    pub from: f64,
    /// The lowest value beyond it; `from` itself where the bin is one value.
    pub to: f64,
    /// How many.
    pub count: u64,
}

/// As many different values are shown one by one.
const ONE_BY_ONE: usize = 12;
/// Bins for more values than that.
const BINS: f64 = 12.0;

impl Histogram {
    /// A bin for each value where there are few different ones, else equal bins with round edges.
    pub(super) fn of(values: &[Option<f64>]) -> Self {
        let stated = stated(values);
        let mut one_by_one: Vec<Bin> = Vec::new();
        for value in &stated {
            match one_by_one.last_mut().filter(|bin| bin.from.total_cmp(value).is_eq()) {
                Some(bin) => bin.count = bin.count.saturating_add(1),
                None => one_by_one.push(Bin { from: *value, to: *value, count: 1 }),
            }
        }
        let few = one_by_one.len() <= ONE_BY_ONE;
        let bins = if few { one_by_one } else { in_steps(&stated, round_step(&stated)) };
        Self { bins, not_stated: missing(values, &stated) }
    }

    /// Bins of `step`, from a multiple of it.
    pub(super) fn in_steps(values: &[Option<f64>], step: f64) -> Self {
        let stated = stated(values);
        Self { bins: in_steps(&stated, step), not_stated: missing(values, &stated) }
    }
}

/// The finite values to a thousandth, from low to high.
fn stated(values: &[Option<f64>]) -> Vec<f64> {
    let finite = values.iter().flatten().filter(|value| value.is_finite());
    let mut stated: Vec<f64> = finite.map(|value| (value * 1e3).round() / 1e3).collect();
    stated.sort_by(f64::total_cmp);
    stated
}

fn missing(values: &[Option<f64>], stated: &[f64]) -> u64 {
    values.len().saturating_sub(stated.len()) as u64
}

/// 1, 2 or 5 times a power of ten, so that about [`BINS`] of them hold all values.
fn round_step(sorted: &[f64]) -> f64 {
    let width = sorted.last().zip(sorted.first()).map_or(1.0, |(high, low)| high - low);
    let least = (width / BINS).max(1e-3);
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= least).unwrap_or(least)
}

fn in_steps(sorted: &[f64], step: f64) -> Vec<Bin> {
    let Some((low, high)) = sorted.first().zip(sorted.last()) else { return Vec::new() };
    let start = (low / step).floor();
    let edge = |n: u32| (start + f64::from(n)) * step;
    // No more than a page can show, whatever one wild value says: what lies beyond is in the last bin.
    let count = (0_u32..60).find(|n| edge(n.saturating_add(1)) > *high).unwrap_or(59);
    let mut bins: Vec<Bin> =
        (0..=count).map(|n| Bin { from: edge(n), to: edge(n.saturating_add(1)), count: 0 }).collect();
    for value in sorted {
        if let Some(bin) = bins.iter_mut().rev().find(|bin| bin.from <= *value) {
            bin.count = bin.count.saturating_add(1);
        }
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    #[test]
    fn few_different_values_are_shown_one_by_one() {
        let histogram = Histogram::of(&[&all(&[120.0, 100.0, 120.0]), &[None, Some(f64::NAN)][..]].concat());
        let bins: Vec<_> = histogram.bins.iter().map(|bin| (bin.from, bin.count)).collect();
        assert_eq!((bins, histogram.not_stated), (vec![(100.0, 1), (120.0, 2)], 2));
    }

    #[test]
    fn many_values_fall_into_round_bins_and_none_is_lost() {
        let values: Vec<f64> = (0..500).map(|n| 0.5 + f64::from(n) * 0.013).collect();
        let histogram = Histogram::of(&all(&values));
        assert_eq!(histogram.bins.iter().map(|bin| bin.count).sum::<u64>(), 500);
        assert!((5..=14).contains(&histogram.bins.len()), "{histogram:?}");
        assert_eq!((histogram.bins[0].from, histogram.bins[0].to), (0.0, 1.0));
    }

    #[test]
    fn a_wild_value_makes_no_endless_row_of_bins() {
        let histogram = Histogram::in_steps(&all(&[1.0, 50.0, 1e12]), 10.0);
        assert_eq!((histogram.bins.len(), histogram.bins[59].count), (60, 1));
        assert_eq!(Histogram::in_steps(&[None], 10.0), Histogram { bins: vec![], not_stated: 1 });
    }

    #[test]
    fn a_blank_word_is_one_that_says_nothing() {
        let mut tally = Tally::default();
        [Some("GE"), Some(" GE "), Some("  "), None].into_iter().for_each(|word| tally.add(word));
        assert_eq!(tally, Tally { stated: [("GE".to_owned(), 2)].into(), not_stated: 2 });
    }
}
