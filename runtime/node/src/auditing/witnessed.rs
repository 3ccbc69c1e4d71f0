//! `audit --verify`: the witness of each policy is asked. What the home itself keeps of its answers is rolled back with the home.

use super::check::{Check, in_words};
use crate::error::NodeError;
use crate::log::Log;
use crate::node::Node;
use std::path::Path;
use trocar_policy::Witness;
use trocar_tlog::Note;
use trocar_witness::WitnessError;

impl Node {
    /// One finding a dataset.
    pub(super) async fn witnessed(&self, log: &Log) -> Result<Vec<Check>, NodeError> {
        let mut checks = Vec::new();
        for dataset in self.store().datasets().await? {
            checks.push(match self.policy(&dataset.name)?.witness() {
                None => {
                    Check::note("witness", format!("{} has no witness: rollback not detected", dataset.name))
                }
                Some(witness) => self.ask_witness(witness, log, dataset.name.as_str()).await,
            });
        }
        if checks.is_empty() {
            checks.push(Check::new("witness", true, "no dataset yet"));
        }
        Ok(checks)
    }

    async fn ask_witness(&self, witness: &Witness, log: &Log, dataset: &str) -> Check {
        match self.countersign_by(witness, None).await {
            Ok((_, key)) => {
                Check::new("witness", true, format!("{dataset}: {} countersigns the head", key.name))
            }
            Err(error) if is_away(witness, &error) => self.not_asked(witness, log, dataset, &error),
            Err(error) => Check::new("witness", false, format!("{dataset}: {}", in_words(&error))),
        }
    }

    /// A witness that cannot be asked says nothing about a rollback; a head that it never countersigned is wrong all the same.
    fn not_asked(&self, witness: &Witness, log: &Log, dataset: &str, error: &NodeError) -> Check {
        let why = in_words(error);
        match self.last_cosigned(witness, log) {
            None => Check::new(
                "witness",
                false,
                format!(
                    "{dataset}: the witness was not asked, and the home keeps no head that it countersigned: {why}"
                ),
            ),
            Some(time) => Check::note(
                "witness",
                format!(
                    "{dataset}: the witness was not asked, so that a rollback would not show: {why}; the home keeps a head of {time}"
                ),
            ),
        }
    }

    /// When the head that the home keeps was countersigned. A folder that is not there has no key to verify it with.
    fn last_cosigned(&self, witness: &Witness, log: &Log) -> Option<String> {
        let Ok(client) = self.client(witness, log) else {
            return Some("a time that cannot be verified".to_owned());
        };
        let note = std::fs::read(self.home().checkpoint_path(&client.verifier())).ok()?;
        Some(Note::parse(&note).ok()?.cosigned(&client.verifier()).ok()?.to_string())
    }
}

/// Whether no witness answered; any answer but a countersignature is a finding, and so is a policy that names none.
fn is_away(witness: &Witness, error: &NodeError) -> bool {
    let gone = matches!(witness, Witness::Folder(path) if !Path::new(path).exists());
    gone || matches!(error, NodeError::Witness(WitnessError::Unreachable(_) | WitnessError::File { .. }))
}
