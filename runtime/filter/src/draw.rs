//! Steps 7 and 8 in their one order: the gate is drawn first and once a job, and behind a closed gate no other noise is drawn.
#![cfg_attr(not(test), deny(clippy::float_arithmetic))]

use crate::gate::Verdict;
use crate::noise::NoiseSource;
use crate::plan::Plan;
use crate::sums::Sums;

/// What the first round drew. The sums themselves do not survive the draw.
pub(crate) enum Drawn {
    /// Nothing but the gate was drawn: the ledger returns the blocks of all rounds.
    Closed(Plan),
    /// The noisy number of patients and every noised coordinate.
    Open { plan: Plan, patients: i128, blocks: Vec<Vec<i128>> },
}

/// Consumes the first round's sums: gate, then noise on each coordinate in the manifest's order. `exact` is for rehearsals
/// alone.
pub(crate) fn draw(sums: Sums, noise: &mut dyn NoiseSource, exact: bool) -> Drawn {
    let (plan, patients, blocks) = sums.into_parts();
    let Verdict::Open(patients) = plan.gate().decide(patients, noise, exact) else {
        return Drawn::Closed(plan);
    };
    let blocks = noised(&plan, blocks, noise);
    Drawn::Open { plan, patients, blocks }
}

/// Consumes a later round's sums: noise on each coordinate, no gate.
pub(crate) fn draw_again(sums: Sums, noise: &mut dyn NoiseSource) -> Vec<Vec<i128>> {
    let (plan, _, blocks) = sums.into_parts();
    noised(&plan, blocks, noise)
}

fn noised(plan: &Plan, mut blocks: Vec<Vec<i128>>, noise: &mut dyn NoiseSource) -> Vec<Vec<i128>> {
    for (sums, block) in blocks.iter_mut().zip(plan.blocks()) {
        noise.add_to(sums, block.sigma);
    }
    blocks
}
