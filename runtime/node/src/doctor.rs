//! `node doctor`: what of a home is not as it should be, and what this version does not protect from.

use crate::auditing::{Check, in_words as words};
use crate::counted::counted;
use crate::error::NodeError;
use crate::node::Node;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use trocar_terms::Timestamp;
use trocar_worker::Layers;

/// A ledger may be this far ahead of the clock: clocks of two machines differ.
const AHEAD_SECONDS: i64 = 300;

impl Node {
    /// Looks at ledger, clock, keys, policies, witness and containment.
    ///
    /// # Errors
    /// None of what is looked at: that is a finding.
    pub async fn doctor(&self) -> Result<Vec<Check>, NodeError> {
        let mut found = vec![self.ledger_found(), self.keys_found()];
        let datasets = match self.store().datasets().await {
            Ok(datasets) => datasets,
            Err(error) => {
                found.push(Check::new("index", false, words(&error)));
                return Ok(found);
            }
        };
        found.push(Check::new("index", true, counted(datasets.len(), "dataset")));
        for dataset in datasets {
            found.extend(self.dataset_found(&dataset).await);
        }
        found.extend(self.containment_found());
        Ok(found)
    }

    /// Each layer by itself: tried in a worker, which locks itself and then tries what it must not.
    fn containment_found(&self) -> [Check; 3] {
        let layers = self.layers();
        let layer = |name: &str, holds: fn(&Layers) -> bool, need: &str| match &layers {
            Err(error) => Check::new("containment", false, words(error)),
            Ok(layers) if holds(layers) => {
                Check::new("containment", true, format!("{name} holds in a worker"))
            }
            Ok(_) => Check::new("containment", false, format!("this kernel lacks {name}: {need}")),
        };
        let without = "or take it out of `containment` in the policies, which then say in writing that it is done without";
        [
            layer(
                "seccomp",
                |layers| layers.seccomp,
                &format!("boot one with CONFIG_SECCOMP_FILTER, {without}"),
            ),
            layer(
                "landlock",
                |layers| layers.landlock,
                &format!("boot Linux 5.13 or later with `landlock` among lsm=, {without}"),
            ),
            Check::new(
                "containment",
                true,
                "limits, closed descriptors, no environment and no dump hold on every kernel",
            ),
        ]
    }

    fn ledger_found(&self) -> Check {
        let ledger = match self.home().ledger() {
            Ok(ledger) => ledger,
            Err(error) => return Check::new("ledger", false, words(&error)),
        };
        let last = ledger.records().last().map_or(Timestamp::from_seconds(0), |record| record.time);
        let ahead = last.seconds().saturating_sub(self.now().seconds());
        if ahead > AHEAD_SECONDS {
            let detail = format!(
                "ledger time is {last}, {ahead} s after the clock: it was set back, and no year rolls until it has caught up"
            );
            return Check::new("clock", false, detail);
        }
        Check::new(
            "ledger",
            true,
            format!("{}, the last at {last}", counted(ledger.records().len(), "record")),
        )
    }

    /// Nobody but their owner may read keys and what they protect.
    fn keys_found(&self) -> Check {
        let mut open = Vec::new();
        for root in [self.home().root(), self.home().common()] {
            open_to_others(root, &mut open);
            open_to_others(&root.join("keys"), &mut open);
            let keys = std::fs::read_dir(root.join("keys")).into_iter().flatten().filter_map(Result::ok);
            keys.for_each(|key| open_to_others(&key.path(), &mut open));
            open_to_others(&root.join("ledger.log"), &mut open);
            open_to_others(&root.join("patients.log"), &mut open);
        }
        open.dedup();
        match open.first() {
            Some(path) => {
                Check::new("keys", false, format!("others can reach {path}: run `chmod -R go= {path}`"))
            }
            None => Check::new("keys", true, "only their owner can read them"),
        }
    }

    async fn dataset_found(&self, dataset: &crate::store::Dataset) -> Vec<Check> {
        let name = &dataset.name;
        let policy = match self.policy(name) {
            Ok(policy) => policy,
            Err(error) => return vec![Check::new("policy", false, format!("{name}: {}", words(&error)))],
        };
        let scanned = match self.scanned(dataset, &policy).await {
            Ok(_) => Check::new("scan", true, format!("{name} is scanned under its policy")),
            Err(error) => Check::new("scan", false, words(&error)),
        };
        let witness = match policy.witness() {
            None => Check::note("witness", format!("{name} has no witness: rollback not detected")),
            Some(witness) => match self.countersign_by(witness, None).await {
                Ok((_, key)) => {
                    Check::new("witness", true, format!("{name}: {} countersigns the head", key.name))
                }
                Err(error) => Check::new("witness", false, format!("{name}: {}", words(&error))),
            },
        };
        vec![scanned, witness]
    }
}

fn open_to_others(path: &Path, open: &mut Vec<String>) {
    if std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o077 != 0) {
        open.push(path.display().to_string());
    }
}
