//! `audit --verify`: each thing that a ledger promises, checked from what lies on the disk.

use super::check::Check;
use super::fold::{Budgets, Line, chain};
use crate::counted::counted;
use crate::error::NodeError;
use crate::files;
use crate::log::Log;
use crate::node::Node;
use trocar_ledger::Ledger;
use trocar_tlog::{Checkpoint, Note, Verifier};

impl Node {
    /// Checks chain, budgets, all that is signed, the witness, and every head that was countersigned. Only what holds is true; the list says all.
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
        let mut checks = vec![Check::new(
            "chain",
            true,
            format!("{}, each bound to the last", counted(lines.len(), "record")),
        )];
        checks.push(budgets(&lines, &ledger));
        checks.extend(self.signed_lines(&ledger));
        let log = Log::of(self.home(), &ledger)?;
        checks.push(tree(&log));
        checks.extend(self.heads(&log)?);
        checks.extend(self.witnessed(&log).await?);
        Ok(checks)
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
