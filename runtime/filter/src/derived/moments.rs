//! The noised moments as forms: z = (1, u_1, .., u_p) with each u scaled to [-1, 1], and sums over patients of (s'z)(t'z).

use super::source::{Pair, Source};
use crate::interval::Estimate;
use trocar_terms::{Kind, Variable};

/// The places of the upper triangle of z z', row by row: the order of the coordinates.
pub(crate) fn pairs(variables: usize) -> Vec<(usize, usize)> {
    (0..=variables).flat_map(|i| (i..=variables).map(move |j| (i, j))).collect()
}

/// Moments to compute with.
pub(crate) struct Moments<'a> {
    pub(crate) source: &'a Source<'a>,
    pub(crate) variables: &'a [Variable],
    pairs: Vec<(usize, usize)>,
}

impl<'a> Moments<'a> {
    pub(crate) fn new(source: &'a Source<'a>) -> Self {
        let variables = if let Kind::Moments { variables } = source.kind { variables } else { &[][..] };
        Self { source, variables, pairs: pairs(variables.len()) }
    }

    /// The number of patients with all variables, noisy.
    pub(crate) fn patients(&self) -> f64 {
        self.source.y.first().copied().unwrap_or(0.0)
    }

    /// Whether they are enough to be shown.
    pub(crate) fn shown(&self) -> bool {
        self.patients() >= self.source.k
    }

    /// z without any but entry `i`.
    pub(crate) fn unit(&self, i: usize) -> Vec<f64> {
        (0..=self.variables.len()).map(|j| f64::from(u8::from(i == j))).collect()
    }

    /// The weights on the coordinates of the sum of (s'z)(t'z). Squares were lowered by 1/2, which the count gives back.
    pub(crate) fn form(&self, s: &[f64], t: &[f64]) -> Vec<f64> {
        let at = |v: &[f64], i: usize| v.get(i).copied().unwrap_or(0.0);
        let squares: f64 = s.iter().zip(t).skip(1).map(|(x, y)| x * y).sum();
        let weight = |(i, j): &(usize, usize)| match (*i, *j) {
            (0, 0) => at(s, 0) * at(t, 0) + squares / 2.0,
            (i, j) if i == j => at(s, i) * at(t, i),
            (i, j) => at(s, i) * at(t, j) + at(s, j) * at(t, i),
        };
        self.pairs.iter().map(weight).collect()
    }

    /// The sum of (s'z)(t'z).
    pub(crate) fn sum(&self, s: &[f64], t: &[f64]) -> f64 {
        self.form(s, t).iter().zip(&self.source.y).map(|(w, y)| w * y).sum()
    }

    /// The ratio of two forms.
    pub(crate) fn ratio(&self, a: &[f64], b: &[f64]) -> Option<Estimate> {
        let pair: Pair = self.source.weighted(a, b);
        self.source.share(&pair)
    }

    /// The mean of variable `i` (from 1), scaled.
    pub(crate) fn mean(&self, i: usize) -> Option<Estimate> {
        let one = self.unit(0);
        self.ratio(&self.form(&self.unit(i), &one), &self.form(&one, &one))
    }

    /// Variable `i` less its noisy mean.
    pub(crate) fn centred(&self, i: usize, mean: f64) -> Vec<f64> {
        self.unit(i).into_iter().zip(self.unit(0)).map(|(own, one)| own - mean * one).collect()
    }
}

/// The midpoint of a variable's range, and half of it.
pub(crate) fn range(variable: &Variable) -> (f64, f64) {
    (variable.lower.midpoint(variable.upper), variable.upper / 2.0 - variable.lower / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_the_upper_triangle_row_by_row() {
        assert_eq!(pairs(2), [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]);
    }
}
