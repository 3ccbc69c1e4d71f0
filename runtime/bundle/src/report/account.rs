//! What the filter did to each output: its rule, its cost, its noise, and what it held back.

use crate::content::Content;
use crate::figures::{Figure, Number};
use crate::number::{decimals, plain, short};
use crate::units;
use trocar_filter::{Outcome, epsilon};
use trocar_terms::{Bounds, Decimal, Kind, Output};

/// Two-sided 95 % of a normal distribution.
const Z95: f64 = 1.959_964;

/// One row of the account.
pub(super) struct Ruled {
    pub(super) name: String,
    pub(super) rule: String,
    pub(super) rho: String,
    pub(super) epsilon: String,
    pub(super) noise: String,
    pub(super) held: String,
}

/// The gate on the number of patients, then each output.
pub(super) fn account(content: &Content<'_>, patients: Option<Number>, figures: &[Figure<'_>]) -> Vec<Ruled> {
    std::iter::once(gate(content, patients)).chain(figures.iter().map(|f| ruled(content, f))).collect()
}

fn gate(content: &Content<'_>, patients: Option<Number>) -> Ruled {
    let rho = content.asked.manifest.privacy.gate_rho;
    Ruled {
        name: "number of patients".to_owned(),
        rule: "each patient counts 1; where the noisy number is too small, nothing leaves".to_owned(),
        rho: rho.to_string(),
        epsilon: epsilon_of(&rho),
        noise: patients
            .and_then(|n| n.sd)
            .map_or_else(|| "not told".to_owned(), |sd| format!("\u{b1} {}", plain(Z95 * sd, 0))),
        held: if patients.is_some() { "nothing" } else { "everything" }.to_owned(),
    }
}

fn ruled(content: &Content<'_>, figure: &Figure<'_>) -> Ruled {
    let spent = spent(content.outcome, figure.output);
    let (blanked, cells) = (figure.blanked(), figure.cells.len());
    let held = match (blanked, cells) {
        (_, 0) => "all of it".to_owned(),
        (0, _) => "nothing".to_owned(),
        (_, 1) => "its number".to_owned(),
        _ => format!("{blanked} of {cells} numbers"),
    };
    Ruled {
        name: figure.output.name.to_string(),
        rule: rule(figure.output),
        epsilon: spent.as_ref().map_or_else(|| "0".to_owned(), epsilon_of),
        rho: spent.map_or_else(|| "0, not spent".to_owned(), |rho| rho.to_string()),
        noise: noise(figure),
        held,
    }
}

/// What the output cost in all rounds; nothing where its noise was never drawn.
fn spent(outcome: &Outcome, output: &Output) -> Option<Decimal> {
    let Outcome::Released(released) = outcome else { return None };
    released.figures().outputs.iter().find(|f| f.name == output.name).map(|f| f.rho)
}

/// Rounded up: a bound is never told smaller than it is.
fn epsilon_of(rho: &Decimal) -> String {
    plain(libm::ceil(epsilon(rho.to_f64(), 1e-6) * 100.0) / 100.0, 2)
}

/// Half of the 95 % interval where all numbers have noise of one width, else from the least to the most.
fn noise(figure: &Figure<'_>) -> String {
    if figure.cells.is_empty() {
        return "not drawn".to_owned();
    }
    let sds = || figure.cells.iter().filter_map(|cell| cell.number?.sd).filter(|sd| sd.is_finite());
    let (least, most) = (sds().fold(f64::INFINITY, f64::min), sds().fold(0.0, f64::max));
    if sds().next().is_none() {
        return "see its interval".to_owned();
    }
    let half = |sd: f64| plain(Z95 * sd, decimals(sd));
    let unit = units::counted(figure);
    let words = if half(least) == half(most) {
        format!("\u{b1} {} {unit}", half(most))
    } else {
        format!("\u{b1} {} to \u{b1} {} {unit}", half(least), half(most))
    };
    words.trim_end().to_owned()
}

/// What bounds one patient's weight.
fn rule(output: &Output) -> String {
    let unit = units::sign(&output.unit);
    match &output.kind {
        Kind::Count => "each patient counts from 0 to 1".to_owned(),
        Kind::Sum(b) | Kind::Mean(b) | Kind::Variance(b) => held_between(b, unit),
        Kind::Histogram { cells_per_patient, .. } | Kind::Table { cells_per_patient, .. } => {
            cells(*cells_per_patient)
        }
        Kind::Quantiles { edges, .. } => {
            format!("each patient counts once, in one of {} bins", edges.len().saturating_sub(1))
        }
        Kind::Moments { variables } => {
            format!("each of {} variables held inside its declared range", variables.len())
        }
        Kind::Vector { clip, .. } => {
            format!("each patient\u{2019}s vector shortened to length {}", short(*clip))
        }
    }
}

fn held_between(bounds: &Bounds, unit: &str) -> String {
    let words = format!("each value held between {} and {} {unit}", short(bounds.lower), short(bounds.upper));
    words.trim_end().to_owned()
}

fn cells(per_patient: u32) -> String {
    match per_patient {
        1 => "each patient counts once, in one cell; cells of too few are blanked".to_owned(),
        n => format!("each patient counts in {n} cells at most; cells of too few are blanked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{figures, patients};
    use crate::fixture;

    fn rows(n: u32) -> Vec<Ruled> {
        let job = fixture::job(&[fixture::ALL, fixture::DERIVED].concat());
        let outcome = job.outcome(n, 1);
        account(&job.content(&outcome), patients(&outcome), &figures(&job.manifest.outputs, &outcome))
    }

    #[test]
    fn each_output_has_its_rule_its_cost_its_noise_and_what_was_held_back() {
        let rows = rows(480);
        assert_eq!(rows.len(), 14);
        let of = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
        let gate = &rows[0];
        // The gate's noise has sd 1 / sqrt(2 rho) = 5, and 1.96 * 5 = 10.
        assert_eq!((&*gate.rho, &*gate.noise, &*gate.held), ("0.02", "\u{b1} 10", "nothing"));
        let mean = of("suv_mean");
        assert_eq!((&*mean.rule, &*mean.rho), ("each value held between 0 and 20 g/mL", "0.02"));
        assert!(mean.noise.starts_with("\u{b1} 0.") && mean.noise.ends_with("g/mL"), "{}", mean.noise);
        assert_eq!(of("volume").held, "1 of 5 numbers");
        // rho 0.02 alone: the conversion that results.json uses, rounded up.
        let exact = epsilon(0.02, 1e-6);
        let told: f64 = mean.epsilon.parse().unwrap();
        assert!(told >= exact && told < exact + 0.011, "{told} of {exact}");
    }

    #[test]
    fn a_withheld_job_drew_and_spent_nothing_but_the_gate() {
        let rows = rows(9);
        assert_eq!((&*rows[0].rho, &*rows[0].held, &*rows[0].noise), ("0.02", "everything", "not told"));
        for row in &rows[1..] {
            assert_eq!((&*row.rho, &*row.noise, &*row.held), ("0, not spent", "not drawn", "all of it"));
        }
    }
}
