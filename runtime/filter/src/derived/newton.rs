//! Logistic regression by Newton steps, one a round, from noised gradients and Hessians.
//!
//! At the coefficients b of the state the guests' vectors add up to the gradient g of the log likelihood and its negative
//! Hessian H. With a ridge of l2 on all coefficients but the intercept (D has 1 for those), the step d solves
//! `(H + l2 D) d = g - l2 D b`. Nothing here reads a patient: g and H are noised, and the noise is paid for each round.
//!
//! What a round reports of a coefficient is the t that solves w'(g - l2 D b - (H + l2 D) d) = 0, where d holds t and the other
//! coefficients' steps and w is its row of the inverse: linear in g and H, so that Fieller's interval holds for t, as in least
//! squares. It holds what the same step would give without noise, which after some rounds is the fit up to the square of the
//! last step. What the noise hides is absent; with noise off it is there without an interval, and not to be shown.
//!
//! The step that is taken is a safer one, so that a bad draw does not spoil the rounds after it. Noise of standard deviation
//! s in each entry moves the eigenvalues of H by less than r = 2 s sqrt(d) or little more (Wigner's law). Where H + l2 D - r I
//! is not positive definite, H + l2 D + r I takes its place; where that is not either, the coefficients stay; and a step longer
//! than [`LONGEST`] is shortened to it. All of that moves no solution, only the way there. With noise off r is 0.

use super::matrix::inverse;
use super::source::Source;
use super::{At, Part};
use crate::figure::Number;
use crate::interval::{Estimate, fieller, linear};
use crate::plan::Plan;
use trocar_terms::{Derived, DerivedKind, Name};

/// The longest step, as an L2 norm. The first step from 0 is four times the coefficients of least squares: predictors that are
/// scaled to [-1, 1] have no longer one, unless they predict perfectly.
const LONGEST: f64 = 10.0;
/// Rounds before the last whose coefficients are released too: enough to see whether the steps have come to rest.
const EARLIER: usize = 2;

/// One logistic regression on its way.
pub(crate) struct Fit {
    derived: Derived,
    /// The intercept and the predictors.
    words: Vec<String>,
    l2: f64,
    share: f64,
    exact: bool,
    /// What the next round starts from.
    beta: Vec<f64>,
    /// What each round has found.
    found: Vec<Vec<Option<Found>>>,
    /// From the last round.
    errors: Vec<Option<Found>>,
}

/// A number of a round.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Found {
    estimate: Estimate,
    /// Whether a node's noise would leave it an interval: else only a rehearsal without noise has it.
    known: bool,
}

impl Fit {
    /// Every regression of the plan, at 0.
    pub(crate) fn all(plan: &Plan, exact: bool) -> Vec<Self> {
        plan.derived().iter().filter_map(|derived| Self::new(derived, exact)).collect()
    }

    fn new(derived: &Derived, exact: bool) -> Option<Self> {
        let DerivedKind::Logistic { predictors, l2, step } = &derived.kind else { return None };
        let words = std::iter::once("intercept".to_owned()).chain(predictors.iter().map(Name::to_string));
        let words: Vec<String> = words.collect();
        let beta = vec![0.0; words.len()];
        let (errors, found) = (vec![None; words.len()], Vec::new());
        Some(Self { derived: derived.clone(), words, l2: *l2, share: *step, exact, beta, found, errors })
    }

    /// The coefficients that the guests of the next round are given.
    pub(crate) fn coefficients(&self) -> &[f64] {
        &self.beta
    }

    pub(crate) fn is_of(&self, derived: &Derived) -> bool {
        self.derived.name == derived.name
    }

    /// One step, from the noised blocks of a round.
    pub(crate) fn advance(&mut self, plan: &Plan, blocks: &[Vec<i128>]) {
        let mut all = plan.blocks().iter().zip(blocks);
        let found = all.find(|(block, _)| block.output.name == self.derived.from);
        let Some(system) = found.and_then(|(block, noised)| self.system(&Source::new(plan, block, noised)))
        else {
            return;
        };
        let solved = system.solved();
        let all = |found: Option<Vec<Found>>| {
            found.map_or_else(|| vec![None; self.beta.len()], |f| f.into_iter().map(Some).collect())
        };
        let steps = all(solved.as_ref().and_then(|s| s.steps(self.exact)));
        let in_place = |(step, beta): (Option<Found>, &f64)| step.map(|s| s.reached(self.share, *beta));
        let errors = all(solved.as_ref().and_then(|s| s.errors(self.exact)));
        self.found.push(steps.into_iter().zip(&self.beta).map(in_place).collect());
        self.errors = errors;
        let step = system.safe_step(if self.exact { 0.0 } else { system.sigma }, solved.as_ref());
        for (beta, step) in self.beta.iter_mut().zip(step) {
            *beta += self.share * step;
        }
    }

    /// `None` only where the output has another length, which admission refuses.
    fn system(&self, source: &Source<'_>) -> Option<System> {
        let d = self.beta.len();
        let (gradient, triangle) = source.y.split_at_checked(d)?;
        let ridge = |i: usize| if i == 0 { 0.0 } else { self.l2 };
        let right = gradient.iter().zip(&self.beta).enumerate().map(|(i, (g, b))| g - ridge(i) * b).collect();
        let mut matrix = symmetric(triangle, d)?;
        add_to_diagonal(&mut matrix, ridge);
        Some(System { right, matrix, sigma: source.sigma })
    }

    /// What is released: the coefficients after the last round, the standard errors that its Hessian gives them, and the
    /// coefficients after the rounds before.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let (last, before) = match self.found.split_last() {
            Some((last, before)) => (last.as_slice(), before),
            None => (&[][..], &[][..]),
        };
        let at = || At::Words(self.words.clone());
        let mut parts = vec![
            Part::many("coefficient", at(), numbers(last)),
            Part::many("standard_error", at(), numbers(&self.errors)),
        ];
        let rounds = (1..=before.len()).zip(before).skip(before.len().saturating_sub(EARLIER));
        let (mut words, mut all): (Vec<String>, Vec<Option<Found>>) = (Vec::new(), Vec::new());
        for (t, found) in rounds {
            words.extend(self.words.iter().map(|word| format!("round {t}, {word}")));
            all.extend(found);
        }
        if !all.is_empty() {
            parts.push(Part::many("earlier_round", At::Words(words), numbers(&all)));
        }
        parts
    }
}

impl Found {
    /// The coefficient that a share of this step leads to.
    fn reached(self, share: f64, beta: f64) -> Self {
        Self { estimate: self.estimate.scaled(share).moved(beta), ..self }
    }
}

fn numbers(found: &[Option<Found>]) -> Vec<Number> {
    found.iter().map(number).collect()
}

fn number(found: &Option<Found>) -> Number {
    let known = found.is_some_and(|f| f.known);
    let number = Number::new(found.map(|f| f.estimate), known, (f64::NEG_INFINITY, f64::INFINITY));
    if known { number } else { number.open() }
}

/// The equations of one step.
struct System {
    right: Vec<f64>,
    matrix: Vec<Vec<f64>>,
    /// Standard deviation of the noise of each number of gradient and triangle.
    sigma: f64,
}

/// A step without regard to the noise.
struct Solved<'a> {
    system: &'a System,
    inverse: Vec<Vec<f64>>,
    step: Vec<f64>,
}

impl System {
    fn solved(&self) -> Option<Solved<'_>> {
        let inverse = inverse(self.matrix.clone())?;
        let step: Vec<f64> = inverse.iter().map(|row| dot(row, &self.right)).collect();
        step.iter().all(|x| x.is_finite()).then_some(Solved { system: self, inverse, step })
    }

    fn safe_step(&self, sigma: f64, solved: Option<&Solved<'_>>) -> Vec<f64> {
        let reach = 2.0 * sigma * (self.right.len() as f64).sqrt();
        let certain = solved.filter(|_| self.moved(-reach).is_some());
        let step = certain.map(|s| s.step.clone()).or_else(|| self.moved(reach));
        shortened(step.unwrap_or_else(|| vec![0.0; self.right.len()]))
    }

    /// The step with `by` on the whole diagonal.
    fn moved(&self, by: f64) -> Option<Vec<f64>> {
        let mut matrix = self.matrix.clone();
        add_to_diagonal(&mut matrix, |_| by);
        Some(inverse(matrix)?.iter().map(|row| dot(row, &self.right)).collect())
    }
}

impl Solved<'_> {
    /// All or none, since one that the noise hides spoils the others; with noise off all.
    fn steps(&self, exact: bool) -> Option<Vec<Found>> {
        let forms: Vec<Form> = (0..self.step.len()).map(|k| self.form(k)).collect::<Option<_>>()?;
        let known: Option<Vec<Found>> = forms.iter().map(Form::known).collect();
        known.or_else(|| exact.then(|| forms.iter().map(Form::hidden).collect()))
    }

    fn form(&self, k: usize) -> Option<Form> {
        let (w, own) = (self.inverse.get(k)?, *self.step.get(k)?);
        let alone = |i: usize| f64::from(u8::from(i == k));
        let unit: Vec<f64> = (0..w.len()).map(alone).collect();
        let others: Vec<f64> =
            self.step.iter().enumerate().map(|(i, d)| if i == k { 0.0 } else { *d }).collect();
        // w'(H + l2 D) is the unit vector of k: the first sum is the step itself, the second 1, and what they have to say
        // beside that is their noise. The ridge has none.
        let above = products(w, &others);
        let below = products(w, &unit);
        let v = self.system.sigma * self.system.sigma;
        let aa = v * (dot(w, w) + dot(&above, &above));
        Some(Form { own, noise: [aa, -v * dot(&above, &below), v * dot(&below, &below)] })
    }

    /// The roots of the diagonal of the inverse, at the coefficients that the round started from, with the noise of H by the
    /// delta method.
    fn errors(&self, exact: bool) -> Option<Vec<Found>> {
        let steps = self.steps(exact)?;
        let error = |((k, w), step): ((usize, &Vec<f64>), Found)| {
            let root = w.get(k)?.max(0.0).sqrt();
            let moves = products(w, w);
            let estimate = linear(root, self.system.sigma * dot(&moves, &moves).sqrt() / (2.0 * root), 0.0);
            Some(Found { estimate, ..step })
        };
        self.inverse.iter().enumerate().zip(steps).map(error).collect()
    }
}

/// One coordinate of a step: a sum over 1, with the variances of both and their covariance.
struct Form {
    own: f64,
    noise: [f64; 3],
}

impl Form {
    fn known(&self) -> Option<Found> {
        fieller(self.own, 1.0, self.noise).map(|estimate| Found { estimate, known: true })
    }

    fn hidden(&self) -> Found {
        let (value, [aa, ab, bb]) = (self.own, self.noise);
        let sd = (aa - 2.0 * value * ab + value * value * bb).max(0.0).sqrt();
        Found { estimate: linear(value, sd, 0.0), known: false }
    }
}

/// The weights of u'Hv on the upper triangle of H.
fn products(u: &[f64], v: &[f64]) -> Vec<f64> {
    let pairs: Vec<(f64, f64)> = u.iter().copied().zip(v.iter().copied()).collect();
    let row = |(i, (a, b)): (usize, &(f64, f64))| {
        let later = pairs.iter().skip(i.saturating_add(1)).map(|(c, d)| a * d + b * c);
        std::iter::once(a * b).chain(later).collect::<Vec<f64>>()
    };
    pairs.iter().enumerate().flat_map(row).collect()
}

fn symmetric(triangle: &[f64], d: usize) -> Option<Vec<Vec<f64>>> {
    let (mut upper, mut rest) = (Vec::new(), triangle);
    for i in 0..d {
        let (row, left) = rest.split_at_checked(d.checked_sub(i)?)?;
        upper.push(row);
        rest = left;
    }
    let entry = |i: usize, j: usize| upper.get(i.min(j))?.get(i.abs_diff(j)).copied();
    (0..d).map(|i| (0..d).map(|j| entry(i, j)).collect()).collect()
}

fn add_to_diagonal(matrix: &mut [Vec<f64>], what: impl Fn(usize) -> f64) {
    for (i, row) in matrix.iter_mut().enumerate() {
        if let Some(x) = row.get_mut(i) {
            *x += what(i);
        }
    }
}

fn shortened(step: Vec<f64>) -> Vec<f64> {
    let length = dot(&step, &step).sqrt();
    match length {
        l if l <= LONGEST => step,
        l if l.is_finite() => step.iter().map(|x| x * LONGEST / l).collect(),
        _ => vec![0.0; step.len()],
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(matrix: &[[f64; 2]; 2], right: [f64; 2], sigma: f64) -> System {
        System { right: right.into(), matrix: matrix.iter().map(|r| r.to_vec()).collect(), sigma }
    }

    #[test]
    fn the_triangle_is_read_row_by_row() {
        let full = symmetric(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3).unwrap();
        assert_eq!(full, [[1.0, 2.0, 3.0], [2.0, 4.0, 5.0], [3.0, 5.0, 6.0]]);
        assert_eq!(symmetric(&[1.0; 5], 3), None);
    }

    #[test]
    fn weights_on_the_triangle_give_the_form() {
        let (u, v, t) = ([1.0, -2.0, 3.0], [0.5, 4.0, -1.0], [2.0, 1.0, 0.5, 3.0, -1.0, 4.0]);
        let full = symmetric(&t, 3).unwrap();
        let form: f64 = u.iter().zip(&full).map(|(u, row)| u * dot(row, &v)).sum();
        assert!((dot(&products(&u, &v), &t) - form).abs() < 1e-12);
    }

    #[test]
    fn a_step_that_the_noise_may_have_made_is_damped_and_one_without_hold_is_not_taken() {
        let clear = system(&[[50.0, 0.0], [0.0, 20.0]], [5.0, 2.0], 1.0);
        assert_eq!(clear.safe_step(1.0, clear.solved().as_ref()), [0.1, 0.1]);
        // r = 2 * 10 * sqrt(2) = 28.3, above 20.
        let damped = clear.safe_step(10.0, clear.solved().as_ref());
        assert!(damped[0] < 0.1 && damped[1] < 0.05 && damped[1] > 0.0, "{damped:?}");
        let hidden = system(&[[50.0, 0.0], [0.0, -90.0]], [5.0, 2.0], 10.0);
        assert_eq!(hidden.safe_step(10.0, hidden.solved().as_ref()), [0.0, 0.0]);
    }

    #[test]
    fn a_step_is_never_longer_than_the_longest() {
        assert_eq!(shortened(vec![30.0, 40.0]), [6.0, 8.0]);
        assert_eq!(shortened(vec![6.0, 8.0]), [6.0, 8.0]);
        for wild in [f64::NAN, f64::INFINITY, f64::MAX] {
            let step = shortened(vec![wild, 1.0]);
            assert!(dot(&step, &step) <= 100.1, "{step:?}");
        }
    }

    #[test]
    fn what_the_noise_hides_is_not_known() {
        let hidden = system(&[[50.0, 0.0], [0.0, 20.0]], [5.0, 2.0], 11.0);
        assert_eq!(hidden.solved().and_then(|s| s.steps(false)), None, "20 is within 1.96 * 11 of 0");
        let rehearsed = hidden.solved().unwrap().steps(true).unwrap();
        let number = number(&Some(rehearsed[1]));
        assert_eq!((number.value, number.low95, number.shown), (Some(0.1), None, false));
        let clear = system(&[[50.0, 0.0], [0.0, 20.0]], [5.0, 2.0], 1.0);
        let seen = clear.solved().unwrap().steps(false).unwrap()[1].estimate;
        assert!((seen.value - 0.1).abs() < 1e-12 && seen.low95 < 0.01 && seen.high95 > 0.19);
    }
}
