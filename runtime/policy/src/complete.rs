//! The complete file that `node init` and `dataset add` write: every key, with a word on each.

use crate::check::EXAMPLES;
use crate::common::{Proposal, propose};
use crate::policy::{Policy, PolicyError};
use crate::raw::RawPolicy;
use trocar_manifest::keys::PublicKey;
use trocar_manifest::reading;

/// The same file is the example `manifests/policies/hospital.toml`.
const HOSPITAL: &str = include_str!("../../../manifests/policies/hospital.toml");
/// For the synthetic cohorts of testkit: their columns, no slot.
const DEMO: &str = include_str!("../../../manifests/policies/demo.toml");

/// Where `[clinical]` goes, and where the granted columns begin.
const GRANTABLE: &str = "# What a manifest may ask for.";
const COLUMNS: &str = "columns = [";

impl Policy {
    /// The default policy, complete: PRIVACY.md section 4's numbers, this operator, this bound.
    #[must_use]
    pub fn complete(operator: &PublicKey, size_bound: u32) -> String {
        filled(HOSPITAL, operator, size_bound)
    }

    /// The default policy for a clinical table with this head: it grants the columns that have a common name, in place of
    /// those of the default.
    #[must_use]
    pub fn for_table(operator: &PublicKey, size_bound: u32, head: &[String]) -> String {
        let Proposal { clinical, columns } = propose(head);
        let table = if clinical.is_empty() { clinical } else { format!("[clinical]\n{clinical}\n") };
        let text = Self::complete(operator, size_bound);
        let (Some((before, rest)), false) =
            (text.split_once(GRANTABLE), table.is_empty() && columns.is_empty())
        else {
            return text;
        };
        let granted = rest.split_once(COLUMNS).map_or(rest, |(before, _)| before);
        format!("{before}{table}{GRANTABLE}{granted}{COLUMNS}\n{columns}]\n")
    }

    /// The policy of synthetic data, complete: grants every column that testkit writes and holds results to no slot.
    #[must_use]
    pub fn demo(operator: &PublicKey, size_bound: u32) -> String {
        filled(DEMO, operator, size_bound)
    }
}

fn filled(text: &str, operator: &PublicKey, size_bound: u32) -> String {
    let (operators, bound) = (format!("operators = [\"{operator}\"]"), format!("size_bound = {size_bound}"));
    text.replacen("operators = []", &operators, 1).replacen("size_bound = 500", &bound, 1)
}

/// Writes `operator` into a policy whose list of operators is empty; any other text is only checked.
///
/// # Errors
/// As [`Policy::parse`].
pub fn with_operator(file_name: &str, text: &str, operator: &PublicKey) -> Result<String, PolicyError> {
    let raw: RawPolicy = reading::toml(text, EXAMPLES).map_err(|p| p.within(file_name, text))?;
    let place = raw.operators.span();
    let written = match (text.get(..place.start), text.get(place.end..)) {
        (Some(before), Some(after)) if raw.operators.get_ref().is_empty() => {
            format!("{before}[\"{operator}\"]{after}")
        }
        _ => text.to_owned(),
    };
    Policy::parse(file_name, &written)?;
    Ok(written)
}
