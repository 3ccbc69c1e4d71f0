//! From numbers to pixels.

/// A straight axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    first: i32,
    last: i32,
}

impl Scale {
    /// Maps `low..=high` to the pixels `first..=last`; a range that is empty or not finite becomes 0..=1.
    pub(super) fn new(low: f64, high: f64, first: i32, last: i32) -> Self {
        let usable = low.is_finite() && high.is_finite() && (high - low).is_finite() && high > low;
        let (low, high) = if usable { (low, high) } else { (0.0, 1.0) };
        Self { low, high, first, last }
    }

    /// The pixel of a value, held inside the axis.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a share of an axis that is a few hundred pixels long"
    )]
    pub(super) fn at(&self, value: f64) -> i32 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        let share = if share.is_nan() { 0.0 } else { share };
        let pixels = f64::from(self.last - self.first);
        self.first + (share * pixels).round() as i32
    }

    /// The first and the last pixel.
    pub(super) const fn ends(&self) -> (i32, i32) {
        (self.first, self.last)
    }

    /// Round values along the axis, about `wanted` of them and never more than twice as many.
    pub(super) fn ticks(&self, wanted: u32) -> Vec<f64> {
        let step = step((self.high - self.low) / f64::from(wanted));
        let first = (self.low / step).ceil();
        let all = (0..=2 * wanted).map(|i| (first + f64::from(i)) * step);
        all.take_while(|v| *v <= self.high + step * 1e-9).filter(|v| v.is_finite()).collect()
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `rough`.
fn step(rough: f64) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(rough)));
    let step = [1.0, 2.0, 5.0].into_iter().map(|m| m * power).find(|s| *s >= rough);
    step.unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_on_round_numbers() {
        assert_eq!(Scale::new(0.0, 48.0, 0, 100).ticks(5), [0.0, 10.0, 20.0, 30.0, 40.0]);
        assert_eq!(Scale::new(-3.0, 7.0, 0, 100).ticks(5), [-2.0, 0.0, 2.0, 4.0, 6.0]);
    }

    #[test]
    fn no_range_of_numbers_makes_an_endless_axis() {
        let odd =
            [0.0, 1.0, -1.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY, 1e18, 5e-324];
        for low in odd {
            for high in odd {
                let scale = Scale::new(low, high, 10, 90);
                assert!(scale.ticks(5).len() <= 11, "too many ticks from {low} to {high}");
                assert!(odd.iter().all(|v| (10..=90).contains(&scale.at(*v))));
            }
        }
    }
}
