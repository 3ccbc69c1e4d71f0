//! A forecast for people.

use super::changes::Change;
use super::{Cap, Forecast, Row};
use crate::out::table;
use trocar_manifest::Manifest;
use trocar_node::counted;

pub(super) fn of(forecast: &Forecast) -> String {
    let Forecast { name, version, patients, k, rho, delta, epsilon, gate, .. } = forecast;
    let mut parts = vec![
        format!(
            "{name} {version}, for {} whose values are spread evenly; nothing was read or spent",
            counted(*patients, "patient")
        ),
        format!(
            "one job costs rho {} (epsilon {epsilon} at delta 1e-6) and a gate delta of {delta}",
            short(*rho)
        ),
        format!(
            "the gate (rho {}, k {k}) counts with a noise of sd {}: {} patients open it with 95 %, {patients} with {}",
            gate.rho,
            gate.sd,
            gate.opens_at,
            chance(gate.chance)
        ),
        outputs(&forecast.outputs),
        caps(&forecast.caps),
    ];
    if !forecast.changes.is_empty() {
        parts.push(format!("what a change would buy:\n{}", changes(&forecast.changes)));
    }
    parts.join("\n")
}

/// In percent; what is below 95 % is said to be, since the result is then often withheld.
fn chance(chance: f64) -> String {
    let percent = format!("{} %", short(chance * 100.0));
    if chance >= 0.95 {
        return percent;
    }
    format!("{percent} only: else the whole result is withheld")
}

/// For code that answers exactly.
pub(super) fn of_exact(manifest: &Manifest, k: u32) -> String {
    let outputs: Vec<String> =
        manifest.outputs.iter().map(|o| format!("{} ({})", o.name, o.kind.word())).collect();
    format!(
        "{} {}: reviewed code, exact numbers of {}; nothing was read\n\
         exact results cost no rho and have no noise: no table of noise, no interval\n\
         two reviewers sign the code first; each number is then held to the rules of disclosure control (k {k}), and a \
         person, an output checker of the node, releases or withholds the result",
        manifest.name,
        manifest.version,
        outputs.join(", ")
    )
}

fn outputs(rows: &[Row]) -> String {
    let head = ["output", "kind", "numbers", "rho", "sd of the noise", "95 % interval", "sd in percent of"];
    table(
        &head,
        rows.iter().map(|row| {
            let known = |x: Option<f64>, words: &dyn Fn(String) -> String| {
                x.map_or_else(|| "not known".to_owned(), |x| words(short(x)))
            };
            vec![
                row.name.clone(),
                row.kind.to_owned(),
                row.numbers.to_string(),
                row.rho.to_string(),
                known(row.sd, &|x| format!("{x} {}", row.unit).trim_end().to_owned()),
                known(row.half95, &|x| format!("value ± {x}")),
                row.percent.map_or_else(|| "-".to_owned(), |x| format!("{} % of {}", short(x), row.of)),
            ]
        }),
    )
}

fn caps(caps: &[Cap]) -> String {
    let words = |jobs: u64| if jobs == 0 { "refused".to_owned() } else { jobs.to_string() };
    table(
        &["may be spent in", "rho", "jobs like this"],
        caps.iter().map(|cap| vec![cap.name.to_owned(), short(cap.rho), words(cap.jobs)]),
    )
}

fn changes(changes: &[Change]) -> String {
    let head = ["change", "rho of the job", "saves", "sd of the noise", "in percent"];
    let from = |before: Option<f64>, after: Option<f64>| match (before, after) {
        (Some(before), Some(after)) => format!("{} -> {}", short(before), short(after)),
        _ => "-".to_owned(),
    };
    table(
        &head,
        changes.iter().map(|c| {
            let (sd, percent) = (from(c.sd_now, c.sd), from(c.percent_now, c.percent));
            vec![c.change.clone(), short(c.rho), short(c.saves.max(0.0)), sd, percent]
        }),
    )
}

/// Three significant digits, and no more decimals than they need.
pub(super) fn short(x: f64) -> String {
    let rounded: f64 = format!("{x:.2e}").parse().unwrap_or(x);
    let large = rounded.abs() >= 1e9 || (rounded != 0.0 && rounded.abs() < 1e-6);
    if large { format!("{rounded:e}") } else { format!("{rounded}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_with_three_digits() {
        let shown = [0.060_000_000_01, 99.999_7, 0.0, 1.2345e-9, 12_345.6, -0.001_234].map(short);
        assert_eq!(shown, ["0.06", "100", "0", "1.23e-9", "12300", "-0.00123"]);
    }
}
