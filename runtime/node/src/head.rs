//! The head of the ledger and the witness of a policy.
//!
//! Before a job is accepted, before its patients are read and before its result is handed out, the witness must countersign the head
//! as it stands. So an old copy of the home accepts, runs and hands out nothing.

use crate::error::{NodeError, ask};
use crate::files;
use crate::keys::Keys;
use crate::log::Log;
use crate::node::Node;
use std::path::{Path, PathBuf};
use trocar_ledger::Ledger;
use trocar_policy::{Policy, Witness};
use trocar_terms::Name;
use trocar_tlog::{Checkpoint, KeyName, Note, Verifier};
use trocar_witness::Client;

/// The name under which a witness signs.
///
/// # Errors
/// None for any name of a key.
pub fn witness_name(name: &Name) -> Result<KeyName, NodeError> {
    Ok(format!("trocar/witness/{name}").parse()?)
}

impl Node {
    /// Has the policy's witness countersign all that shows by the time of the ledger's last record. Without a witness nothing is
    /// asked.
    ///
    /// # Errors
    /// The witness has seen what is not in this ledger, cannot be asked, or the node's own files cannot be used.
    pub(crate) async fn countersign(&self, policy: &Policy) -> Result<(), NodeError> {
        match policy.witness() {
            Some(witness) => self.countersign_by(witness, None).await.map(drop),
            None => Ok(()),
        }
    }

    /// As [`Self::countersign`], for a head that has this record under it.
    pub(crate) async fn countersign_record(&self, policy: &Policy, seq: u64) -> Result<(), NodeError> {
        match policy.witness() {
            Some(witness) => self.countersign_by(witness, Some(seq)).await.map(drop),
            None => Ok(()),
        }
    }

    /// The note that the witness countersigned, and the key that it did so with.
    pub(crate) async fn countersign_by(
        &self,
        witness: &Witness,
        record: Option<u64>,
    ) -> Result<(Note, Verifier), NodeError> {
        // One at a time: the witness would take whoever comes second with less for an old copy.
        let _lock = self.home().common_lock("witness.lock")?;
        let log = self.log_with(record)?;
        let client = self.client(witness, &log)?;
        let path = self.home().checkpoint_path(&client.verifier());
        let known = last_known(&path, &log.verifier(self.home())?);
        let signed = log.signed(self.home())?;
        let note = trocar_witness::countersign(&client, log.tree(), signed, known, self.now()).await?;
        files::write_durably(&path, note.to_string().as_bytes())?;
        Ok((note, client.verifier()))
    }

    fn log_with(&self, record: Option<u64>) -> Result<Log, NodeError> {
        let mut ledger = self.home().ledger()?;
        let log = Log::of(self.home(), &ledger)?;
        match record {
            Some(seq) if !log.has(seq) => self.log_by_now(&mut ledger),
            Some(_) | None => Ok(log),
        }
    }

    fn log_by_now(&self, ledger: &mut Ledger) -> Result<Log, NodeError> {
        ledger.moment(self.now())?;
        Log::of(self.home(), ledger)
    }

    /// The witness that a policy names.
    pub(crate) fn client(&self, witness: &Witness, log: &Log) -> Result<Client, NodeError> {
        match witness {
            Witness::Folder(path) => {
                let folder = self.outside(Path::new(path))?;
                let (name, key) = only_key(&folder)?;
                let logs = vec![log.verifier(self.home())?];
                let witness = trocar_witness::Witness::open(&folder, witness_name(&name)?, key, logs)?;
                Ok(Client::Folder(witness))
            }
            Witness::Remote { url, key } => {
                let Ok(verifier) = key.parse::<Verifier>() else {
                    return ask(format!(
                        "the witness's key {key} is none: copy the line that `trocar witness` prints"
                    ));
                };
                Ok(Client::remote(url, verifier)?)
            }
        }
    }

    /// A witness inside the home would be put back together with it.
    fn outside(&self, path: &Path) -> Result<PathBuf, NodeError> {
        let Ok(folder) = path.canonicalize() else {
            return ask(format!("there is no witness folder {}: is its disk mounted?", path.display()));
        };
        let inside = |root: &Path| root.canonicalize().is_ok_and(|root| folder.starts_with(root));
        if inside(self.home().root()) || inside(self.home().common()) {
            return ask(format!(
                "the witness folder {} is inside the home: put it on another disk",
                path.display()
            ));
        }
        Ok(folder)
    }
}

fn only_key(folder: &Path) -> Result<(Name, trocar_manifest::keys::SecretKey), NodeError> {
    let keys = Keys::of(folder);
    match keys.list()?.as_slice() {
        [(name, _)] => Ok((name.clone(), keys.get(name)?)),
        _ => ask(format!(
            "{0} is not the folder of a witness: make it one with `trocar witness --state {0}`",
            folder.display()
        )),
    }
}

/// The size that the witness last countersigned, as far as this home knows: a hint that saves a question.
fn last_known(path: &Path, log: &Verifier) -> u64 {
    let note = std::fs::read(path).ok().and_then(|bytes| Note::parse(&bytes).ok());
    note.and_then(|note| Checkpoint::verified(&note, log).ok()).map_or(0, |checkpoint| checkpoint.size)
}
