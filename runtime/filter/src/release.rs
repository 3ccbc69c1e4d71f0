//! The door: the only place where a [`Released`] is made.

use crate::course::Course;
use crate::draw::{Drawn, draw, draw_again};
use crate::figure::{Figures, is_once};
use crate::noise::GaussianNoise;
use crate::plan::{Plan, Stated};
use crate::sums::{OtherPlan, Sums};
use rand::CryptoRng;
use serde::Serialize;
use trocar_terms::{Decimal, RhoUnits};

/// What the filter says of one job. Both are values: a withheld job is no error.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Outcome {
    /// The gate opened.
    Released(Released),
    /// The gate did not open.
    Withheld(Withheld),
}

/// What a round's draw led to.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// Another round is to be mapped, with the state that it holds.
    Again(Box<Round>),
    /// The job is over.
    Done(Outcome),
}

/// A job between two of its rounds. Its gate is open; it is used up by the next draw, so that no round is drawn twice:
/// ```compile_fail,E0382
/// fn replay(round: trocar_filter::Round, one: trocar_filter::Sums, other: trocar_filter::Sums) {
///     let _ = round.next(one);
///     let _ = round.next(other);
/// }
/// ```
/// It is not stored: whoever could read one back could write one, and so make a [`Released`] of any numbers.
pub struct Round {
    course: Course,
    state: Vec<f64>,
    noise: GaussianNoise,
}

/// Noised figures that may leave the node. Made by [`release`] and [`Round::next`] alone:
/// ```compile_fail,E0423
/// fn leak(figures: trocar_filter::Figures) -> trocar_filter::Released {
///     trocar_filter::Released(figures)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Released(Figures);

/// Nothing about the cohort: the same value for 0, 1 and k - 1 patients, and for a cohort that the noise held back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Withheld {
    rho: Decimal,
    delta: Decimal,
    #[serde(rename = "epsilon_at_1e-6")]
    epsilon: f64,
    #[serde(skip_serializing_if = "is_once")]
    rounds: u32,
    #[serde(skip)]
    undrawn: RhoUnits,
}

/// Draws the gate and then, if it opened, the noise, and computes the figures: steps 7 to 9 of a job of one round.
///
/// `rng` is the operating system's. The noise of one release is one stream seeded from it and wiped afterwards. A plan of
/// several rounds goes through [`first_round`]; here only its first is drawn, and its answer is that of a closed gate.
pub fn release(sums: Sums, rng: &mut impl CryptoRng) -> Outcome {
    match first_round(sums, rng) {
        Step::Done(outcome) => outcome,
        // Fail closed: nothing is shown of what was drawn, and nothing is returned.
        Step::Again(round) => {
            let withheld = Withheld::new(round.course.plan());
            Outcome::Withheld(Withheld { undrawn: RhoUnits(0), ..withheld })
        }
    }
}

/// Draws the gate, once for all rounds, and then, if it opened, the noise of the first.
///
/// Behind a closed gate no noise is drawn in any round, and the blocks of all of them come back.
pub fn first_round(sums: Sums, rng: &mut impl CryptoRng) -> Step {
    let mut noise = GaussianNoise::new(rng);
    match draw(sums, &mut noise, false) {
        Drawn::Closed(plan) => Step::Done(Outcome::Withheld(Withheld::new(&plan))),
        Drawn::Open { plan, patients, blocks } => {
            Step::after(Course::new(plan, patients, blocks, false), noise)
        }
    }
}

impl Step {
    fn after(course: Course, noise: GaussianNoise) -> Self {
        if course.is_over() {
            return Self::Done(Outcome::Released(Released(course.figures())));
        }
        let state = course.state();
        Self::Again(Box::new(Round { course, state, noise }))
    }
}

impl Round {
    /// What the guests of this round are given: released numbers alone.
    #[must_use]
    pub fn state(&self) -> &[f64] {
        &self.state
    }

    /// The number of the round that is to be mapped, from 2 on.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.course.drawn().saturating_add(1)
    }

    /// Draws the noise of this round from the stream of the release.
    ///
    /// # Errors
    /// The sums belong to another plan; nothing is drawn, and the job cannot go on.
    pub fn next(self, sums: Sums) -> Result<Step, OtherPlan> {
        let Self { mut course, mut noise, .. } = self;
        if !sums.are_of(course.plan()) {
            return Err(OtherPlan);
        }
        course.push(draw_again(sums, &mut noise));
        Ok(Step::after(course, noise))
    }
}

impl std::fmt::Debug for Round {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Round(..)")
    }
}

impl Outcome {
    /// What the ledger returns: the blocks of all rounds that a closed gate left undrawn, else nothing.
    #[must_use]
    pub const fn undrawn(&self) -> RhoUnits {
        match self {
            Self::Released(_) => RhoUnits(0),
            Self::Withheld(withheld) => withheld.undrawn,
        }
    }
}

impl Released {
    /// The figures, to write and to plot.
    #[must_use]
    pub const fn figures(&self) -> &Figures {
        &self.0
    }
}

impl Withheld {
    fn new(plan: &Plan) -> Self {
        let Stated { rho, delta, epsilon } = plan.gate_cost();
        Self { rho, delta, epsilon, rounds: plan.rounds(), undrawn: plan.charge().block_rho }
    }

    /// What the gate's draw cost, rounded up to six places.
    #[must_use]
    pub const fn rho(&self) -> Decimal {
        self.rho
    }

    /// The delta of the gate.
    #[must_use]
    pub const fn delta(&self) -> Decimal {
        self.delta
    }

    /// Epsilon of the gate's rho at a total delta of 1e-6, rounded up.
    #[must_use]
    pub const fn epsilon_at_1e_6(&self) -> f64 {
        self.epsilon
    }
}
