//! Step 1: what a job may release and what it costs, from manifest and policy alone.

use crate::block::{Block, LEAST_SIGMA, Price};
use crate::gate::{Gate, margin};
use crate::integer::sigma;
use std::collections::BTreeSet;
use std::sync::Arc;
use trocar_terms::{Charge, Decimal, DeltaUnits, Derived, Name, Output, RhoUnits};

/// Least k that any policy may set (PRIVACY.md section 4: a rare-cancer dataset, with reason and second approver).
pub(crate) const LEAST_K: u32 = 5;
pub(crate) const MOST_OUTPUTS: usize = 64;
const MOST_COORDINATES: usize = 1 << 16;
/// Each round maps every patient anew and is paid for anew: beyond so many, no budget leaves a round anything worth drawing.
const MOST_ROUNDS: u32 = 64;
/// The delta at which every bundle states its epsilon.
const STATED_DELTA: f64 = 1e-6;

/// What is to be admitted: outputs and gate from the manifest, k and the declared size from the policy.
#[derive(Debug, Clone, Copy)]
pub struct Admission<'a> {
    /// The manifest's outputs, in order.
    pub outputs: &'a [Output],
    /// The manifest's derived statistics, in order.
    pub derived: &'a [Derived],
    /// What the cohort gate may cost.
    pub gate_rho: Decimal,
    /// The delta of the cohort gate.
    pub gate_delta: Decimal,
    /// How often the outputs are drawn.
    pub rounds: u32,
    /// Least number of patients in a cohort or a shown cell.
    pub k: u32,
    /// `size_bound` of the policy: declared, never counted.
    pub n_pub: u32,
}

/// Why outputs are refused. It depends on manifest and policy alone, so it may say everything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No output, or too many.
    #[error("a manifest has 1 to {MOST_OUTPUTS} outputs")]
    NumberOfOutputs,
    /// Two outputs share a name.
    #[error("two outputs are named {output}")]
    SameName {
        /// The name.
        output: Name,
    },
    /// No round, or too many.
    #[error("a job has 1 to {MOST_ROUNDS} rounds")]
    NumberOfRounds,
    /// All outputs together are too long.
    #[error("the outputs have more than {MOST_COORDINATES} numbers together")]
    TooLong,
    /// The policy's k is too small.
    #[error("k must be at least {LEAST_K}")]
    SmallK,
    /// The policy's size bound is 0.
    #[error("size_bound must be at least 1")]
    NoSizeBound,
    /// The gate's rho leaves too little noise.
    #[error(
        "gate_rho must be above 0 and give the gate a noise of at least {LEAST_SIGMA} patients (at most 0.055)"
    )]
    GateRho,
    /// The gate's delta is outside its range.
    #[error("gate_delta must be above 0 and below 1e-6")]
    GateDelta,
    /// The job as a whole costs more than can be written down.
    #[error("the outputs cost more in all rounds together than can be charged")]
    Unchargeable,
    /// One output's rho gives no noise that can be drawn and charged.
    #[error("output {output}: {why}")]
    Noise {
        /// Its name.
        output: Name,
        /// The rule.
        why: &'static str,
    },
    /// One output breaks a rule.
    #[error("output {output}: {why}")]
    Output {
        /// Its name.
        output: Name,
        /// The rule.
        why: &'static str,
    },
    /// A derived statistic reads an output that is not there or has another shape.
    #[error("derived {derived}: it reads {wanted}")]
    Derived {
        /// Its name.
        derived: Name,
        /// What it reads.
        wanted: &'static str,
    },
}

/// Admitted outputs with their noise and their price. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan(Arc<Inner>);

#[derive(Debug, PartialEq)]
struct Inner {
    blocks: Vec<Block>,
    derived: Vec<Derived>,
    gate: Gate,
    gate_price: Price,
    delta: Decimal,
    n_pub: u32,
    rounds: u32,
    charge: Charge,
}

/// A privacy cost as a bundle states it: rounded up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stated {
    pub(crate) rho: Decimal,
    pub(crate) delta: Decimal,
    pub(crate) epsilon: f64,
}

impl Plan {
    /// Checks every rule of PRIVACY.md 3.1 and fixes sigma and charge in integers.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn admit(admission: &Admission<'_>) -> Result<Self, Refusal> {
        check_names(admission.outputs)?;
        admission.derived.iter().try_for_each(|d| check_derived(d, admission.outputs))?;
        if !(1..=MOST_ROUNDS).contains(&admission.rounds) {
            return Err(Refusal::NumberOfRounds);
        }
        let gate = admit_gate(admission)?;
        let gate_price = Price::of(1, gate.sigma).ok_or(Refusal::GateRho)?;
        let blocks: Result<Vec<Block>, Refusal> =
            admission.outputs.iter().map(|o| Block::admit(o, admission.n_pub)).collect();
        let blocks = blocks?;
        let long = blocks.iter().map(Block::coordinates).fold(0, usize::saturating_add);
        if long > MOST_COORDINATES {
            return Err(Refusal::TooLong);
        }
        let charge = charge(&blocks, gate_price, admission).ok_or(Refusal::Unchargeable)?;
        let Admission { gate_delta: delta, n_pub, rounds, .. } = *admission;
        let derived = admission.derived.to_vec();
        Ok(Self(Arc::new(Inner { blocks, derived, gate, gate_price, delta, n_pub, rounds, charge })))
    }

    /// What the ledger reserves before any patient is read. A closed gate leaves `block_rho` undrawn.
    #[must_use]
    pub fn charge(&self) -> Charge {
        self.0.charge
    }

    /// How many numbers the guest returns for each output, in order.
    #[must_use]
    pub fn shape(&self) -> Vec<usize> {
        self.0.blocks.iter().map(|block| block.output.kind.length()).collect()
    }

    /// How often the outputs are drawn.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.0.rounds
    }

    pub(crate) fn blocks(&self) -> &[Block] {
        &self.0.blocks
    }

    pub(crate) fn derived(&self) -> &[Derived] {
        &self.0.derived
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    pub(crate) fn n_pub(&self) -> u32 {
        self.0.n_pub
    }

    /// What one output costs in all rounds, rounded up to six places.
    pub(crate) fn cost_of(&self, block: &Block) -> Decimal {
        millionths(self.shown(block))
    }

    fn shown(&self, block: &Block) -> u64 {
        block.price.shown.saturating_mul(self.0.rounds.into())
    }

    /// The cost of an open gate and all blocks of all rounds.
    pub(crate) fn whole_cost(&self) -> Stated {
        let blocks = self.0.blocks.iter().map(|block| self.shown(block));
        self.stated(blocks.fold(self.0.gate_price.shown, u64::saturating_add))
    }

    /// The cost of the gate alone.
    pub(crate) fn gate_cost(&self) -> Stated {
        self.stated(self.0.gate_price.shown)
    }

    fn stated(&self, shown: u64) -> Stated {
        let (rho, delta) = (millionths(shown), self.0.delta);
        // Lowered by more than the two roundings can raise it.
        let left = (STATED_DELTA - delta.to_f64()) * (1.0 - 1e-12);
        Stated { rho, delta, epsilon: crate::epsilon(rho.to_f64(), left) }
    }
}

/// `shown` / 10^12, rounded up to six places.
pub(crate) fn millionths(shown: u64) -> Decimal {
    format!("{}e-6", shown.div_ceil(1_000_000)).parse().unwrap_or(Decimal::ZERO)
}

pub(crate) fn check_names(outputs: &[Output]) -> Result<(), Refusal> {
    if outputs.is_empty() || outputs.len() > MOST_OUTPUTS {
        return Err(Refusal::NumberOfOutputs);
    }
    let mut seen = BTreeSet::new();
    match outputs.iter().find(|output| !seen.insert(&output.name)) {
        Some(twice) => Err(Refusal::SameName { output: twice.name.clone() }),
        None => Ok(()),
    }
}

fn check_derived(derived: &Derived, outputs: &[Output]) -> Result<(), Refusal> {
    let source = outputs.iter().find(|output| output.name == derived.from);
    let reads = source.map_or(Err("an output of this manifest"), |output| derived.kind.reads(&output.kind));
    reads.map_err(|wanted| Refusal::Derived { derived: derived.name.clone(), wanted })
}

// One patient moves the number of patients by 1, so S = 1.
fn admit_gate(admission: &Admission<'_>) -> Result<Gate, Refusal> {
    if admission.k < LEAST_K {
        return Err(Refusal::SmallK);
    }
    if admission.n_pub == 0 {
        return Err(Refusal::NoSizeBound);
    }
    let delta = admission.gate_delta.to_f64();
    if !(delta > 0.0 && delta < STATED_DELTA) {
        return Err(Refusal::GateDelta);
    }
    let widest = |sigma: &u64| (LEAST_SIGMA..=1 << 32).contains(sigma);
    let sigma = sigma(1, &admission.gate_rho).filter(widest).ok_or(Refusal::GateRho)?;
    Ok(Gate { k: admission.k, sigma, margin: margin(sigma, delta) })
}

// rho_job = rho_n + T * sum of blocks: the gate is drawn once, each block in every round (PRIVACY.md section 3).
fn charge(blocks: &[Block], gate: Price, admission: &Admission<'_>) -> Option<Charge> {
    let round = blocks.iter().try_fold(RhoUnits(0), |sum, block| sum.checked_add(block.price.units))?;
    let block_rho = RhoUnits(round.0.checked_mul(admission.rounds.into())?);
    let charge = Charge { gate_rho: gate.units, block_rho, delta: DeltaUnits::of(&admission.gate_delta) };
    charge.rho().map(|_| charge)
}
