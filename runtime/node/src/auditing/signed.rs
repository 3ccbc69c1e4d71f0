//! `audit --verify`: what people signed into the ledger, held against the policies that the home keeps.

use super::check::Check;
use crate::counted::counted;
use crate::node::Node;
use serde_json::Value;
use trocar_ledger::{Event, Ledger, Record};
use trocar_manifest::dsse::Envelope;
use trocar_manifest::{Verdict, verify_approval, verify_decision, verify_review};
use trocar_policy::Policy;

/// One kind of signed line.
struct Kind {
    name: &'static str,
    one: &'static str,
    who: &'static str,
    is: fn(&Event) -> bool,
    holds: fn(&Event, &Policy) -> Option<bool>,
}

const KINDS: [Kind; 3] = [
    Kind {
        name: "approvals",
        one: "approval",
        who: "an operator of its policy",
        is: |e| matches!(e, Event::Approved { .. }),
        holds: approval_holds,
    },
    Kind {
        name: "reviews",
        one: "review",
        who: "a reviewer of a policy",
        is: |e| matches!(e, Event::Reviewed { .. }),
        holds: review_holds,
    },
    Kind {
        name: "decisions",
        one: "airlock decision",
        who: "an operator of a policy",
        is: |e| matches!(e, Event::Decided { .. }),
        holds: decision_holds,
    },
];

impl Node {
    /// Every approval, review and decision is signed by whom a policy names for it, and says what its line says.
    pub(super) fn signed_lines(&self, ledger: &Ledger) -> Vec<Check> {
        let policies = self.kept_policies();
        KINDS.iter().map(|kind| signed_line(kind, ledger, &policies)).collect()
    }

    /// Every policy whose text the home still has.
    fn kept_policies(&self) -> Vec<Policy> {
        let entries = std::fs::read_dir(self.home().root().join("policy")).into_iter().flatten();
        let texts = entries.filter_map(|e| std::fs::read_to_string(e.ok()?.path()).ok());
        texts.filter_map(|text| Policy::parse("policy", &text).ok()).collect()
    }
}

fn signed_line(kind: &Kind, ledger: &Ledger, policies: &[Policy]) -> Check {
    let all: Vec<&Record> = ledger.records().iter().filter(|r| (kind.is)(&r.event)).collect();
    let bad =
        all.iter().find(|r| !policies.iter().any(|policy| (kind.holds)(&r.event, policy) == Some(true)));
    let Kind { name, one, who, .. } = kind;
    let words = match bad {
        None => format!("{}, each signed by {who}", counted(all.len(), one)),
        Some(Record { seq, .. }) => {
            format!("the {one} at record {seq} is not signed by {who}, or that policy is not kept")
        }
    };
    Check::new(name, bad.is_none(), words)
}

/// Whether someone whom this policy names signed the line, and exactly what it says.
fn approval_holds(event: &Event, policy: &Policy) -> Option<bool> {
    let Event::Approved { dataset, manifest, component, envelope } = event else { return None };
    let (said, _) = verify_approval(&read(envelope)?, policy.operators()).ok()?;
    let same = (said.dataset, said.manifest, said.component) == (*dataset, *manifest, *component);
    Some(same && said.policy == policy.digest())
}

fn review_holds(event: &Event, policy: &Policy) -> Option<bool> {
    let Event::Reviewed { manifest, component, envelope } = event else { return None };
    let (said, _) = verify_review(&read(envelope)?, policy.reviewers()).ok()?;
    Some((said.manifest, said.component) == (*manifest, *component))
}

fn decision_holds(event: &Event, policy: &Policy) -> Option<bool> {
    let Event::Decided { job, release, envelope } = event else { return None };
    let (said, _) = verify_decision(&read(envelope)?, policy.operators()).ok()?;
    Some(said.job == *job && (said.verdict == Verdict::Release) == *release)
}

fn read(envelope: &Value) -> Option<Envelope> {
    serde_json::from_value(envelope.clone()).ok()
}
