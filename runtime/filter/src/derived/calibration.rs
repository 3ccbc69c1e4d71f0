//! Observed against predicted, from a noised table of predictions in bins by two labels.

use super::source::{Pair, Source, categories, edges, two};
use super::{At, Part};
use crate::digits::fixed;
use crate::figure::Number;

/// Observed less predicted over all, then the observed share at the middle of each bin, which stands for the predictions in it.
pub(crate) fn parts(source: &Source<'_>, positive: &str) -> Vec<Part> {
    let axes = source.axes();
    let (with, without) = two(&source.y, categories(axes.last()), positive);
    let edges = edges(axes.first());
    let middles: Vec<f64> =
        edges.iter().zip(edges.iter().skip(1)).map(|(a, b)| fixed(a.midpoint(*b))).collect();
    let observed = with
        .iter()
        .zip(&without)
        .map(|(a, b)| source.proportion(&Pair { a: *a, b: a + b, aa: 1.0, ab: 1.0, bb: 2.0 }));
    let observed = observed.collect();
    let gap = gap(source, &middles, &with, &without);
    vec![Part::one("observed_less_predicted", gap), Part::many("observed", At::Numbers(middles), observed)]
}

/// Calibration in the large: a patient with the event adds 1 - prediction, one without adds -prediction.
fn gap(source: &Source<'_>, middles: &[f64], with: &[f64], without: &[f64]) -> Number {
    let zero = Pair { a: 0.0, b: 0.0, aa: 0.0, ab: 0.0, bb: 0.0 };
    let add = |sum: Pair, (m, (yes, no)): (&f64, (&f64, &f64))| Pair {
        a: sum.a + yes * (1.0 - m) - no * m,
        b: sum.b + yes + no,
        aa: sum.aa + (1.0 - m).powi(2) + m * m,
        ab: sum.ab + 1.0 - 2.0 * m,
        bb: sum.bb + 2.0,
    };
    let pair = middles.iter().zip(with.iter().zip(without)).fold(zero, add);
    Number::new(source.share(&pair), pair.b >= source.k, (-1.0, 1.0))
}
