//! What the rounds of a job have drawn so far. All of it is noised: it is what a release is computed from, and the only thing
//! that goes back to a guest.

use crate::derived::Fit;
use crate::figure::Figures;
use crate::plan::Plan;

/// A job whose gate is open and whose first round is drawn, or more of them.
pub(crate) struct Course {
    plan: Plan,
    patients: i128,
    /// The last round's noised coordinates.
    blocks: Vec<Vec<i128>>,
    drawn: u32,
    /// The regressions that take a step a round.
    fits: Vec<Fit>,
}

impl Course {
    /// After the first round; `exact` where its noise was off.
    pub(crate) fn new(plan: Plan, patients: i128, blocks: Vec<Vec<i128>>, exact: bool) -> Self {
        let fits = Fit::all(&plan, exact);
        let mut course = Self { plan, patients, blocks: Vec::new(), drawn: 0, fits };
        course.push(blocks);
        course
    }

    /// One round more.
    pub(crate) fn push(&mut self, blocks: Vec<Vec<i128>>) {
        self.fits.iter_mut().for_each(|fit| fit.advance(&self.plan, &blocks));
        self.blocks = blocks;
        self.drawn = self.drawn.saturating_add(1);
    }

    pub(crate) const fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) const fn drawn(&self) -> u32 {
        self.drawn
    }

    /// Whether every round of the plan is drawn.
    pub(crate) fn is_over(&self) -> bool {
        self.drawn >= self.plan.rounds()
    }

    /// What the guests of the next round are given. With regressions: the coefficients of each, in the manifest's order. Else
    /// the released numbers of the last round in the outputs' order and units, NaN for one that is not known.
    pub(crate) fn state(&self) -> Vec<f64> {
        if !self.fits.is_empty() {
            return self.fits.iter().flat_map(Fit::coefficients).copied().collect();
        }
        let numbers = self.figures().outputs.into_iter().flat_map(|output| output.numbers);
        numbers.map(|number| number.value.unwrap_or(f64::NAN)).collect()
    }

    pub(crate) fn figures(&self) -> Figures {
        Figures::compute(&self.plan, self.patients, &self.blocks, &self.fits)
    }
}
