//! Least squares, from noised moments.
//!
//! With z = (1, predictors) scaled, G the sums of z z' and g those of z y, the coefficients are G^-1 g. Each is the t that solves
//! w'(g - G b) = 0, where b holds t and the other coefficients and w is its row of the inverse: at the solution neither w nor
//! the others move that sum to first order, and it is linear in the noised moments, so that Fieller's interval holds for t.

use super::matrix::inverse;
use super::moments::{Moments, range};
use super::source::Source;
use super::{At, Part};
use crate::figure::Number;
use crate::interval::Estimate;
use trocar_terms::{Name, Variable};

/// The share of the variance that is explained, then the intercept and the coefficient of each predictor.
pub(crate) fn parts(source: &Source<'_>, outcome: &Name, predictors: &[Name]) -> Vec<Part> {
    let moments = Moments::new(source);
    let words = std::iter::once("intercept".to_owned()).chain(predictors.iter().map(Name::to_string));
    let fit = Fit::new(&moments, outcome, predictors);
    let explained = fit.as_ref().and_then(Fit::explained);
    let numbers = fit.and_then(|fit| fit.coefficients());
    let none = || vec![None; predictors.len().saturating_add(1)];
    let number = |e: Option<Estimate>| Number::new(e, moments.shown(), (f64::NEG_INFINITY, f64::INFINITY));
    vec![
        Part::one("r_squared", Number::new(explained, moments.shown(), (0.0, 1.0))),
        Part::many(
            "coefficient",
            At::Words(words.collect()),
            numbers.unwrap_or_else(none).into_iter().map(number).collect(),
        ),
    ]
}

/// A fit on the scaled variables.
struct Fit<'a> {
    moments: &'a Moments<'a>,
    outcome: &'a Variable,
    predictors: Vec<&'a Variable>,
    /// The outcome as weights of z.
    target: Vec<f64>,
    /// 1 and each predictor as weights of z.
    basis: Vec<Vec<f64>>,
    /// Coefficients of the basis.
    beta: Vec<f64>,
    inverse: Vec<Vec<f64>>,
}

impl<'a> Fit<'a> {
    /// `None` where the predictors cannot be told apart.
    fn new(moments: &'a Moments<'a>, outcome: &Name, predictors: &[Name]) -> Option<Self> {
        let find = |name: &Name| (1..).zip(moments.variables).find(|(_, v)| &v.name == name);
        let (at, outcome) = find(outcome)?;
        let found: Vec<(usize, &Variable)> = predictors.iter().map(find).collect::<Option<_>>()?;
        let target = moments.unit(at);
        let places = std::iter::once(0).chain(found.iter().map(|(i, _)| *i));
        let basis: Vec<Vec<f64>> = places.map(|i| moments.unit(i)).collect();
        let gram = |a: &Vec<f64>| basis.iter().map(|b| moments.sum(a, b)).collect::<Vec<_>>();
        let inverse = inverse(basis.iter().map(gram).collect())?;
        let right: Vec<f64> = basis.iter().map(|b| moments.sum(b, &target)).collect();
        let beta = inverse.iter().map(|row| dot(row, &right)).collect();
        let predictors = found.into_iter().map(|(_, v)| v).collect();
        Some(Self { moments, outcome, predictors, target, basis, beta, inverse })
    }

    /// In the units of the variables; all or none, since one that the noise hides spoils the others.
    fn coefficients(&self) -> Option<Vec<Option<Estimate>>> {
        let (centre, half) = range(self.outcome);
        let slopes = self.predictors.iter().zip(1..).map(|(predictor, k)| {
            let (_, own) = range(predictor);
            self.contrast(&self.unit(k), k).map(|e| e.scaled(half / own))
        });
        let slopes: Vec<Estimate> = slopes.collect::<Option<_>>()?;
        // Where all predictors are 0 in their own units, each is -centre / half of itself.
        let origin = self.predictors.iter().map(|p| range(p)).map(|(c, h)| -c / h);
        let origin: Vec<f64> = std::iter::once(1.0).chain(origin).collect();
        let intercept = self.contrast(&origin, 0)?.scaled(half).moved(centre);
        Some(std::iter::once(intercept).chain(slopes).map(Some).collect())
    }

    fn unit(&self, k: usize) -> Vec<f64> {
        (0..self.basis.len()).map(|i| f64::from(u8::from(i == k))).collect()
    }

    /// The sum of coefficients with weights `lambda`, of which number `k` is 1.
    fn contrast(&self, lambda: &[f64], k: usize) -> Option<Estimate> {
        let weights: Vec<f64> = self.inverse.iter().map(|row| dot(row, lambda)).collect();
        let w = self.combined(&weights);
        // b_k = t - (the rest of lambda'b): what is left of the outcome without t times predictor k.
        let rest = dot(lambda, &self.beta) - self.beta.get(k)?;
        let own = self.basis.get(k)?;
        let others: Vec<f64> =
            self.beta.iter().enumerate().map(|(i, b)| if i == k { -rest } else { *b }).collect();
        let left: Vec<f64> =
            self.target.iter().zip(self.combined(&others)).map(|(y, fitted)| y - fitted).collect();
        // w'G is lambda, so that the sum below the line is 1: all that it has to say is its noise.
        self.moments.ratio(&self.moments.form(&w, &left), &self.moments.form(&w, own))
    }

    fn combined(&self, weights: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.target.len()];
        for (weight, vector) in weights.iter().zip(&self.basis) {
            sum.iter_mut().zip(vector).for_each(|(s, v)| *s += weight * v);
        }
        sum
    }

    /// 1 - residual / total sum of squares; both are least at the noisy coefficients, so these move neither to first order.
    fn explained(&self) -> Option<Estimate> {
        let at = self.target.iter().position(|w| *w > 0.5)?;
        let centred = self.moments.centred(at, self.moments.mean(at)?.value);
        let residual: Vec<f64> =
            self.target.iter().zip(self.combined(&self.beta)).map(|(y, fitted)| y - fitted).collect();
        let total = self.moments.form(&centred, &centred);
        let left = self.moments.form(&residual, &residual);
        let explained: Vec<f64> = total.iter().zip(&left).map(|(t, l)| t - l).collect();
        self.moments.ratio(&explained, &total)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
