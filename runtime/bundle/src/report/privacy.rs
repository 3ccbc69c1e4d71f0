//! The privacy cost as a bound on guessing.

use crate::number::{percent_up, phi, plain, short};
use serde_json::Value;
use trocar_manifest::Manifest;

/// The numbers of section 3 of the report.
pub(super) struct Privacy {
    pub(super) rho: String,
    pub(super) delta: String,
    pub(super) epsilon: String,
    /// The best chance of telling whether somebody is counted, in percent.
    pub(super) presence: String,
    /// The best chance of telling one bit of somebody's values.
    pub(super) value: String,
    /// What each round cost, where there was more than one.
    pub(super) rounds: String,
    /// How far along a bar of 680 pixels from 50 to 100 percent `presence` lies.
    pub(super) reach: String,
}

impl Privacy {
    /// From results.json. PRIVACY.md section 5: with mu = sqrt(2 rho), recovery at most Phi(mu/2) for presence and
    /// Phi(mu) for a bit of a centred value.
    pub(super) fn of(results: &Value, manifest: &Manifest) -> Self {
        let text = |key: &str| results.get(key).and_then(Value::as_str).unwrap_or("not told").to_owned();
        let rho = text("rho");
        let mu = libm::sqrt(2.0 * rho.parse::<f64>().unwrap_or(f64::INFINITY));
        let presence = phi(mu / 2.0);
        let epsilon = results.get("epsilon_at_1e-6").and_then(Value::as_f64);
        Self {
            rho,
            delta: power(&text("delta")),
            epsilon: epsilon
                .map_or_else(|| "not told".to_owned(), |e| plain(libm::ceil(e * 100.0) / 100.0, 2)),
            presence: percent_up(presence),
            value: percent_up(phi(mu)),
            rounds: rounds(manifest),
            reach: format!("{:.0}", (presence - 0.5) * 2.0 * 680.0),
        }
    }
}

/// From the manifest alone: the same whether anything was released.
fn rounds(manifest: &Manifest) -> String {
    match manifest.privacy.rounds {
        1 => String::new(),
        n => format!(
            "The algorithm asks for {n} rounds: \u{3c1} {} for the gate, once, and {} for each round.",
            manifest.privacy.gate_rho,
            short(manifest.round_rho())
        ),
    }
}

/// A delta as a power of ten: nobody counts eight zeros.
fn power(delta: &str) -> String {
    let Ok(value) = delta.parse::<f64>() else {
        return delta.to_owned();
    };
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let raised: String = exponent.chars().filter_map(raised).collect();
    if digits == "1" { format!("10{raised}") } else { format!("{digits}\u{b7}10{raised}") }
}

fn raised(sign: char) -> Option<char> {
    let signs = "-0123456789"
        .chars()
        .zip("\u{207b}\u{2070}\u{b9}\u{b2}\u{b3}\u{2074}\u{2075}\u{2076}\u{2077}\u{2078}\u{2079}".chars());
    signs.into_iter().find(|(plain, _)| *plain == sign).map(|(_, raised)| raised)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use serde_json::json;

    #[test]
    fn the_bounds_are_those_of_the_specification() {
        let privacy = Privacy::of(
            &json!({"rho": "0.5", "delta": "1e-8", "epsilon_at_1e-6": 5.2215}),
            &fixture::job(fixture::ALL).manifest,
        );
        // mu = 1: Phi(0.5) = 0.69146, Phi(1) = 0.84134, rounded up.
        assert_eq!((privacy.presence.as_str(), privacy.value.as_str()), ("69.2", "84.2"));
        assert_eq!((privacy.epsilon.as_str(), privacy.delta.as_str()), ("5.23", "10\u{207b}\u{2078}"));
    }

    #[test]
    fn a_cost_that_is_not_told_bounds_nothing() {
        assert_eq!(Privacy::of(&json!({}), &fixture::job(fixture::ALL).manifest).presence, "100.0");
    }

    #[test]
    fn a_job_of_several_rounds_says_what_each_cost_and_one_of_one_nothing() {
        let mut job = fixture::job(fixture::ALL);
        assert_eq!(rounds(&job.manifest), "");
        job.manifest.privacy.rounds = 3;
        let words = rounds(&job.manifest);
        assert!(
            words.starts_with("The algorithm asks for 3 rounds: \u{3c1} 0.02 for the gate, once, and 0."),
            "{words}"
        );
        assert!(words.ends_with(" for each round."), "{words}");
    }
}
