//! Means, covariances and correlations, from noised moments. Divided by the number of patients, as a variance is.

use super::moments::{Moments, range};
use super::source::Source;
use super::{At, Part};
use crate::figure::Number;
use crate::interval::Estimate;
use trocar_terms::Variable;

/// The mean of each variable, then covariance and correlation of each two, the upper triangle row by row.
pub(crate) fn parts(source: &Source<'_>) -> Vec<Part> {
    let moments = Moments::new(source);
    let means: Vec<Option<Estimate>> = (1..=moments.variables.len()).map(|i| moments.mean(i)).collect();
    let words = At::Words(moments.variables.iter().map(|v| v.name.to_string()).collect());
    let entries: Vec<Entry<'_>> = moments
        .variables
        .iter()
        .zip(&means)
        .zip(1..)
        .map(|((variable, mean), i)| Entry::new(&moments, variable, *mean, i))
        .collect();
    let two = |from: usize| entries.iter().skip(from);
    let both = || entries.iter().enumerate().flat_map(|(i, a)| two(i).map(move |b| (a, b)));
    let apart =
        || entries.iter().enumerate().flat_map(|(i, a)| two(i.saturating_add(1)).map(move |b| (a, b)));
    let named = |(a, b): (&Entry<'_>, &Entry<'_>)| format!("{}, {}", a.variable.name, b.variable.name);
    let mut parts = vec![
        Part::many("mean", words, entries.iter().map(|e| e.mean(moments.shown())).collect()),
        Part::many(
            "covariance",
            At::Words(both().map(named).collect()),
            both().map(|(a, b)| covariance(&moments, a, b)).collect(),
        ),
    ];
    if entries.len() > 1 {
        let words = At::Words(apart().map(named).collect());
        parts.push(Part::many(
            "correlation",
            words,
            apart().map(|(a, b)| correlation(&moments, a, b)).collect(),
        ));
    }
    parts
}

/// One variable.
struct Entry<'a> {
    variable: &'a Variable,
    scaled_mean: Option<Estimate>,
    /// The variable less its noisy mean, as weights of z.
    centred: Vec<f64>,
}

impl<'a> Entry<'a> {
    fn new(moments: &Moments<'_>, variable: &'a Variable, mean: Option<Estimate>, i: usize) -> Self {
        Self { variable, scaled_mean: mean, centred: moments.centred(i, mean.map_or(0.0, |m| m.value)) }
    }

    fn mean(&self, shown: bool) -> Number {
        let (centre, half) = range(self.variable);
        let mean = self.scaled_mean.map(|m| m.scaled(half).moved(centre));
        Number::new(mean, shown, (self.variable.lower, self.variable.upper))
    }
}

/// As for a variance: exact for the noisy means, which differ from the true ones by no more than their own intervals.
fn covariance(moments: &Moments<'_>, a: &Entry<'_>, b: &Entry<'_>) -> Number {
    let ((_, half_a), (_, half_b)) = (range(a.variable), range(b.variable));
    let same = a.variable.name == b.variable.name;
    let estimate = scaled(moments, a, b).zip(a.scaled_mean.zip(b.scaled_mean)).map(|(e, (x, y))| {
        let off = x.half() * y.half();
        e.widened(off, if same { 0.0 } else { off }).scaled(half_a * half_b)
    });
    let most = half_a * half_b;
    Number::new(estimate, moments.shown(), (if same { 0.0 } else { -most }, most))
}

fn scaled(moments: &Moments<'_>, a: &Entry<'_>, b: &Entry<'_>) -> Option<Estimate> {
    let one = moments.unit(0);
    moments.ratio(&moments.form(&a.centred, &b.centred), &moments.form(&one, &one))
}

fn correlation(moments: &Moments<'_>, a: &Entry<'_>, b: &Entry<'_>) -> Number {
    Number::new(correlated(moments, a, b), moments.shown(), (-1.0, 1.0))
}

/// `2 cov / (x y)^(1/2)` over `var a / x + var b / y`, where x and y are the noisy variances: a ratio of two sums, in which an
/// error of x or y drops out to first order. `None` where a variance does not differ from 0 by more than its noise.
fn correlated(moments: &Moments<'_>, a: &Entry<'_>, b: &Entry<'_>) -> Option<Estimate> {
    let (x, y) = (scaled(moments, a, a)?, scaled(moments, b, b)?);
    if x.low95 <= 0.0 || y.low95 <= 0.0 {
        return None;
    }
    let (x, y) = (x.value, y.value);
    let both = moments.form(&a.centred, &b.centred);
    let (own_a, own_b) = (moments.form(&a.centred, &a.centred), moments.form(&b.centred, &b.centred));
    let above: Vec<f64> = both.iter().map(|w| 2.0 * w / (x * y).sqrt()).collect();
    let below: Vec<f64> = own_a.iter().zip(&own_b).map(|(v, w)| v / x + w / y).collect();
    moments.ratio(&above, &below)
}
