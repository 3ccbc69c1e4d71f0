//! A forecast for people.

use super::changes::Change;
use super::{Cap, Forecast, Row};
use crate::out::table;

pub(super) fn of(forecast: &Forecast) -> String {
    let Forecast { name, version, patients, k, rho, delta, epsilon, gate, .. } = forecast;
    let mut parts = vec![
        format!(
            "{name} {version}, for {patients} patients whose values are spread evenly; nothing was read or spent"
        ),
        format!(
            "one job costs rho {} (epsilon {epsilon} at delta 1e-6) and a gate delta of {delta}",
            short(*rho)
        ),
        format!(
            "the gate (rho {}, k {k}) counts with a noise of sd {}: {} patients open it with 95 %, {patients} with {} %",
            gate.rho,
            gate.sd,
            gate.opens_at,
            short(gate.chance * 100.0)
        ),
        outputs(&forecast.outputs),
        caps(&forecast.caps),
    ];
    if !forecast.changes.is_empty() {
        parts.push(format!("what a change would buy:\n{}", changes(&forecast.changes)));
    }
    parts.join("\n")
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
                known(row.sd, &|x| format!("{x} {}", row.unit)),
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
