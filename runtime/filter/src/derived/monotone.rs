//! For the eye alone: curves that cannot fall, or cannot rise, are drawn so. What is computed is left as it is.

use crate::figure::Number;

/// Makes what is displayed rise along the list, by isotonic regression with equal weights.
pub(crate) fn rising(numbers: &mut [Number]) {
    let shown: Vec<f64> = numbers.iter().filter_map(|n| n.display).collect();
    let places = numbers.iter_mut().filter_map(|n| n.display.as_mut());
    places.zip(isotonic(&shown)).for_each(|(place, value)| *place = value);
}

/// Makes what is displayed fall along the list.
pub(crate) fn falling(numbers: &mut [Number]) {
    numbers.reverse();
    rising(numbers);
    numbers.reverse();
}

/// Pools adjacent violators.
fn isotonic(values: &[f64]) -> Vec<f64> {
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for value in values {
        let mut next = (*value, 1_usize);
        while let Some((mean, count)) = pools.last().copied().filter(|(mean, _)| *mean > next.0) {
            let all = count.saturating_add(next.1);
            next = ((mean * count as f64 + next.0 * next.1 as f64) / all as f64, all);
            pools.pop();
        }
        pools.push(next);
    }
    pools.into_iter().flat_map(|(mean, count)| std::iter::repeat_n(mean, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_that_fall_are_pooled() {
        assert_eq!(isotonic(&[1.0, 3.0, 2.0, 4.0]), [1.0, 2.5, 2.5, 4.0]);
        assert_eq!(isotonic(&[3.0, 2.0, 1.0]), [2.0; 3]);
        assert_eq!(isotonic(&[]), Vec::<f64>::new());
    }
}
