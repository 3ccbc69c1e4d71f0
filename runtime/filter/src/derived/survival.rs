//! Kaplan-Meier curves, from a noised table of time intervals by {event, censored}.
//!
//! With d and c the noisy numbers of events and of censored patients of each interval, n_j, those at risk in interval j, is the
//! sum of d and c from j on, and S_j the product of (n_i - d_i) / n_i up to j. It ends where those at risk are within their noise.

use super::source::{Source, categories, edges, two};
use super::{At, Part, monotone};
use crate::figure::Number;
use crate::interval::{Estimate, Z95, linear};

/// For each group the median, the curve at the end of each interval, and those at risk at its start.
pub(crate) fn parts(source: &Source<'_>, event: &str) -> Vec<Part> {
    let axes = source.axes();
    let statuses = categories(axes.last());
    let (groups, times) = match axes {
        [groups, times, _] => (categories(Some(groups)), edges(Some(times))),
        [times, _] => (&[][..], edges(Some(times))),
        _ => return Vec::new(),
    };
    let ends: Vec<f64> = times.iter().skip(1).copied().collect();
    let starts: Vec<f64> = times.iter().take(ends.len()).copied().collect();
    let cells = ends.len().saturating_mul(2).max(1);
    let names = groups.iter().map(Some).chain(groups.is_empty().then_some(None));
    let curves = source.y.chunks(cells).zip(names);
    curves
        .flat_map(|(cells, group)| {
            let (died, censored) = two(cells, statuses, event);
            let curve = Curve::new(source, &died, &censored);
            [
                Part::one("median", curve.median(&ends)).of(group),
                Part::many("survival", At::Numbers(ends.clone()), curve.survival).of(group),
                Part::many("at_risk", At::Numbers(starts.clone()), curve.at_risk).of(group),
            ]
        })
        .collect()
}

struct Curve {
    survival: Vec<Number>,
    at_risk: Vec<Number>,
}

/// What is known of the curve up to one interval.
struct Steps {
    value: f64,
    /// Sum of 1 / (n - d) - 1 / n.
    slope: f64,
    /// Sum of the squared gradients of the log over the cells of the intervals so far.
    squares: f64,
}

impl Curve {
    fn new(source: &Source<'_>, died: &[f64], censored: &[f64]) -> Self {
        let sums = died.iter().zip(censored).rev().scan((0.0, 0.0), |(n, cells), (d, c)| {
            *n += d + c;
            *cells += 2.0;
            Some((*n, *cells))
        });
        let mut at_risk: Vec<(f64, f64)> = sums.collect();
        at_risk.reverse();
        let mut survival = survival(source, died, &at_risk);
        monotone::falling(&mut survival);
        let at_risk = at_risk.into_iter().map(|(n, cells)| counted(source, n, cells)).collect();
        Self { survival, at_risk }
    }

    /// The first end at which the curve is at or below one half, and likewise of the limits of its interval (Brookmeyer and
    /// Crowley 1982). The curve falls: once its upper limit is there, no later end opens the bound again, however wide the
    /// noise makes its interval.
    fn median(&self, ends: &[f64]) -> Number {
        let first = |of: fn(&Number) -> Option<f64>| {
            self.survival.iter().position(|n| of(n).is_some_and(|s| s <= 0.5))
        };
        let at = |i: Option<usize>| i.and_then(|i| ends.get(i)).copied();
        let shown = first(|n| n.value).and_then(|i| self.survival.get(i)).is_some_and(|n| n.shown);
        let (value, low95, high95) =
            (at(first(|n| n.value)), at(first(|n| n.low95)), at(first(|n| n.high95)));
        let sd = low95.zip(high95).map(|(low, high)| (high - low) / (2.0 * Z95));
        let display = value.filter(|_| shown);
        // Each is an edge of time, within the public range as it is.
        Number { value, sd, low95, high95, shown, display, display_low95: low95, display_high95: high95 }
    }
}

fn counted(source: &Source<'_>, n: f64, cells: f64) -> Number {
    let estimate = linear(n, source.sigma * cells.sqrt(), 0.0);
    Number::new(Some(estimate), n >= source.k, (0.0, source.n_pub))
}

/// The curve at the end of each interval, by the delta method.
///
/// On its own scale, not on that of its logarithm: the noise is as likely up as down wherever the curve stands. Those at risk
/// must lie two standard deviations of their noise above 0, and those who are left one. A stricter bound would make it worse:
/// it would let the draws pass in which the noise went up.
fn survival(source: &Source<'_>, died: &[f64], at_risk: &[(f64, f64)]) -> Vec<Number> {
    let mut steps = Some(Steps { value: 1.0, slope: 0.0, squares: 0.0 });
    let number = |(d, (n, cells)): (&f64, &(f64, f64))| {
        let noise = source.sigma * cells.sqrt();
        let enough = *n > 2.0 * noise && n - d > noise;
        steps = steps.take().filter(|_| enough).map(|before| before.after(*d, *n));
        let Some(now) = &steps else { return Number::UNKNOWN };
        // The cells of later intervals all move each n so far by one.
        let variance = now.squares + (cells - 2.0) * now.slope * now.slope;
        let estimate = Estimate::delta(now.value, now.value * source.sigma * variance.sqrt());
        Number::new(Some(estimate), *n >= source.k, (0.0, 1.0))
    };
    died.iter().zip(at_risk).map(number).collect()
}

impl Steps {
    /// With an event cell of this interval n grows by one and n - d does not; with a censored one both do.
    fn after(self, d: f64, n: f64) -> Self {
        let slope = self.slope + 1.0 / (n - d) - 1.0 / n;
        let event = self.slope - 1.0 / n;
        Self { value: self.value * (n - d) / n, slope, squares: self.squares + event * event + slope * slope }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each point 0.2 below its upper limit; of one without that nothing is known.
    fn median(limits: &[Option<f64>]) -> Number {
        let point = |high95: &Option<f64>| {
            let estimate = high95.map(|h| Estimate { value: h - 0.2, sd: 0.1, low95: h - 0.4, high95: h });
            Number::new(estimate, true, (0.0, 1.0))
        };
        Curve { survival: limits.iter().map(point).collect(), at_risk: vec![] }
            .median(&[90.0, 180.0, 365.0, 730.0])
    }

    #[test]
    fn an_upper_limit_below_one_half_bounds_the_median_whatever_comes_later() {
        let all = |n: Number| (n.low95, n.value, n.high95);
        let known = median(&[Some(0.9), Some(0.6), Some(0.4), None]);
        assert_eq!(all(known), (Some(90.0), Some(180.0), Some(365.0)));
        let wide = median(&[Some(0.9), Some(0.4), Some(0.8), None]);
        assert_eq!(all(wide), (Some(90.0), Some(180.0), Some(180.0)));
    }

    #[test]
    fn an_upper_limit_that_never_falls_to_one_half_leaves_the_median_open() {
        let open = median(&[Some(1.1), Some(0.9), Some(0.65), None]);
        assert_eq!((open.low95, open.value, open.high95), (Some(180.0), Some(365.0), None));
        assert!(open.shown && open.sd.is_none() && open.display == Some(365.0));
        assert_eq!(median(&[Some(0.9); 4]).value, None);
    }
}
