//! Step 9: noised integers become numbers with units. Computed unclamped and unblanked; only the display is held back.

use crate::block::{Block, CELL_ONE, Encoding, SCALE_BITS};
use crate::derived::{self, DerivedFigure, Fit};
use crate::digits::fixed;
use crate::interval::{Estimate, Z95, linear, ratio};
use crate::plan::{Plan, Stated};
use crate::quantile::quantile;
use crate::variance::variance;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use trocar_terms::{Axis, Decimal, Kind, Name};

/// All the numbers of one job: the `patients`, `rho`, `delta`, `epsilon_at_1e-6` and `outputs` of results.json.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Figures {
    /// The noisy number of patients, from the gate's own draw.
    pub patients: Patients,
    /// What the job cost, rounded up to six places.
    pub rho: Decimal,
    /// The delta of the gate.
    pub delta: Decimal,
    /// Epsilon of this rho at a total delta of 1e-6, rounded up.
    #[serde(rename = "epsilon_at_1e-6")]
    pub epsilon_at_1e_6: f64,
    /// How often the outputs were drawn; not written where it is once. What is shown is the last round's.
    #[serde(skip_serializing_if = "is_once")]
    pub rounds: u32,
    /// One for each output of the manifest, in its order.
    pub outputs: Vec<Figure>,
    /// One for each derived statistic of the manifest, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<DerivedFigure>,
}

/// The noisy number of patients of the cohort, from the draw that opened the gate: near the gate's threshold it reads
/// high, since low draws were withheld.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Patients {
    /// The number.
    pub value: i64,
    /// Standard deviation of its noise.
    pub sd: f64,
}

/// One output: one number, or one a cell or coordinate.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Figure {
    /// The manifest's name.
    pub name: Name,
    /// The manifest's kind; the edges and axes are in it.
    pub kind: Kind,
    /// UCUM unit.
    pub unit: String,
    /// One number for a count, sum, mean or variance; one a probability for quantiles; else one a cell or coordinate, the
    /// last axis fastest.
    pub numbers: Vec<Number>,
    /// What this output cost in all rounds, rounded up to six places.
    pub rho: Decimal,
}

/// One released number. All reals are rounded to 12 significant digits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Number {
    /// As computed from the noised sums. Absent for a mean of so few values that it is not known at all.
    pub value: Option<f64>,
    /// Standard deviation of the noise.
    pub sd: Option<f64>,
    /// Lower end of the 95 % interval for the noise.
    pub low95: Option<f64>,
    /// Upper end of it.
    pub high95: Option<f64>,
    /// Whether a table or plot shows it: false where it rests on fewer than k patients by the noisy count.
    pub shown: bool,
    /// For the eye: the value clamped to its public range, absent where not shown.
    #[serde(skip)]
    pub display: Option<f64>,
    /// For the eye: the lower end clamped to that range, absent where it is open or not known.
    #[serde(skip)]
    pub display_low95: Option<f64>,
    /// For the eye: the upper end.
    #[serde(skip)]
    pub display_high95: Option<f64>,
}

impl Figures {
    pub(crate) fn compute(plan: &Plan, patients: i128, blocks: &[Vec<i128>], fits: &[Fit]) -> Self {
        let Stated { rho, delta, epsilon } = plan.whole_cost();
        let value = i64::try_from(patients).unwrap_or(i64::MAX);
        let patients = Patients { value, sd: plan.gate().sigma as f64 };
        let outputs =
            plan.blocks().iter().zip(blocks).map(|(block, noised)| figure(plan, block, noised)).collect();
        let derived = derived::compute(plan, blocks, fits);
        let rounds = plan.rounds();
        Self { patients, rho, delta, epsilon_at_1e_6: epsilon, rounds, outputs, derived }
    }
}

pub(crate) const fn is_once(rounds: &u32) -> bool {
    *rounds == 1
}

fn figure(plan: &Plan, block: &Block, noised: &[i128]) -> Figure {
    let numbers = match block.encoding {
        Encoding::Cells { .. } => noised.iter().map(|y| cell(plan, block, *y)).collect(),
        Encoding::Centred { .. } => vec![centred(plan, block, noised)],
        Encoding::Squared { .. } => vec![squared(plan, block, noised)],
        Encoding::Binned { .. } => quantiles(plan, block, noised),
        Encoding::Products { variables } => products(plan, block, noised, variables),
        Encoding::Free { clip, grid_bits, .. } => {
            let range = clip * f64::from(plan.n_pub());
            noised.iter().map(|y| coordinate(block, *y, grid_bits, range)).collect()
        }
    };
    let output = &block.output;
    let rho = plan.cost_of(block);
    Figure { name: output.name.clone(), kind: output.kind.clone(), unit: output.unit.clone(), numbers, rho }
}

fn cell(plan: &Plan, block: &Block, y: i128) -> Number {
    let one = CELL_ONE as f64;
    let estimate = linear(y as f64 / one, block.sigma as f64 / one, 1.0 / one);
    let k = f64::from(plan.gate().k);
    Number::new(Some(estimate), estimate.value >= k, (0.0, f64::from(plan.n_pub())))
}

fn coordinate(block: &Block, y: i128, grid_bits: u8, range: f64) -> Number {
    let unit = f64::exp2(-f64::from(grid_bits));
    Number::new(Some(linear(y as f64 * unit, block.sigma as f64 * unit, unit)), true, (-range, range))
}

/// A sum or a mean, from the noised `(value - centre, present)`.
fn centred(plan: &Plan, block: &Block, noised: &[i128]) -> Number {
    let (Encoding::Centred { lower, upper, centre, half, grid_bits }, [a, b]) = (block.encoding, noised)
    else {
        return Number::UNKNOWN;
    };
    let (a, b, half, sigma) = (*a as f64, *b as f64, half as f64, block.sigma as f64);
    let unit = f64::exp2(-f64::from(grid_bits));
    let shown = b / half >= f64::from(plan.gate().k);
    if matches!(block.output.kind, Kind::Mean(_)) {
        let mean = ratio(a, b, sigma).map(|t| t.scaled(half * unit).moved(centre));
        return Number::new(mean, shown, (lower, upper));
    }
    // sum = sum of (value - centre) + centre * present: linear in both coordinates.
    let (weight, n) = (centre / half, f64::from(plan.n_pub()));
    let sum = linear(a * unit + b * weight, sigma * unit.hypot(weight), unit + weight.abs());
    Number::new(Some(sum), shown, (n * lower.min(0.0), n * upper.max(0.0)))
}

/// A variance, from the noised `(u, u^2 - 1/2, 1)`.
fn squared(plan: &Plan, block: &Block, noised: &[i128]) -> Number {
    let (Encoding::Squared { half, shift, grid_bits, .. }, [a, b, c]) = (block.encoding, noised) else {
        return Number::UNKNOWN;
    };
    let one = half as f64 * f64::exp2(f64::from(shift));
    let sums = [a, b, c].map(|y| *y as f64 / one);
    // The widest deviation that the range allows.
    let reach = half as f64 * f64::exp2(-f64::from(grid_bits));
    let [_, _, present] = sums;
    let estimate = variance(sums, block.spread() / one).map(|e| e.scaled(reach * reach));
    Number::new(estimate, present >= f64::from(plan.gate().k), (0.0, reach * reach))
}

fn quantiles(plan: &Plan, block: &Block, noised: &[i128]) -> Vec<Number> {
    let Kind::Quantiles { edges, probabilities } = &block.output.kind else { return Vec::new() };
    let one = CELL_ONE as f64;
    let bins: Vec<f64> = noised.iter().map(|y| *y as f64 / one).collect();
    let shown = bins.iter().sum::<f64>() >= f64::from(plan.gate().k);
    let number = |p: &f64| {
        let estimate = quantile(&bins, edges, *p, block.spread() / one);
        Number::new(estimate, shown, (f64::NEG_INFINITY, f64::INFINITY))
    };
    probabilities.iter().map(number).collect()
}

/// The sums of the products as they are, but for the squares, which get back the 1/2 that was taken off.
fn products(plan: &Plan, block: &Block, noised: &[i128], variables: usize) -> Vec<Number> {
    let unit = f64::exp2(-f64::from(SCALE_BITS));
    let present = noised.first().map_or(0.0, |y| *y as f64 * unit);
    let shown = present >= f64::from(plan.gate().k);
    let (sd, n) = (block.sigma as f64 * unit, f64::from(plan.n_pub()));
    let number = |((i, j), y): ((usize, usize), &i128)| {
        let value = *y as f64 * unit;
        let (square, least) = (i == j && i > 0, if i == j { 0.0 } else { -n });
        let estimate = if square {
            linear(value + present / 2.0, sd * 1.25_f64.sqrt(), 1.5 * unit)
        } else {
            linear(value, sd, unit)
        };
        Number::new(Some(estimate), shown, (least, n))
    };
    derived::pairs(variables).into_iter().zip(noised).map(number).collect()
}

impl Block {
    /// The standard deviation, in units, with which an interval of z of them covers the discrete tail too.
    pub(crate) fn spread(&self) -> f64 {
        self.sigma as f64 + 1.0 / Z95
    }
}

impl Number {
    /// Nothing can be said.
    pub(crate) const UNKNOWN: Self = Self {
        value: None,
        sd: None,
        low95: None,
        high95: None,
        shown: false,
        display: None,
        display_low95: None,
        display_high95: None,
    };

    /// `range` is the public one, which the display is clamped to.
    pub(crate) fn new(estimate: Option<Estimate>, shown: bool, range: (f64, f64)) -> Self {
        let Some(e) = estimate else { return Self::UNKNOWN };
        let [value, sd, low95, high95] = [e.value, e.sd, e.low95, e.high95].map(|x| Some(fixed(x)));
        let clamped = |x: f64| fixed(x.max(range.0).min(range.1));
        let [display_low95, display_high95] = [e.low95, e.high95].map(|x| Some(clamped(x)));
        let display = shown.then(|| clamped(e.value));
        Self { value, sd, low95, high95, shown, display, display_low95, display_high95 }
    }

    /// The same with an interval that is open at both ends.
    pub(crate) const fn open(self) -> Self {
        Self { low95: None, high95: None, display_low95: None, display_high95: None, ..self }
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("kind", self.kind.word())?;
        map.serialize_entry("unit", &self.unit)?;
        self.serialize_numbers(&mut map)?;
        map.serialize_entry("rho", &self.rho)?;
        map.end()
    }
}

impl Figure {
    fn serialize_numbers<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match &self.kind {
            Kind::Count | Kind::Sum(_) | Kind::Mean(_) | Kind::Variance(_) => {
                return self.numbers.first().map_or(Ok(()), |number| scalar(number, map));
            }
            Kind::Histogram { edges, .. } => map.serialize_entry("edges", edges)?,
            Kind::Table { axes, .. } => map.serialize_entry::<_, [Axis]>("axes", axes)?,
            Kind::Quantiles { edges, probabilities } => {
                map.serialize_entry("edges", edges)?;
                map.serialize_entry("probabilities", probabilities)?;
            }
            Kind::Moments { variables } => map.serialize_entry("variables", variables)?,
            Kind::Vector { .. } => {}
        }
        columns(&self.numbers, map)
    }
}

/// Many numbers, a list for each field.
pub(crate) fn columns<M: SerializeMap>(numbers: &[Number], map: &mut M) -> Result<(), M::Error> {
    let column = |field: fn(&Number) -> Option<f64>| numbers.iter().map(field).collect::<Vec<_>>();
    map.serialize_entry("value", &column(|n| n.value))?;
    map.serialize_entry("sd", &column(|n| n.sd))?;
    map.serialize_entry("low95", &column(|n| n.low95))?;
    map.serialize_entry("high95", &column(|n| n.high95))?;
    map.serialize_entry("shown", &numbers.iter().map(|n| n.shown).collect::<Vec<_>>())
}

/// One number, a field for each of its own.
pub(crate) fn scalar<M: SerializeMap>(number: &Number, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("value", &number.value)?;
    map.serialize_entry("sd", &number.sd)?;
    map.serialize_entry("low95", &number.low95)?;
    map.serialize_entry("high95", &number.high95)?;
    map.serialize_entry("shown", &number.shown)
}
