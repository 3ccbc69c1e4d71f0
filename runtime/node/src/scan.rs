//! A scan: what is new in a dataset's folder is read, and its patients are frozen in a snapshot.

use crate::audit::mac;
use crate::error::{NodeError, ask, file};
use crate::history;
use crate::node::Node;
use crate::store::{Dataset, Freeze, Frozen, Indexed, Indexing, Kept};
use hmac::Mac;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use trocar_ledger::{Event, Ledger, Limits};
use trocar_policy::Policy;
use trocar_terms::{DatasetId, DeltaUnits, Digest, Name, RhoUnits, SnapshotId, TableRules, Value};
use trocar_worker::{ClinicalTable, PatientRecord, READER, ScanRules};

/// What the operator sees of a scan.
#[derive(Debug, Serialize)]
pub struct ScanReport {
    /// Dataset.
    pub dataset: Name,
    /// Files, links and other entries seen.
    pub files: u64,
    /// Files whose header was read in this scan; the others were as an earlier one had read them.
    pub read: u64,
    /// Whether the snapshot of an earlier scan stands, since nothing that it is made of has changed.
    pub unchanged: bool,
    /// The snapshot's random id.
    pub snapshot: SnapshotId,
    /// Merkle root over its patients' records, in order of their keyed pseudonyms, which the records hold: without the node's
    /// key nobody can test a guess at it. It stays on the node all the same.
    pub merkle: Digest,
    /// What the snapshot holds.
    #[serde(flatten)]
    pub contents: Contents,
    /// Datasets that have a patient in common with this one, directly or through others: they share its budget for ever.
    pub pool: Vec<Name>,
    /// Refused files.
    pub quarantined: Vec<Quarantined>,
}

/// Figures of a snapshot.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Contents {
    /// Patients with at least one usable series.
    pub patients: usize,
    /// Usable series by modality.
    pub series: BTreeMap<String, usize>,
    /// Patients of the clinical table that have images.
    pub clinical_rows: usize,
}

/// One refused file.
#[derive(Debug, Serialize)]
pub struct Quarantined {
    /// Below the dataset's folder.
    pub path: String,
    /// The reason's word.
    pub reason: String,
}

impl Node {
    /// Scans a dataset into a snapshot. Only what is new or changed since the last scan is read, and a scan that was
    /// interrupted goes on.
    ///
    /// # Errors
    /// The folder, the clinical table or the policy cannot be read, or the ledger not be written.
    pub async fn scan(
        &self,
        name: &Name,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<ScanReport, NodeError> {
        // Two scans at once could each miss that the other has the same patients.
        let _lock = self.home().lock("scan.lock")?;
        let dataset = self.store().dataset(name).await?;
        let policy = self.policy(name)?;
        self.contained(&policy)?;
        let rules = rules(&policy);
        let reading = Digest::of(&serde_json::to_vec(&(READER, &rules))?);
        let inputs = inputs(&dataset, &policy, &reading)?;
        let table = self.clinical(&dataset, &policy)?.map(|admitted| admitted.table);
        let mut tree = self.store().tree(&dataset, &reading).await?;
        let (root, workers) = (dataset.path.as_path(), self.workers());
        let launcher = self.launcher_for(&policy);
        let crawled = tokio::task::block_in_place(|| {
            trocar_worker::crawl(&launcher, root, &rules, workers, &mut tree, progress)
        })?;
        tree.finish().await?;
        if self::inputs(&dataset, &policy, &reading)? != inputs {
            return ask(format!("the clinical table of {name} was changed while it was scanned: scan again"));
        }
        let freeze = Freeze { dataset: name, root, policy: policy.digest(), inputs };
        let kept = match self.store().standing(&tree, &freeze).await? {
            Some(kept) => kept,
            None => {
                let index = Index { key: self.home().audit_key()?, table: table.as_ref() };
                let frozen = self.store().freeze(&tree, &freeze, &index).await?;
                self.keep(frozen, &freeze, (&dataset, &policy), table.is_some()).await?
            }
        };
        if crawled.read > 0 {
            self.store().checkpoint().await?;
        }
        let refused = self.store().refused(&tree).await?.into_iter();
        let quarantined = refused.map(|(path, reason)| Quarantined { path, reason }).collect();
        let pool = self.pool_of(&self.home().ledger()?, dataset.id);
        let (dataset, files, read) = (name.clone(), crawled.files, crawled.read);
        let Kept { unchanged, id: snapshot, merkle, contents } = kept;
        Ok(ScanReport { dataset, files, read, unchanged, snapshot, merkle, contents, pool, quarantined })
    }

    /// Keeps a snapshot that may be kept.
    async fn keep(
        &self,
        mut frozen: Frozen<'_>,
        freeze: &Freeze<'_>,
        (dataset, policy): (&Dataset, &Policy),
        has_table: bool,
    ) -> Result<Kept, NodeError> {
        if has_table && frozen.has_ids_of_two_issuers().await? {
            return refuse_ids_of_two_issuers(freeze.dataset);
        }
        if frozen.has_ids_with_and_without_issuer().await? {
            return refuse_ids_with_and_without_issuer(freeze.dataset);
        }
        let pseudonyms = frozen.pseudonyms().await?;
        refuse_beyond_bound(freeze.dataset, pseudonyms.len(), policy.size_bound())?;
        self.pool(dataset, policy, &pseudonyms)?;
        drop(pseudonyms);
        frozen.keep(freeze).await
    }

    /// Budgets belong to patients: datasets that have one in common share a pool from here on, and no patient of a snapshot is
    /// read before that is in the ledger.
    fn pool(&self, dataset: &Dataset, policy: &Policy, pseudonyms: &[String]) -> Result<(), NodeError> {
        let mine = || pseudonyms.iter().map(String::as_str);
        let patients = self.home().patients_log()?;
        let mut ledger = self.home().ledger()?;
        let limits = limits(policy);
        if ledger.own_limits(dataset.id) != Some(limits) {
            ledger.append(self.now(), Event::Limited { dataset: dataset.id, limits })?;
        }
        let mut shared: BTreeSet<DatasetId> = [dataset.id].into();
        for other in patients.others(&dataset.name, mine()) {
            let Some(id) = history::dataset(&ledger, &other) else {
                return ask(format!(
                    "patients.log names a dataset {other} that the ledger does not know: restore the newer ledger"
                ));
            };
            shared.insert(id);
        }
        // One record either way: that datasets share patients is not to be read off the number of records.
        let found = !shared.is_subset(&ledger.pool(dataset.id));
        let pooled = Event::Pooled { datasets: shared.into_iter().collect() };
        ledger.append(self.now(), if found { pooled } else { Event::Moment })?;
        patients.claim(&dataset.name, mine())
    }

    /// The other datasets of a dataset's pool.
    pub(crate) fn pool_of(&self, ledger: &Ledger, dataset: DatasetId) -> Vec<Name> {
        let names = history::datasets(ledger);
        let others = ledger.pool(dataset).into_iter().filter(|id| *id != dataset);
        others.filter_map(|id| names.get(&id).map(|(name, _)| name.clone())).collect()
    }
}

/// What a policy lets its patients spend.
fn limits(policy: &Policy) -> Limits {
    Limits {
        year: RhoUnits::floor(&policy.rho_year()),
        lifetime: RhoUnits::floor(&policy.rho_lifetime()),
        project_share_of_year: policy.project_rho_year(),
        gate_delta_year: DeltaUnits::of(&policy.gate_delta_year()),
        counts_year: RhoUnits::floor(&policy.counts_rho_year()),
    }
}

fn rules(policy: &Policy) -> ScanRules {
    ScanRules {
        deidentification: policy.deidentification(),
        modalities: policy.modalities().to_vec(),
        attributes: policy.attributes().to_vec(),
    }
}

/// All that a record depends on besides the patient's files.
fn inputs(dataset: &Dataset, policy: &Policy, reading: &Digest) -> Result<Digest, NodeError> {
    let table = match &dataset.clinical {
        Some(path) => Some(Digest::of(&std::fs::read(path).map_err(file("read", path))?)),
        None => None,
    };
    let TableRules { key, index_date, columns } = policy.table();
    Ok(Digest::of(&serde_json::to_vec(&(reading, table, key, index_date, columns))?))
}

/// What a record gets from the node.
struct Index<'a> {
    key: [u8; 32],
    table: Option<&'a ClinicalTable>,
}

impl Indexing for Index<'_> {
    fn pseudonym(&self, patient: &str, issuer: &str) -> String {
        let mac = mac(&self.key, &[b"patient", patient.as_bytes(), issuer.as_bytes()]);
        hex::encode(mac.finalize().into_bytes())
    }

    fn columns(&self, record: &PatientRecord) -> BTreeMap<String, Value> {
        self.table.and_then(|table| table.row(&record.patient_id)).cloned().unwrap_or_default()
    }
}

impl Contents {
    /// Counts one patient.
    pub(crate) fn count(&mut self, patient: &Indexed) {
        self.patients = self.patients.saturating_add(1);
        self.clinical_rows = self.clinical_rows.saturating_add(usize::from(!patient.columns.is_empty()));
        for series in &patient.record.series {
            let count = self.series.entry(series.info.modality.clone()).or_default();
            *count = count.saturating_add(1);
        }
    }
}

/// The noise was sized for at most `size_bound` patients, a figure that is declared and never counted.
fn refuse_beyond_bound(name: &Name, patients: usize, bound: u32) -> Result<(), NodeError> {
    if patients <= bound as usize {
        return Ok(());
    }
    ask(format!(
        "{name} has {patients} patients, but size_bound in its policy is {bound}: declare more and scan again"
    ))
}

/// The privacy unit is the patient: one who is counted twice has half the protection.
fn refuse_ids_with_and_without_issuer<T>(name: &Name) -> Result<T, NodeError> {
    ask(format!(
        "{name} has files of one patient id with an issuer (0010,0021) and without: give all of them the same issuer"
    ))
}

/// A row of the clinical table belongs to one patient, and what one patient's record says may not depend on another's.
fn refuse_ids_of_two_issuers<T>(name: &Name) -> Result<T, NodeError> {
    ask(format!(
        "{name} has a patient id of two issuers, which its clinical table cannot tell apart: give each its own id"
    ))
}
