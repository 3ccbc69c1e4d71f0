//! Datasets: added by the operator, scanned into snapshots.

use crate::audit::mac;
use crate::error::{NodeError, ask, file};
use crate::files;
use crate::history;
use crate::keys::random_bytes;
use crate::node::Node;
use crate::store::{Dataset, Indexed, Scanned, Snapshot};
use hmac::Mac;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use trocar_ledger::Event;
use trocar_policy::Policy;
use trocar_terms::{DatasetId, Digest, Name, SnapshotId};
use trocar_worker::{ClinicalTable, PatientRecord, Scan, ScanRules};

/// N_pub of a policy that the operator did not write: declared, never counted from the data.
const SIZE_BOUND: u32 = 500;

/// What a person says when adding a dataset.
#[derive(Debug)]
pub struct NewDataset {
    /// Name on this node.
    pub name: Name,
    /// Folder of DICOM files.
    pub path: PathBuf,
    /// Clinical table.
    pub clinical: Option<PathBuf>,
    /// Policy file; a complete strict one is written where none is given.
    pub policy: Option<PathBuf>,
}

/// What the operator sees of a scan.
#[derive(Debug, Serialize)]
pub struct ScanReport {
    /// Dataset.
    pub dataset: Name,
    /// Files seen.
    pub files: usize,
    /// Patients with at least one usable series.
    pub patients: usize,
    /// Usable series by modality.
    pub series: BTreeMap<String, usize>,
    /// Patients of the clinical table that have images.
    pub clinical_rows: usize,
    /// Refused files.
    pub quarantined: Vec<Quarantined>,
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
    /// Adds a dataset with its policy, or corrects the one of this name. No image is read yet.
    ///
    /// A name that the ledger knows keeps its id, and with it all that was ever spent on it.
    ///
    /// # Errors
    /// The folder or table is not there or cannot be read, or the policy is not valid.
    pub async fn add_dataset(&self, new: &NewDataset) -> Result<(Dataset, Digest), NodeError> {
        let _lock = self.home().lock("scan.lock")?;
        let (policy, policy_text) = self.policy_for(new)?;
        let mut ledger = self.home().ledger()?;
        let known = history::dataset(&ledger, &new.name);
        let dataset = Dataset {
            name: new.name.clone(),
            id: known.unwrap_or_else(|| DatasetId::from_bytes(random_bytes())),
            path: existing(&new.path, Path::is_dir, "folder")?,
            clinical: new.clinical.as_deref().map(|p| existing(p, Path::is_file, "file")).transpose()?,
            snapshot: None,
        };
        self.clinical(&dataset, &policy)?;
        files::write_durably(&self.home().policy_path(&new.name), policy_text.as_bytes())?;
        if known.is_none() {
            let (name, policy) = (new.name.clone(), policy.digest());
            ledger.append(self.now(), Event::DatasetAdded { dataset: dataset.id, name, policy })?;
        }
        self.store().put(&dataset).await?;
        Ok((dataset, policy.digest()))
    }

    /// A policy without operators gets this home's. Without a file the one that is there stands, or the strict default is
    /// written.
    fn policy_for(&self, new: &NewDataset) -> Result<(Policy, String), NodeError> {
        let operator = self.home().operator()?;
        let path = new.policy.clone().unwrap_or_else(|| self.home().policy_path(&new.name));
        let text = if new.policy.is_some() || path.exists() {
            files::read_text(&path)?
        } else {
            Policy::complete(&operator, SIZE_BOUND)
        };
        let shown = path.display().to_string();
        let text = trocar_policy::with_operator(&shown, &text, &operator)
            .map_err(|e| NodeError::Policy(Box::new(e)))?;
        Ok((parse_policy(&path, &text)?, text))
    }

    /// Reads a dataset's policy.
    ///
    /// # Errors
    /// It is missing or not valid: then nothing runs on the dataset.
    pub fn policy(&self, dataset: &Name) -> Result<Policy, NodeError> {
        let path = self.home().policy_path(dataset);
        parse_policy(&path, &files::read_text(&path)?)
    }

    /// Jobs and approvals go by the policy's digest, so its text is kept for as long as the home.
    pub(crate) fn keep_policy(&self, policy: &Policy) -> Result<(), NodeError> {
        files::keep(&self.home().policy_copy_path(&policy.digest()), policy.text().as_bytes())
    }

    /// The text of a policy that a job was admitted under, whatever the dataset's policy says by now.
    pub(crate) fn policy_copy(&self, digest: &Digest) -> Result<Policy, NodeError> {
        let path = self.home().policy_copy_path(digest);
        let policy = parse_policy(&path, &files::read_text(&path)?)?;
        if policy.digest() == *digest { Ok(policy) } else { Err(NodeError::Lost("its policy")) }
    }

    /// Scans a dataset into a new snapshot.
    ///
    /// # Errors
    /// The folder, the clinical table or the policy cannot be read, or another dataset has the same patients.
    pub async fn scan(
        &self,
        name: &Name,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<ScanReport, NodeError> {
        // Two scans at once could each miss that the other has the same patients.
        let _lock = self.home().lock("scan.lock")?;
        let dataset = self.store().dataset(name).await?;
        let policy = self.policy(name)?;
        let rules = ScanRules {
            deidentification: policy.deidentification(),
            modalities: policy.modalities().to_vec(),
            attributes: policy.attributes().to_vec(),
        };
        let table = self.clinical(&dataset, &policy)?;
        let scan = trocar_worker::scan(self.launcher(), &dataset.path, &rules, self.workers(), progress)?;
        refuse_ids_of_two_issuers(name, &scan.patients, table.as_ref())?;
        let scanned = self.scanned(scan, &dataset.path, table.as_ref(), policy.digest())?;
        refuse_beyond_bound(name, scanned.snapshot.patients.len(), policy.size_bound())?;
        self.refuse_shared_patients(name, &scanned)?;
        self.store().keep(name, &scanned).await?;
        Ok(report(name, &scanned))
    }

    fn clinical(&self, dataset: &Dataset, policy: &Policy) -> Result<Option<ClinicalTable>, NodeError> {
        let Some(path) = &dataset.clinical else { return Ok(None) };
        let input = std::fs::File::open(path).map_err(file("read", path))?;
        match trocar_worker::clinical(input, policy.columns()) {
            Ok(table) => Ok(Some(table)),
            Err(source) => Err(NodeError::Clinical { path: path.clone(), source }),
        }
    }

    fn scanned(
        &self,
        scan: Scan,
        root: &Path,
        table: Option<&ClinicalTable>,
        policy: Digest,
    ) -> Result<Scanned, NodeError> {
        let key = self.home().audit_key()?;
        let row = |r: &PatientRecord| table?.row(&r.patient_id);
        let indexed = |r: PatientRecord| Indexed {
            pseudonym: pseudonym(&r, &key),
            columns: row(&r).cloned().unwrap_or_default(),
            record: r,
        };
        let patients: Vec<Indexed> = scan.patients.into_iter().map(indexed).collect();
        let opening: [u8; 32] = random_bytes();
        let commitment = commit(&opening, &serde_json::to_vec(&(&patients, &scan.files))?);
        let id = SnapshotId::from_bytes(random_bytes());
        let root = root.to_owned();
        let snapshot = Snapshot { id, policy, root, commitment, patients, files: scan.files };
        let quarantined =
            scan.quarantined.iter().map(|(p, r)| (p.display().to_string(), r.word().to_owned())).collect();
        Ok(Scanned { snapshot, opening: hex::encode(opening), quarantined })
    }

    /// Budgets belong to patients. Until budgets are pooled across datasets, one patient may be in one dataset only.
    fn refuse_shared_patients(&self, name: &Name, scanned: &Scanned) -> Result<(), NodeError> {
        let mine = scanned.snapshot.patients.iter().map(|p| p.pseudonym.as_str());
        let others = self.home().patients_log()?.claim(name, mine)?;
        if others.is_empty() {
            return Ok(());
        }
        ask(format!(
            "{name} has patients that are also in {}: their budget would be counted twice. Keep each patient in one dataset",
            others.join(", ")
        ))
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

fn parse_policy(path: &Path, text: &str) -> Result<Policy, NodeError> {
    Policy::parse(&path.display().to_string(), text).map_err(|e| NodeError::Policy(Box::new(e)))
}

fn existing(path: &Path, is: impl Fn(&Path) -> bool, word: &str) -> Result<PathBuf, NodeError> {
    if !is(path) {
        return ask(format!("there is no {word} {}: check the path", path.display()));
    }
    path.canonicalize().map_err(file("find", path))
}

/// A row of the clinical table belongs to one patient, and what one patient's record says may not depend on another's.
fn refuse_ids_of_two_issuers(
    name: &Name,
    patients: &[PatientRecord],
    table: Option<&ClinicalTable>,
) -> Result<(), NodeError> {
    let mut seen = BTreeSet::new();
    if table.is_none() || patients.iter().all(|p| seen.insert(&p.patient_id)) {
        return Ok(());
    }
    ask(format!(
        "{name} has a patient id of two issuers, which its clinical table cannot tell apart: give each its own id"
    ))
}

fn pseudonym(record: &PatientRecord, key: &[u8; 32]) -> String {
    hex::encode(
        mac(key, &[b"patient", record.patient_id.as_bytes(), record.issuer.as_bytes()])
            .finalize()
            .into_bytes(),
    )
}

/// A hiding commitment: without the 32 random bytes nobody can test a guess at the contents.
fn commit(opening: &[u8; 32], contents: &[u8]) -> Digest {
    Digest::of(&[&opening[..], Digest::of(contents).as_bytes()].concat())
}

fn report(name: &Name, scanned: &Scanned) -> ScanReport {
    let patients = &scanned.snapshot.patients;
    let mut series = BTreeMap::new();
    for s in patients.iter().flat_map(|p| &p.record.series) {
        let count: &mut usize = series.entry(s.info.modality.clone()).or_default();
        *count = count.saturating_add(1);
    }
    ScanReport {
        dataset: name.clone(),
        files: scanned.snapshot.files.len(),
        patients: patients.len(),
        series,
        clinical_rows: patients.iter().filter(|p| !p.columns.is_empty()).count(),
        quarantined: scanned
            .quarantined
            .iter()
            .map(|(path, reason)| Quarantined { path: path.clone(), reason: reason.clone() })
            .collect(),
    }
}
