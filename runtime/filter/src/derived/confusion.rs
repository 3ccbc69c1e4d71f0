//! Agreement of truth and prediction, from a noised table of both.

use super::source::{Source, categories};
use super::{At, Part};
use crate::figure::Number;

/// The share on the diagonal, then for each class its sensitivity, specificity, predictive values and F1.
pub(crate) fn parts(source: &Source<'_>) -> Vec<Part> {
    let classes = categories(source.axes().first());
    let k = classes.len();
    let accuracy = ratio(source, k, |t, p| f(t == p), |_, _| 1.0);
    let at = || At::Words(classes.to_vec());
    let each = |number: &dyn Fn(usize) -> Number| (0..k).map(number).collect::<Vec<_>>();
    vec![
        Part::one("accuracy", accuracy),
        Part::many("sensitivity", at(), each(&|c| ratio(source, k, hit(c), |t, _| f(t == c)))),
        Part::many("specificity", at(), each(&|c| ratio(source, k, miss(c), |t, _| f(t != c)))),
        Part::many("positive_predictive_value", at(), each(&|c| ratio(source, k, hit(c), |_, p| f(p == c)))),
        Part::many("negative_predictive_value", at(), each(&|c| ratio(source, k, miss(c), |_, p| f(p != c)))),
        Part::many(
            "f1",
            at(),
            each(&|c| ratio(source, k, |t, p| 2.0 * hit(c)(t, p), |t, p| f(t == c) + f(p == c))),
        ),
    ]
}

fn f(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn hit(class: usize) -> impl Fn(usize, usize) -> f64 {
    move |t, p| f(t == class && p == class)
}

fn miss(class: usize) -> impl Fn(usize, usize) -> f64 {
    move |t, p| f(t != class && p != class)
}

/// The ratio of two weighted sums over the cells (truth, prediction) of k classes.
fn ratio(
    source: &Source<'_>,
    k: usize,
    a: impl Fn(usize, usize) -> f64,
    b: impl Fn(usize, usize) -> f64,
) -> Number {
    let cells = || (0..k).flat_map(|t| (0..k).map(move |p| (t, p)));
    let (a, b): (Vec<f64>, Vec<f64>) = cells().map(|(t, p)| (a(t, p), b(t, p))).unzip();
    source.proportion(&source.weighted(&a, &b))
}
