//! Step 1 for the class `reviewed-code`: what may be released at all, from manifest and policy alone.

use super::reading::Reading;
use super::rules;
use crate::block::encoding;
use crate::plan::{LEAST_K, MOST_OUTPUTS, Refusal, check_names};
use std::sync::Arc;
use trocar_terms::{Axis, Bounds, Derived, Kind, Output};

/// Numbers of one job: for each, a bit a patient may have to be kept for ever.
const MOST_NUMBERS: usize = 4096;

/// What is to be admitted: outputs from the manifest, k and the declared size from the policy.
#[derive(Debug, Clone, Copy)]
pub struct ExactAdmission<'a> {
    /// The manifest's outputs, in order.
    pub outputs: &'a [Output],
    /// The manifest's derived statistics.
    pub derived: &'a [Derived],
    /// Least number of patients in a cohort or a cell.
    pub k: u32,
    /// `size_bound` of the policy: declared, never counted.
    pub n_pub: u32,
    /// Whether the manifest has parameters: they may change what its cells mean, so that the patients behind each cell
    /// are kept as well as the cohort.
    pub parametrised: bool,
}

/// Admitted outputs of the class `reviewed-code`. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct ExactPlan(Arc<Inner>);

#[derive(Debug, PartialEq)]
struct Inner {
    outputs: Vec<(Output, Reading)>,
    k: u32,
    parametrised: bool,
}

impl ExactPlan {
    /// Checks what can be checked before any patient is read.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn admit(admission: &ExactAdmission<'_>) -> Result<Self, Refusal> {
        check_names(admission.outputs)?;
        if let Some(derived) = admission.derived.first() {
            let wanted = "released numbers of any-code: of reviewed code, compute it from the results";
            return Err(Refusal::Derived { derived: derived.name.clone(), wanted });
        }
        if admission.k < LEAST_K {
            return Err(Refusal::SmallK);
        }
        if admission.n_pub == 0 {
            return Err(Refusal::NoSizeBound);
        }
        let outputs: Result<Vec<_>, Refusal> =
            admission.outputs.iter().map(|o| Ok((o.clone(), admit(o, admission.n_pub)?))).collect();
        let outputs = outputs?;
        let numbers = outputs.iter().map(|(_, reading)| reading.columns()).fold(0, usize::saturating_add);
        if numbers > MOST_NUMBERS {
            return Err(Refusal::TooLong);
        }
        Ok(Self(Arc::new(Inner { outputs, k: admission.k, parametrised: admission.parametrised })))
    }

    /// How many numbers the guest returns for each output, in order.
    #[must_use]
    pub fn shape(&self) -> Vec<usize> {
        self.outputs().map(|(output, _)| output.kind.length()).collect()
    }

    /// Least number of patients.
    #[must_use]
    pub fn k(&self) -> u32 {
        self.0.k
    }

    pub(super) fn outputs(&self) -> impl Iterator<Item = &(Output, Reading)> {
        self.0.outputs.iter()
    }

    pub(super) fn parametrised(&self) -> bool {
        self.0.parametrised
    }
}

const _: () = assert!(MOST_OUTPUTS <= MOST_NUMBERS);

fn admit(output: &Output, n_pub: u32) -> Result<Reading, Refusal> {
    let refuse = |why| Refusal::Output { output: output.name.clone(), why };
    let (_, s, s_inf) = encoding(&output.kind).map_err(refuse)?;
    if !axes(&output.kind).into_iter().all(rules::levels) {
        return Err(refuse("an axis of reviewed code has at most 40 levels"));
    }
    if !fits(&output.kind, s_inf, n_pub) {
        return Err(refuse("its sums could overflow: coarsen the grid, narrow the range or shorten it"));
    }
    Reading::of(&output.kind, s).ok_or_else(|| refuse("its kind is not released of reviewed code"))
}

/// Sums below 2^62 units, and sums of squares, of values that are not centred here, below 2^126.
fn fits(kind: &Kind, s_inf: u64, n_pub: u32) -> bool {
    let n = u128::from(n_pub);
    let sums = u128::from(s_inf).saturating_mul(n) <= 1 << 62;
    let Kind::Variance(Bounds { lower, upper, grid_bits }) = kind else { return sums };
    let widest = lower.abs().max(upper.abs()) * f64::exp2(f64::from(*grid_bits));
    sums && widest * widest * f64::from(n_pub) <= f64::exp2(126.0)
}

/// Levels of each axis of a count, histogram or table.
fn axes(kind: &Kind) -> Vec<u64> {
    match kind {
        Kind::Histogram { .. } => vec![kind.length() as u64],
        Kind::Table { axes, .. } => axes.iter().map(|axis: &Axis| axis.cells() as u64).collect(),
        Kind::Quantiles { .. } => vec![(kind.coordinates()) as u64],
        Kind::Count
        | Kind::Sum(_)
        | Kind::Mean(_)
        | Kind::Variance(_)
        | Kind::Moments { .. }
        | Kind::Vector { .. } => Vec::new(),
    }
}
