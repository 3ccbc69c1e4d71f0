//! `audit --verify`: each thing that a ledger promises, checked from what lies on the disk.

use super::fold::{Budgets, Line, chain};
use crate::error::NodeError;
use crate::files;
use crate::log::Log;
use crate::node::Node;
use serde::Serialize;
use trocar_ledger::{Event, Ledger, Record};
use trocar_manifest::dsse::Envelope;
use trocar_manifest::{Approval, verify_approval};
use trocar_policy::Policy;
use trocar_tlog::{Checkpoint, Note, Verifier};

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// In words.
    pub detail: String,
}

impl Check {
    /// A finding.
    pub(crate) fn new(name: &'static str, holds: bool, detail: impl Into<String>) -> Self {
        Self { name, holds, detail: detail.into() }
    }
}

impl Node {
    /// Checks chain, budgets, approvals, and every head that was countersigned. Only what holds is true; the list says all.
    ///
    /// # Errors
    /// A file of the home cannot be read at all.
    pub async fn audit_verify(&self) -> Result<Vec<Check>, NodeError> {
        let lines = match chain(&files::read(&self.home().ledger_path())?) {
            Ok(lines) => lines,
            Err(line) => {
                let words = format!("line {line} is not as it was written: nothing else can be believed");
                return Ok(vec![Check::new("chain", false, words)]);
            }
        };
        let ledger = self.home().ledger()?;
        let mut checks =
            vec![Check::new("chain", true, format!("{} records, each bound to the last", lines.len()))];
        checks.push(budgets(&lines, &ledger));
        checks.push(self.approvals(&ledger)?);
        let log = Log::of(self.home(), &ledger)?;
        checks.push(tree(&log));
        checks.extend(self.heads(&log)?);
        checks.push(self.witnessed(&log).await?);
        Ok(checks)
    }

    /// Every approval is signed by an operator of the policy that it names.
    fn approvals(&self, ledger: &Ledger) -> Result<Check, NodeError> {
        let (mut good, mut bad) = (0_usize, Vec::new());
        for record in ledger.records().iter().filter(|r| matches!(r.event, Event::Approved { .. })) {
            if self.is_signed(record) { good = good.saturating_add(1) } else { bad.push(record.seq) }
        }
        let words = match bad.first() {
            None => format!("{good} approvals, each signed by an operator of its policy"),
            Some(seq) => format!(
                "the approval at record {seq} is not signed by an operator of its policy, or that policy is not kept"
            ),
        };
        Ok(Check::new("approvals", bad.is_empty(), words))
    }

    fn is_signed(&self, record: &Record) -> bool {
        let Event::Approved { dataset, manifest, component, envelope } = &record.event else { return false };
        let Ok(envelope) = serde_json::from_value::<Envelope>(envelope.clone()) else { return false };
        let signed = |policy: &Policy| verify_approval(&envelope, policy.operators()).ok().map(|(a, _)| a);
        let says = |approval: &Approval, policy: &Policy| {
            approval.policy == policy.digest()
                && approval.dataset == *dataset
                && approval.manifest == *manifest
                && approval.component == *component
        };
        self.kept_policies().iter().any(|policy| signed(policy).is_some_and(|a| says(&a, policy)))
    }

    /// Every policy whose text the home still has.
    fn kept_policies(&self) -> Vec<Policy> {
        let entries = std::fs::read_dir(self.home().root().join("policy")).into_iter().flatten();
        let texts = entries.filter_map(|e| std::fs::read_to_string(e.ok()?.path()).ok());
        texts.filter_map(|text| Policy::parse("policy", &text).ok()).collect()
    }

    /// Every head that this home had countersigned is one that the ledger still extends.
    fn heads(&self, log: &Log) -> Result<Vec<Check>, NodeError> {
        let (verifier, folder) = (log.verifier(self.home())?, self.home().heads_path());
        let mut checks = Vec::new();
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).into_iter().flatten().filter_map(|e| Some(e.ok()?.path())).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|e| e == "checkpoint")) {
            checks.push(head(&files::read(path)?, log, &verifier));
        }
        Ok(checks)
    }

    /// The witness that each policy names has countersigned a head of this ledger.
    async fn witnessed(&self, log: &Log) -> Result<Check, NodeError> {
        let (mut seen, mut missing) = (Vec::new(), Vec::new());
        for dataset in self.store().datasets().await? {
            let policy = self.policy(&dataset.name)?;
            let Some(witness) = policy.witness() else {
                missing.push(format!("{} has no witness: rollback not detected", dataset.name));
                continue;
            };
            let client = self.client(witness, log)?;
            let path = self.home().checkpoint_path(&client.verifier());
            let note = std::fs::read(path).ok().and_then(|bytes| Note::parse(&bytes).ok());
            match note.and_then(|note| note.cosigned(&client.verifier()).ok()) {
                Some(time) => seen.push(format!("{}: countersigned at {time}", dataset.name)),
                None => {
                    return Ok(Check::new(
                        "witness",
                        false,
                        format!("no head was countersigned for {}", dataset.name),
                    ));
                }
            }
        }
        seen.extend(missing);
        Ok(Check::new(
            "witness",
            true,
            if seen.is_empty() { "no dataset yet".to_owned() } else { seen.join("; ") },
        ))
    }
}

fn head(bytes: &[u8], log: &Log, verifier: &Verifier) -> Check {
    let checkpoint = Note::parse(bytes).and_then(|note| Checkpoint::verified(&note, verifier));
    match checkpoint {
        Err(error) => {
            Check::new("head", false, format!("a head that the home keeps cannot be believed: {error}"))
        }
        Ok(head) if log.tree().root(head.size) == Some(head.root) => {
            Check::new("head", true, format!("the ledger extends the head of {} entries", head.size))
        }
        Ok(head) => Check::new(
            "head",
            false,
            format!(
                "the ledger does not extend the head of {} entries: it is an old copy or another",
                head.size
            ),
        ),
    }
}

/// Two ways to the root: leaf by leaf, and by halves.
fn tree(log: &Log) -> Check {
    let mut merkle = trocar_tlog::Merkle::default();
    log.entries().for_each(|entry| merkle.push(entry));
    let (size, root) = (log.tree().size(), merkle.root());
    let holds = log.tree().root(size) == Some(*root.as_bytes());
    Check::new("tree", holds, format!("{size} entries show, under the root {root}"))
}

/// Both readers of the ledger agree on every dataset, and no reservation was over a cap when it was made.
fn budgets(lines: &[Line], ledger: &Ledger) -> Check {
    let mut budgets = Budgets::default();
    for (seq, line) in lines.iter().enumerate() {
        if let Err(rule) = budgets.take(line) {
            return Check::new("budgets", false, format!("at record {seq} {rule}"));
        }
    }
    let Some(last) = ledger.records().last() else { return Check::new("budgets", false, "no record") };
    for (dataset, (name, _)) in crate::history::datasets(ledger) {
        let (ours, theirs) =
            (ledger.spent(dataset, last.time), budgets.spent(&dataset.to_string(), last.time.seconds()));
        let ours = [ours.year.0, ours.lifetime.0, ours.counts_year.0, ours.delta_year.0].map(u128::from);
        if ours != [theirs.year, theirs.lifetime, theirs.counts_year, theirs.delta_year] {
            return Check::new("budgets", false, format!("added up again, {name} has spent another sum"));
        }
    }
    Check::new("budgets", true, "added up again from zero: no reservation was over a cap")
}
