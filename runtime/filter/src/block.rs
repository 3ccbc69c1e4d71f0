//! One output as the filter computes on it: how a patient's reals become integers, and what they may weigh.

use crate::clip::clip;
use crate::digits::power_of_two;
use crate::integer::{ceil_sqrt, cost, sigma, sums_fit};
use crate::plan::Refusal;
use crate::quantise::{bin, quantise, rounded, scaled};
use trocar_terms::{Axis, Bounds, Kind, Name, Output, RhoUnits, Variable};

/// One whole patient in a cell is 2^8 units.
pub(crate) const CELL_BITS: u8 = 8;
pub(crate) const CELL_ONE: u64 = 1 << CELL_BITS;
/// One whole range of a variance or of moments is at least this many units wide, so that the rounding of a square or a
/// product is far below any noise.
pub(crate) const SCALE_BITS: u8 = 16;
const SCALE: i64 = 1 << SCALE_BITS;
/// Reals on a grid are exact in f64 up to here.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// Least standard deviation in grid units: below it the discrete Gaussian no longer looks like a Gaussian.
pub(crate) const LEAST_SIGMA: u64 = 4;
/// Charges are in units of 2^-40 (PRIVACY.md section 3).
const RHO_SCALE: u64 = 1 << 40;
/// What a bundle shows of rho is summed in units of 10^-12, each rounded up.
const SHOWN_SCALE: u64 = 1_000_000_000_000;

/// A checked output with its sensitivity, its noise and its price.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Block {
    pub(crate) output: Output,
    pub(crate) encoding: Encoding,
    /// Bound of one patient's L2 norm, in units: S.
    pub(crate) s: u64,
    /// Standard deviation of the noise of each coordinate, in units.
    pub(crate) sigma: u64,
    pub(crate) price: Price,
}

/// What one draw costs, rounded up twice: for the ledger, and for the eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) units: RhoUnits,
    pub(crate) shown: u64,
}

impl Price {
    /// The price of noise `sigma` at sensitivity `s`; `None` where it would not fit.
    pub(crate) fn of(s: u64, sigma: u64) -> Option<Self> {
        Some(Self { units: RhoUnits(cost(s, sigma, RHO_SCALE)?), shown: cost(s, sigma, SHOWN_SCALE)? })
    }
}

/// How the numbers of one output become integer coordinates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Encoding {
    /// One coordinate a cell, 0 to 2^8. The default contribution fills no cell.
    Cells { cells: usize },
    /// `(value - centre, present)`: both reach `half` units, so that each is scaled to [-1, 1].
    Centred { lower: f64, upper: f64, centre: f64, half: i64, grid_bits: u8 },
    /// `(u, u^2 - 1/2, 1)` in units of `half << shift`, where u is the value scaled to [-1, 1].
    Squared { lower: f64, upper: f64, centre: f64, half: i64, shift: u8, grid_bits: u8 },
    /// One coordinate a bin of the kind's edges; the host finds the bin.
    Binned { bins: usize },
    /// The upper triangle of the products of `(1, u_1, .., u_p)` with themselves, squares lowered by 1/2, each u scaled to
    /// [-1, 1], in units of 2^-16.
    Products { variables: usize },
    /// `length` coordinates within `clip`.
    Free { length: usize, clip: f64, grid_bits: u8 },
}

impl Block {
    /// Checks one output and fixes its noise: everything here comes from the manifest and the policy.
    pub(crate) fn admit(output: &Output, n_pub: u32) -> Result<Self, Refusal> {
        let refuse = |why| Refusal::Output { output: output.name.clone(), why };
        let (encoding, s, s_inf) = encoding(&output.kind).map_err(refuse)?;
        let quiet = |why| Refusal::Noise { output: output.name.clone(), why };
        let sigma = sigma(s, &output.rho).ok_or_else(|| quiet(RHO))?;
        if sigma < LEAST_SIGMA {
            return Err(quiet("its noise is below 4 grid units: lower rho or refine the grid"));
        }
        let price = Price::of(s, sigma).ok_or_else(|| quiet(RHO))?;
        let block = Self { output: output.clone(), encoding, s, sigma, price };
        if sums_fit(block.coordinates(), s_inf, sigma, n_pub) {
            Ok(block)
        } else {
            Err(refuse("its sums could overflow: coarsen the grid, narrow the range or shorten it"))
        }
    }

    /// Number of integer coordinates.
    pub(crate) fn coordinates(&self) -> usize {
        self.output.kind.coordinates()
    }

    /// Steps 4 and 5 for one patient's numbers.
    pub(crate) fn encode(&self, raw: &[f64]) -> Vec<i64> {
        let mut q = self.quantised(raw);
        clip(&mut q, self.s);
        q
    }

    fn quantised(&self, raw: &[f64]) -> Vec<i64> {
        let all = |lower, upper, bits| {
            raw.iter().map(|x| quantise(*x, lower, upper, 0.0, bits).unwrap_or(0)).collect()
        };
        let first = |lower, upper, centre, half: i64, bits| {
            let q = raw.first().and_then(|x| quantise(*x, lower, upper, centre, bits));
            q.map(|q| q.clamp(half.saturating_neg(), half))
        };
        match self.encoding {
            Encoding::Cells { .. } => all(0.0, 1.0, CELL_BITS),
            Encoding::Free { clip, grid_bits, .. } => all(-clip, clip, grid_bits),
            Encoding::Centred { lower, upper, centre, half, grid_bits } => {
                first(lower, upper, centre, half, grid_bits).map_or_else(|| vec![0, 0], |q| vec![q, half])
            }
            Encoding::Squared { lower, upper, centre, half, shift, grid_bits } => {
                let q = first(lower, upper, centre, half, grid_bits);
                q.map_or_else(|| vec![0; 3], |q| squared(q << shift, half << shift))
            }
            Encoding::Binned { bins } => self.one_bin(raw, bins),
            Encoding::Products { .. } => self.products(raw).unwrap_or_else(|| vec![0; self.coordinates()]),
        }
    }

    fn one_bin(&self, raw: &[f64], bins: usize) -> Vec<i64> {
        let (Kind::Quantiles { edges, .. }, [value]) = (&self.output.kind, raw) else { return vec![0; bins] };
        let found = bin(*value, edges);
        (0..bins).map(|i| if Some(i) == found { CELL_ONE.cast_signed() } else { 0 }).collect()
    }

    /// `None` where one of the variables has no value.
    fn products(&self, raw: &[f64]) -> Option<Vec<i64>> {
        let Kind::Moments { variables } = &self.output.kind else { return None };
        let scale = |(v, x): (&Variable, &f64)| scaled(*x, v.lower, v.upper, SCALE_BITS);
        let scaled: Option<Vec<i64>> = variables.iter().zip(raw).map(scale).collect();
        let row = [vec![SCALE], scaled?].concat();
        Some(row.iter().enumerate().flat_map(|(i, a)| products_with(*a, i, &row)).collect())
    }
}

/// `(q, q^2 / half - half / 2, half)`: with u = q / half it is `half * (u, u^2 - 1/2, 1)`.
fn squared(q: i64, half: i64) -> Vec<i64> {
    vec![q, lowered_square(q, half), half]
}

/// `q^2 / one - one / 2`, rounded half to even.
fn lowered_square(q: i64, one: i64) -> i64 {
    let (q, one) = (i128::from(q), i128::from(one));
    let twice = q.saturating_mul(q).saturating_mul(2).saturating_sub(one.saturating_mul(one));
    rounded(twice, one.saturating_mul(2))
}

/// Row `i` of the upper triangle, whose first row is the one of 1 and is not lowered.
fn products_with(a: i64, i: usize, row: &[i64]) -> Vec<i64> {
    let product = |(j, b): (usize, &i64)| {
        if i == j && i > 0 {
            return lowered_square(a, SCALE);
        }
        rounded(i128::from(a).saturating_mul(i128::from(*b)), i128::from(SCALE))
    };
    row.iter().enumerate().skip(i).map(product).collect()
}

const RHO: &str = "its rho is 0, or so small or so large that it cannot be charged";
pub(crate) type Fault = &'static str;

/// The encoding, S and the bound of one coordinate, where the kind's bounds and edges are in order.
pub(crate) fn encoding(kind: &Kind) -> Result<(Encoding, u64, u64), Fault> {
    match kind {
        Kind::Count => Ok(cells(1, 1)),
        Kind::Sum(bounds) | Kind::Mean(bounds) => centred(bounds),
        Kind::Histogram { edges, cells_per_patient } => {
            check_edges(edges)?;
            Ok(cells(kind.length(), check_cells(*cells_per_patient, kind.length())?))
        }
        Kind::Table { axes, cells_per_patient } => {
            check_axes(axes)?;
            Ok(cells(kind.length(), check_cells(*cells_per_patient, kind.length())?))
        }
        Kind::Variance(bounds) => squares(bounds),
        Kind::Quantiles { edges, probabilities } => {
            check_edges(edges)?;
            check_probabilities(probabilities)?;
            let (bins, (_, s, s_inf)) = (kind.coordinates(), cells(kind.coordinates(), 1));
            Ok((Encoding::Binned { bins }, s, s_inf))
        }
        Kind::Moments { variables } => moments(variables),
        Kind::Vector { length, clip, grid_bits } => free(*length as usize, *clip, *grid_bits),
    }
}

// S = ceil(sqrt(m) * 2^8) = ceil(sqrt(m * 2^16)).
fn cells(cells: usize, m: u32) -> (Encoding, u64, u64) {
    let s = ceil_sqrt(u128::from(m).saturating_mul(u128::from(CELL_ONE).pow(2)));
    (Encoding::Cells { cells }, u64::try_from(s).unwrap_or(u64::MAX), CELL_ONE)
}

/// The midpoint, and half the range in grid units.
fn middle(bounds: &Bounds) -> Result<(f64, i64), Fault> {
    let Bounds { lower, upper, grid_bits } = *bounds;
    let centre = lower.midpoint(upper);
    let on_grid = [lower, upper, centre].map(|x| whole(x, grid_bits));
    let [Some(low), Some(high), Some(_)] = on_grid else {
        return Err("lower, upper and their midpoint must be finite multiples of 2^-grid_bits");
    };
    let half = high.checked_sub(low).and_then(|width| width.checked_div(2)).filter(|half| *half > 0);
    Ok((centre, half.ok_or("upper must be above lower")?))
}

// Both coordinates reach `half`, so S = ceil(sqrt(2) * half).
fn centred(bounds: &Bounds) -> Result<(Encoding, u64, u64), Fault> {
    let Bounds { lower, upper, grid_bits } = *bounds;
    let (centre, half) = middle(bounds)?;
    let s_inf = half.unsigned_abs();
    let s = ceil_sqrt(u128::from(s_inf).pow(2).saturating_mul(2));
    Ok((
        Encoding::Centred { lower, upper, centre, half, grid_bits },
        u64::try_from(s).unwrap_or(u64::MAX),
        s_inf,
    ))
}

// u^2 + (u^2 - 1/2)^2 + 1 = u^4 + 5/4 is largest where |u| = 1: S = 3/2 of `half`, and half / 2 is rounded up.
fn squares(bounds: &Bounds) -> Result<(Encoding, u64, u64), Fault> {
    let Bounds { lower, upper, grid_bits } = *bounds;
    let (centre, half) = middle(bounds)?;
    let shift = (0..SCALE_BITS).find(|shift| half << shift >= SCALE).unwrap_or(SCALE_BITS);
    let one = u128::from((half << shift).unsigned_abs());
    let square = one.saturating_mul(one);
    let lowered = one.div_ceil(2);
    let s = ceil_sqrt(square.saturating_mul(2).saturating_add(lowered.saturating_mul(lowered)));
    let s_inf = u64::try_from(one).unwrap_or(u64::MAX);
    let encoding = Encoding::Squared { lower, upper, centre, half, shift, grid_bits };
    Ok((encoding, u64::try_from(s).unwrap_or(u64::MAX), s_inf))
}

// All |u| = 1 is the longest: 1 + p for 1 and the variables, 1/4 for each square, 1 for each product of two.
fn moments(variables: &[Variable]) -> Result<(Encoding, u64, u64), Fault> {
    check_variables(variables)?;
    let p = variables.len() as u128;
    let products = p.saturating_mul(p.saturating_sub(1)) >> 1;
    let quarters = products.saturating_add(p).saturating_add(1).saturating_mul(4).saturating_add(p);
    // In quarters of 2^32 units: 2^30.
    let s = ceil_sqrt(quarters.saturating_mul(1 << (2 * SCALE_BITS - 2)));
    let encoding = Encoding::Products { variables: variables.len() };
    Ok((encoding, u64::try_from(s).unwrap_or(u64::MAX), SCALE.unsigned_abs()))
}

fn free(length: usize, clip: f64, grid_bits: u8) -> Result<(Encoding, u64, u64), Fault> {
    let s = whole(clip, grid_bits)
        .filter(|s| *s > 0)
        .ok_or("clip must be a positive multiple of 2^-grid_bits")?;
    if length == 0 {
        return Err("its length must be at least 1");
    }
    let s = s.unsigned_abs();
    Ok((Encoding::Free { length, clip, grid_bits }, s, s))
}

/// `x * 2^grid_bits` where that is a whole number which f64 holds exactly.
fn whole(x: f64, grid_bits: u8) -> Option<i64> {
    let units = x * power_of_two(grid_bits);
    let exact = grid_bits <= 52 && units.abs() <= EXACT && units.trunc().total_cmp(&units).is_eq();
    #[allow(clippy::cast_possible_truncation, reason = "a whole number of at most 2^53")]
    exact.then_some(units as i64)
}

fn check_edges(edges: &[f64]) -> Result<(), Fault> {
    let rising = edges.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    if edges.len() >= 2 && rising && edges.iter().all(|e| e.is_finite()) {
        return Ok(());
    }
    Err("edges must be at least two finite numbers, each above the one before")
}

fn check_probabilities(probabilities: &[f64]) -> Result<(), Fault> {
    let rising = probabilities.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    if !probabilities.is_empty() && rising && probabilities.iter().all(|p| *p > 0.0 && *p < 1.0) {
        return Ok(());
    }
    Err("probabilities must be one or more numbers above 0 and below 1, each above the one before")
}

fn check_variables(variables: &[Variable]) -> Result<(), Fault> {
    let names: std::collections::BTreeSet<&Name> = variables.iter().map(|v| &v.name).collect();
    if variables.is_empty() || names.len() != variables.len() {
        return Err("moments need at least one variable and no variable twice");
    }
    let wide = |v: &Variable| v.lower < v.upper && (v.upper / 2.0 - v.lower / 2.0).is_normal();
    if variables.iter().all(wide) { Ok(()) } else { Err("each variable's upper must be above its lower") }
}

fn check_cells(m: u32, cells: usize) -> Result<u32, Fault> {
    if m >= 1 && m as usize <= cells {
        Ok(m)
    } else {
        Err("cells_per_patient must be 1 to the number of cells")
    }
}

fn check_axes(axes: &[Axis]) -> Result<(), Fault> {
    if axes.is_empty() || axes.len() > 4 {
        return Err("a table has 1 to 4 axes");
    }
    let names: std::collections::BTreeSet<&Name> = axes.iter().map(axis_name).collect();
    if names.len() != axes.len() {
        return Err("two axes of a table have the same name");
    }
    axes.iter().try_for_each(check_axis)
}

const fn axis_name(axis: &Axis) -> &Name {
    match axis {
        Axis::Categories { name, .. } | Axis::Edges { name, .. } => name,
    }
}

fn check_axis(axis: &Axis) -> Result<(), Fault> {
    match axis {
        Axis::Edges { edges, .. } => check_edges(edges),
        Axis::Categories { categories, .. } => {
            let distinct: std::collections::BTreeSet<&String> = categories.iter().collect();
            let all = !categories.is_empty() && distinct.len() == categories.len();
            if all { Ok(()) } else { Err("an axis needs at least one category and no category twice") }
        }
    }
}
