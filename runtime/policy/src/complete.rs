//! The complete file that `node init` and `dataset add` write: every key, with a word on each.

use crate::check::EXAMPLES;
use crate::policy::{Policy, PolicyError};
use crate::raw::RawPolicy;
use trocar_manifest::keys::PublicKey;
use trocar_manifest::reading;

/// The same file is the example `manifests/policies/hospital.toml`.
const HOSPITAL: &str = include_str!("../../../manifests/policies/hospital.toml");
/// For the synthetic cohorts of testkit: their columns, no slot.
const DEMO: &str = include_str!("../../../manifests/policies/demo.toml");

impl Policy {
    /// The default policy, complete: PRIVACY.md section 4's numbers, this operator, this bound.
    #[must_use]
    pub fn complete(operator: &PublicKey, size_bound: u32) -> String {
        filled(HOSPITAL, operator, size_bound)
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
