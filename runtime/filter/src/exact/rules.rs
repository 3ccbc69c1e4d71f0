//! The rules of PRIVACY.md section 6, each a pure function on exact integers. No floating point decides anything here.

use serde::{Deserialize, Serialize};

/// Released counts are multiples of this.
pub const ROUNDING: u32 = 5;
/// Most levels of one axis.
pub const MOST_LEVELS: u64 = 40;
/// Fewest residual degrees of freedom of a model.
pub const LEAST_RESIDUAL: u64 = 10;

/// What the rules say of one number. Only `Shown` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// No rule speaks against it.
    Shown,
    /// Fewer than k patients stand behind it, or on one side of it.
    TooFew,
    /// The two largest contributions are 90 % of the total or more.
    TopTwo,
    /// All others together are below 10 % of the largest contribution.
    PRatio,
    /// It could be told from the others: with it, the cells that are not shown would hold fewer than k patients.
    Complement,
    /// More levels than 40 an axis, or more cells than 0.33 n.
    Levels,
    /// Residual degrees of freedom below 10, or more parameters than 0.33 n.
    Model,
}

/// Absolute contributions to one sum, in grid units: the evidence of the dominance rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weight {
    /// How many patients contributed.
    pub n: u64,
    /// The sum of the absolute contributions.
    pub total: u128,
    /// The largest of them.
    pub top1: u64,
    /// The second largest.
    pub top2: u64,
}

/// A cell of a count, table or histogram: empty, or k patients or more.
///
/// A cell is a sum of weights in 0..=1. Where they are 0 and 1 the dominance rules never speak; where a guest returns
/// shares they do.
#[must_use]
pub fn cell(weight: &Weight, k: u32) -> Verdict {
    if weight.n == 0 { Verdict::Shown } else { sum(weight, k) }
}

/// A sum, mean or variance: k patients or more, and not dominated.
#[must_use]
pub fn sum(weight: &Weight, k: u32) -> Verdict {
    if weight.n < u64::from(k) {
        Verdict::TooFew
    } else if top_two(weight) {
        Verdict::TopTwo
    } else if p_ratio(weight) {
        Verdict::PRatio
    } else {
        Verdict::Shown
    }
}

/// `(top1 + top2) / total >= 0.90`. Nothing dominates a total of 0.
#[must_use]
pub fn top_two(weight: &Weight) -> bool {
    let top = u128::from(weight.top1).saturating_add(u128::from(weight.top2));
    // A total over 2^124 cannot be held against 90 %: taken as dominated.
    let nine = weight.total.checked_mul(9);
    weight.total > 0 && nine.is_none_or(|nine| top.saturating_mul(10) >= nine)
}

/// `(total - top1 - top2) / top1 < 0.10`. With a largest contribution of 0 all are 0, the ratio is not defined, and the
/// sum would tell every value: refused.
#[must_use]
pub fn p_ratio(weight: &Weight) -> bool {
    let top = u128::from(weight.top1).saturating_add(u128::from(weight.top2));
    let rest = weight.total.saturating_sub(top);
    weight.top1 == 0 || rest.saturating_mul(10) < u128::from(weight.top1)
}

/// At most 40 levels an axis.
#[must_use]
pub fn levels(axis: u64) -> bool {
    axis <= MOST_LEVELS
}

/// At most a third, exactly 0.33, as many as patients: cells of a table, parameters of a model.
#[must_use]
pub fn third(many: u64, n: u64) -> bool {
    u128::from(many).saturating_mul(100) <= u128::from(n).saturating_mul(33)
}

/// A regression or correlation of so many parameters on `n` patients.
#[must_use]
pub fn model(parameters: u64, n: u64) -> Verdict {
    let enough = n.checked_sub(parameters).is_some_and(|residual| residual >= LEAST_RESIDUAL);
    if enough && third(parameters, n) { Verdict::Shown } else { Verdict::Model }
}

/// Rounded to the nearest multiple of [`ROUNDING`], half up. `units` is how many make one patient.
#[must_use]
pub fn rounded(sum: u128, units: u64) -> u64 {
    let base = u128::from(units.max(1)).saturating_mul(u128::from(ROUNDING));
    let fives = sum.saturating_add(base >> 1).checked_div(base).unwrap_or(0);
    u64::try_from(fives).unwrap_or(u64::MAX / 8).saturating_mul(u64::from(ROUNDING))
}

/// Which edge the quantile `probability` of binned patients is, counted from 0, and whether k patients stand on each
/// side of it; `None` where nobody is in any bin.
///
/// The edge is the first below which the share `probability` of the patients lies: never a value of anyone.
#[must_use]
pub fn quantile(counts: &[u64], probability: f64, k: u32) -> Option<(usize, Verdict)> {
    let n = counts.iter().fold(0_u64, |sum, c| sum.saturating_add(*c));
    if n == 0 {
        return None;
    }
    let mut below = 0_u64;
    for (edge, count) in (1..).zip(counts) {
        below = below.saturating_add(*count);
        // 2^53 patients would be needed for this to round.
        if below as f64 >= probability * n as f64 {
            return Some((edge, sides(below, n.saturating_sub(below), k)));
        }
    }
    Some((counts.len(), Verdict::TooFew))
}

fn sides(below: u64, above: u64, k: u32) -> Verdict {
    if below.min(above) >= u64::from(k) { Verdict::Shown } else { Verdict::TooFew }
}

/// One interval of a survival curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// How many of the given intervals it spans.
    pub spans: usize,
    /// Patients at risk at its begin.
    pub at_risk: u64,
    /// Events within.
    pub events: u64,
}

/// Survival: `(at risk, events)` of consecutive intervals, merged until each has no event or k, and cut where fewer than k
/// are at risk. Events that no later interval brings to k are left out with their intervals.
#[must_use]
pub fn survival(intervals: &[(u64, u64)], k: u32) -> Vec<Interval> {
    let k = u64::from(k);
    let mut merged = Vec::new();
    let mut open: Option<Interval> = None;
    for (at_risk, events) in intervals.iter().take_while(|(at_risk, _)| *at_risk >= k) {
        let mut next = open.take().unwrap_or(Interval { spans: 0, at_risk: *at_risk, events: 0 });
        next.spans = next.spans.saturating_add(1);
        next.events = next.events.saturating_add(*events);
        if next.events == 0 || next.events >= k {
            merged.push(next);
        } else {
            open = Some(next);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(values: &[u64]) -> Weight {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let top = |i: usize| sorted.len().checked_sub(i).and_then(|at| sorted.get(at)).copied().unwrap_or(0);
        let total = values.iter().map(|v| u128::from(*v)).sum();
        Weight { n: values.len() as u64, total, top1: top(1), top2: top(2) }
    }

    #[test]
    fn a_cell_is_empty_or_has_k_patients() {
        let ones = |n: usize| weight(&vec![1; n]);
        let verdicts = [0, 1, 9, 10, 200].map(|n| cell(&ones(n), 10));
        use Verdict::{Shown, TooFew};
        assert_eq!(verdicts, [Shown, TooFew, TooFew, Shown, Shown]);
    }

    #[test]
    fn a_sum_is_refused_from_exactly_90_percent_on() {
        // 10 patients; the two largest hold 45 + 45 of 100, then of 101.
        let at = |rest: &[u64]| top_two(&weight(&[&[45, 45], rest].concat()));
        assert!(at(&[2, 2, 1, 1, 1, 1, 1, 1]), "exactly 90 %");
        assert!(!at(&[2, 2, 2, 1, 1, 1, 1, 1]), "90 of 101");
    }

    #[test]
    fn the_p_ratio_is_refused_below_exactly_10_percent() {
        let at = |rest: u64| p_ratio(&weight(&[1000, 900, rest]));
        assert_eq!((at(99), at(100)), (true, false));
        assert!(p_ratio(&weight(&[0, 0, 0])), "all zero tells every value");
    }

    #[test]
    fn contributions_near_the_end_of_their_range_are_held_against_the_rules_exactly() {
        let huge = Weight { n: 100, total: u128::MAX, top1: u64::MAX, top2: u64::MAX };
        assert_eq!(sum(&huge, 10), Verdict::TopTwo, "what cannot be compared is refused");
        let even = Weight { n: 100, total: u128::from(u64::MAX) * 100, top1: u64::MAX, top2: u64::MAX };
        assert_eq!(sum(&even, 10), Verdict::Shown);
    }

    #[test]
    fn a_model_needs_ten_residual_degrees_and_three_patients_a_parameter() {
        assert_eq!((model(3, 12), model(3, 13)), (Verdict::Model, Verdict::Shown));
        assert_eq!((model(34, 100), model(33, 100)), (Verdict::Model, Verdict::Shown));
        assert_eq!(model(5, 4), Verdict::Model);
    }

    #[test]
    fn counts_are_rounded_to_the_nearest_five() {
        let all = [0_u128, 2, 3, 7, 8, 10, 12, 13].map(|n| rounded(n * 256, 256));
        assert_eq!(all, [0, 0, 5, 5, 10, 10, 10, 15]);
        assert_eq!((rounded(639, 256), rounded(640, 256)), (0, 5), "2.5 patients round up");
    }

    #[test]
    fn a_quantile_is_an_edge_with_k_patients_on_each_side() {
        let counts = [10, 30, 30, 9, 1];
        assert_eq!(quantile(&counts, 0.5, 10), Some((2, Verdict::Shown)));
        assert_eq!(quantile(&counts, 0.9, 10), Some((4, Verdict::TooFew)), "one patient lies above");
        assert_eq!(quantile(&counts, 0.01, 11), Some((1, Verdict::TooFew)), "ten lie below");
        assert_eq!(quantile(&counts, 1.0, 10), Some((5, Verdict::TooFew)));
        assert_eq!((quantile(&[0, 0], 0.5, 10), quantile(&[], 0.5, 10)), (None, None));
    }

    #[test]
    fn survival_merges_events_until_k_and_stops_where_fewer_than_k_are_at_risk() {
        let merged = survival(&[(40, 4), (36, 7), (29, 0), (29, 3), (26, 2), (9, 9)], 10);
        let expected =
            [Interval { spans: 2, at_risk: 40, events: 11 }, Interval { spans: 1, at_risk: 29, events: 0 }];
        assert_eq!(merged, expected, "five events of the last two intervals are fewer than k");
        assert!(survival(&[(9, 0)], 10).is_empty());
    }
}
