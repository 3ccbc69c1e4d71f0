//! The door: the only place where a [`Released`] is made.

use crate::draw::{Drawn, draw};
use crate::figure::Figures;
use crate::noise::GaussianNoise;
use crate::plan::{Plan, Stated};
use crate::sums::Sums;
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

/// Noised figures that may leave the node. Made by [`release`] alone:
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
    #[serde(skip)]
    undrawn: RhoUnits,
}

/// Draws the gate and then, if it opened, the noise, and computes the figures: steps 7 to 9.
///
/// `rng` is the operating system's. The noise of one release is one stream seeded from it and wiped afterwards.
pub fn release(sums: Sums, rng: &mut impl CryptoRng) -> Outcome {
    match draw(sums, &mut GaussianNoise::new(rng), false) {
        Drawn::Closed(plan) => Outcome::Withheld(Withheld::new(&plan)),
        Drawn::Open { plan, patients, blocks } => {
            Outcome::Released(Released(Figures::compute(&plan, patients, &blocks)))
        }
    }
}

impl Outcome {
    /// What the ledger returns: the blocks that a closed gate left undrawn, else nothing.
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
        Self { rho, delta, epsilon, undrawn: plan.charge().block_rho }
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
