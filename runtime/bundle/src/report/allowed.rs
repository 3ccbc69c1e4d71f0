//! Who allowed it: everybody whose signature the bundle carries, and what each one's word was.

use crate::content::Asked;
use trocar_manifest::keys::PublicKey;
use trocar_manifest::{Approval, verify_approval};
use trocar_terms::Timestamp;

/// One party.
pub(super) struct Party {
    pub(super) role: &'static str,
    pub(super) key: String,
    pub(super) word: String,
}

/// What the operators signed; nothing where it cannot be read, for then no bundle is written either.
pub(super) fn approval(asked: &Asked<'_>) -> Option<Approval> {
    verify_approval(asked.approval, &operators(asked)).ok().map(|(approval, _)| approval)
}

fn operators(asked: &Asked<'_>) -> Vec<PublicKey> {
    let request = asked.request;
    [request.approver].into_iter().chain(request.co_approvers.iter().copied()).collect()
}

/// In the order in which they spoke.
pub(super) fn parties(asked: &Asked<'_>, node: &PublicKey, kept: bool) -> Vec<Party> {
    let request = asked.request;
    let party = |role, key: &PublicKey, word: String| Party { role, key: key.to_string(), word };
    let mut all = vec![party("Author", &request.author, "signed the algorithm and its manifest".into())];
    if let Some(airlock) = &request.airlock {
        let read = "read the code and signed that it may answer exactly";
        all.extend(airlock.reviewers.iter().map(|key| party("Reviewer", key, read.into())));
    }
    let word = approval(asked).map_or_else(String::new, |approval| words(asked, &approval));
    all.extend(operators(asked).iter().map(|key| party("Operator", key, word.clone())));
    let ran = format!("{}: ran it inside its own walls and signed this bundle", request.node_name);
    all.push(party("Node", node, ran));
    if let Some(airlock) = &request.airlock {
        let looked =
            if kept { "looked at the result and kept it" } else { "looked at the result and let it out" };
        all.push(party("Output checker", &airlock.checker, looked.into()));
    }
    all
}

fn words(asked: &Asked<'_>, approval: &Approval) -> String {
    let dataset = &asked.request.dataset;
    let whose = match approval.project.as_str() {
        "any" => "for any project".to_owned(),
        project => format!("for the project {project}"),
    };
    let runs = if approval.runs == 1 { "one run".to_owned() } else { format!("{} runs", approval.runs) };
    let conditions: String = approval.conditions.iter().map(|c| format!("; on condition: {c}")).collect();
    // An exact result costs no rho.
    let cost = match asked.request.airlock {
        None => format!(" of \u{3c1} {} each", approval.rho_max),
        Some(_) => String::new(),
    };
    let (from, until) = (day(approval.approved_at), day(approval.expires));
    format!(
        "approved exactly this algorithm for {dataset}, {whose}, from {from} until {until}, at most {runs}{cost}{conditions}"
    )
}

/// The day alone.
pub(super) fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, COUNT, key, node, reviewed};
    use trocar_manifest::Verdict;

    #[test]
    fn everybody_who_signed_is_named_with_their_word() {
        let job = fixture::job(COUNT);
        let all = parties(&job.asked(), &node().public(), false);
        let roles: Vec<_> = all.iter().map(|party| party.role).collect();
        assert_eq!(roles, ["Author", "Operator", "Node"]);
        assert_eq!(all[1].key, key(3).public().to_string());
        let word = &all[1].word;
        assert!(
            word.contains("from 2026-11-01 until 2027-11-01, at most 10 runs of \u{3c1} 2 each"),
            "{word}"
        );
        assert!(word.contains("for any project") && !word.contains("condition"), "{word}");
        let exact = reviewed(COUNT, 200, Verdict::Withhold);
        let all = parties(&exact.job.asked(), &node().public(), true);
        let roles: Vec<_> = all.iter().map(|party| party.role).collect();
        assert_eq!(roles, ["Author", "Reviewer", "Reviewer", "Operator", "Node", "Output checker"]);
        assert_eq!(all[5].word, "looked at the result and kept it");
        assert!(all[3].word.ends_with("at most 10 runs"), "{}", all[3].word);
    }
}
