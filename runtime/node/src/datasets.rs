//! Datasets: added by the operator, with their policy and clinical table.

use crate::error::{NodeError, ask, file};
use crate::files;
use crate::history;
use crate::keys::random_bytes;
use crate::node::Node;
use crate::store::Dataset;
use std::path::{Path, PathBuf};
use trocar_ledger::{Event, Ledger};
use trocar_manifest::keys::PublicKey;
use trocar_policy::Policy;
use trocar_terms::{DatasetId, Digest, Name};
use trocar_worker::{Admitted, TableError};

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
        let known = self.own_dataset(&ledger, &new.name)?;
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
            let home = self.home().name()?;
            ledger.append(self.now(), Event::DatasetAdded { dataset: dataset.id, name, policy, home })?;
        }
        self.store().put(&dataset).await?;
        Ok((dataset, policy.digest()))
    }

    /// The id of the dataset that this home once added under this name.
    fn own_dataset(&self, ledger: &Ledger, name: &Name) -> Result<Option<DatasetId>, NodeError> {
        let Some(id) = history::dataset(ledger, name) else { return Ok(None) };
        let owner = history::datasets(ledger).get(&id).map(|(_, home)| home.clone());
        match owner.filter(|home| self.home().is_shared() && self.home().name().is_ok_and(|own| own != *home))
        {
            None => Ok(Some(id)),
            Some(home) => ask(format!("the home {home} has a dataset {name}: choose another name")),
        }
    }

    /// A policy without operators gets this home's. Without a file the one that is there stands, or the strict default is
    /// written.
    fn policy_for(&self, new: &NewDataset) -> Result<(Policy, String), NodeError> {
        let operator = self.home().operator()?;
        let path = new.policy.clone().unwrap_or_else(|| self.home().policy_path(&new.name));
        let text = if new.policy.is_some() || path.exists() {
            files::read_text(&path)?
        } else {
            self.default_policy(&operator, new.clinical.as_deref())?
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

    /// Reads a dataset's clinical table under its policy.
    pub(crate) fn clinical(&self, dataset: &Dataset, policy: &Policy) -> Result<Option<Admitted>, NodeError> {
        let Some(path) = &dataset.clinical else { return Ok(None) };
        let input = std::fs::File::open(path).map_err(file("read", path))?;
        let read = trocar_worker::clinical(&self.launcher_for(policy), &input, &policy.table());
        read.map(Some).map_err(|error| refused(path, error))
    }

    /// The strict default; with a table, it grants the columns of sex and age that the table has.
    fn default_policy(&self, operator: &PublicKey, clinical: Option<&Path>) -> Result<String, NodeError> {
        let Some(path) = clinical else { return Ok(Policy::complete(operator, SIZE_BOUND)) };
        let path = existing(path, Path::is_file, "file")?;
        let input = std::fs::File::open(&path).map_err(file("read", &path))?;
        let head =
            trocar_worker::clinical_head(self.launcher(), &input).map_err(|error| refused(&path, error))?;
        Ok(Policy::for_table(operator, SIZE_BOUND, &head))
    }
}

fn refused(path: &Path, error: TableError) -> NodeError {
    match error {
        TableError::Worker(error) => error.into(),
        TableError::Refused(source) => NodeError::Clinical { path: path.to_owned(), source },
    }
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
