//! Author mode: the same steps on synthetic data or the author's own, with everything on show.

use crate::contribution::{Contribution, Untrusted};
use crate::course::Course;
use crate::draw::{Drawn, draw, draw_again};
use crate::figure::Figures;
use crate::noise::NoiseSource;
use crate::plan::Plan;
use crate::sums::{Sums, encode, fits};
use serde::Serialize;
use std::convert::Infallible;

/// What a node would have released, and what each patient gave to it. Nothing turns it into a [`crate::Released`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Rehearsal {
    /// Noise was off, and the gate opened from k patients on.
    pub exact: bool,
    /// The figures; absent where the gate stayed shut.
    pub figures: Option<Figures>,
    /// One row a patient of the last round that was mapped, in the order given.
    pub patients: Vec<PatientRow>,
}

/// One patient's contribution, before and after quantising and clipping.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PatientRow {
    /// As the guest returned it; absent where its shape was wrong and the default took its place.
    pub raw: Option<Vec<Vec<f64>>>,
    /// As it was added, in grid units: for a sum or mean (value - midpoint, present).
    pub quantised: Vec<Vec<i64>>,
}

/// Runs steps 4 to 9 with the noise of `noise`; with `exact` the gate opens if and only if n >= k.
///
/// For a patient whose guest failed, pass `Untrusted::new(Contribution::default())`.
/// In a plan of several rounds each of them is given the same contributions.
#[must_use]
pub fn rehearse(
    plan: &Plan,
    contributions: Vec<Untrusted<Contribution>>,
    noise: &mut dyn NoiseSource,
    exact: bool,
) -> Rehearsal {
    let Ok(rehearsal) = rehearse_rounds(plan, |_| Ok::<_, Infallible>(contributions.clone()), noise, exact);
    rehearsal
}

/// As [`rehearse`], for a plan of any number of rounds: `map` gives the contributions to a state, which is empty in the first.
///
/// # Errors
/// What `map` fails with.
pub fn rehearse_rounds<E>(
    plan: &Plan,
    mut map: impl FnMut(&[f64]) -> Result<Vec<Untrusted<Contribution>>, E>,
    noise: &mut dyn NoiseSource,
    exact: bool,
) -> Result<Rehearsal, E> {
    let (mut patients, sums) = added(plan, map(&[])?);
    let mut course = match draw(sums, noise, exact) {
        Drawn::Closed(_) => return Ok(Rehearsal { exact, figures: None, patients }),
        Drawn::Open { plan, patients, blocks } => Course::new(plan, patients, blocks, exact),
    };
    while !course.is_over() {
        let (rows, sums) = added(plan, map(&course.state())?);
        course.push(draw_again(sums, noise));
        patients = rows;
    }
    Ok(Rehearsal { exact, figures: Some(course.figures()), patients })
}

fn added(plan: &Plan, contributions: Vec<Untrusted<Contribution>>) -> (Vec<PatientRow>, Sums) {
    let patients: Vec<PatientRow> = contributions.into_iter().map(|c| row(plan, c.open())).collect();
    let mut sums = Sums::new(plan);
    patients.iter().for_each(|row| sums.add_clipped(&row.quantised));
    (patients, sums)
}

fn row(plan: &Plan, contribution: Contribution) -> PatientRow {
    let quantised = encode(plan, &contribution);
    let raw = fits(plan, &contribution).then_some(contribution.0);
    PatientRow { raw, quantised }
}
