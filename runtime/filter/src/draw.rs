//! Steps 7 and 8 in their one order: the gate is drawn first, and behind a closed gate no other noise is drawn.

use crate::gate::Verdict;
use crate::noise::NoiseSource;
use crate::plan::Plan;
use crate::sums::Sums;

/// What was drawn. The sums themselves do not survive the draw.
pub(crate) enum Drawn {
    /// Nothing but the gate was drawn: the ledger returns the blocks.
    Closed(Plan),
    /// The noisy number of patients and every noised coordinate.
    Open { plan: Plan, patients: i128, blocks: Vec<Vec<i128>> },
}

/// Consumes the sums: gate, then noise on each coordinate in the manifest's order. `exact` is for rehearsals alone.
pub(crate) fn draw(sums: Sums, noise: &mut dyn NoiseSource, exact: bool) -> Drawn {
    let (plan, patients, mut blocks) = sums.into_parts();
    let Verdict::Open(patients) = plan.gate().decide(patients, noise, exact) else {
        return Drawn::Closed(plan);
    };
    for (sums, block) in blocks.iter_mut().zip(plan.blocks()) {
        noise.add_to(sums, block.sigma);
    }
    Drawn::Open { plan, patients, blocks }
}
