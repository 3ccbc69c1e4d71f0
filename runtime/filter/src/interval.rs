//! Step 9: what the noise leaves uncertain. Intervals cover the noise alone, 95 % of the time or more.
//!
//! Each noised coordinate is within `z sigma + 1` units of its sum with probability at least 95 %: the tail of the discrete
//! Gaussian at m lies below that of the Gaussian at m - 1 (Canonne, Kamath, Steinke 2020), and the 1 pays for that.
//! Not covered, and not knowable from here: clamping, clipping, and patients whose guest failed.

/// The two-sided 95 % point of the normal distribution, rounded up.
pub(crate) const Z95: f64 = 1.959_964;

/// A number with the interval that the noise leaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    pub(crate) sd: f64,
    pub(crate) low95: f64,
    pub(crate) high95: f64,
}

/// A number that is linear in the noised coordinates; `step` is what one unit of each adds up to.
pub(crate) fn linear(value: f64, sd: f64, step: f64) -> Estimate {
    let half = Z95 * sd + step;
    Estimate { value, sd, low95: value - half, high95: value + half }
}

/// `a / b` where both carry independent noise of `sigma`: Fieller's interval, exact for a ratio of Gaussians.
///
/// It is the set of all t with `(a - t b)^2 <= z^2 sigma^2 (1 + t^2)`. `None` where that set is unbounded: b does not
/// differ from 0 by more than its noise, so the ratio is not known at all. The standard deviation is the delta method's.
pub(crate) fn ratio(a: f64, b: f64, sigma: f64) -> Option<Estimate> {
    let g = (Z95 * sigma + 1.0).powi(2);
    let denominator = b * b - g;
    if b <= 0.0 || denominator <= 0.0 {
        return None;
    }
    let (value, middle) = (a / b, a * b / denominator);
    let half = (g * (a * a + denominator)).sqrt() / denominator;
    let sd = sigma * (1.0 + value * value).sqrt() / b;
    Some(Estimate { value, sd, low95: middle - half, high95: middle + half })
}

/// `a / b` where both are linear in noised coordinates: Fieller's interval with the variances of both and their
/// covariance, `[aa, ab, bb]`. `None` as for [`ratio`].
pub(crate) fn fieller(a: f64, b: f64, [aa, ab, bb]: [f64; 3]) -> Option<Estimate> {
    let z2 = Z95 * Z95;
    let leading = b * b - z2 * bb;
    let known = b > 0.0 && leading > 0.0;
    if !known {
        return None;
    }
    let (value, middle) = (a / b, a * b - z2 * ab);
    // Not negative but for rounding: the value itself is always in the set.
    let half = (middle * middle - leading * (a * a - z2 * aa)).max(0.0).sqrt();
    let sd = (aa - 2.0 * value * ab + value * value * bb).max(0.0).sqrt() / b;
    let (low95, high95) = ((middle - half) / leading, (middle + half) / leading);
    Some(Estimate { value, sd, low95: low95.min(value), high95: high95.max(value) })
}

impl Estimate {
    /// The interval of the delta method: z standard deviations to either side.
    pub(crate) fn delta(value: f64, sd: f64) -> Self {
        Self { value, sd, low95: value - Z95 * sd, high95: value + Z95 * sd }
    }

    /// In another unit; `by` may be negative.
    pub(crate) fn scaled(self, by: f64) -> Self {
        let (a, b) = (self.low95 * by, self.high95 * by);
        Self { value: self.value * by, sd: self.sd * by.abs(), low95: a.min(b), high95: a.max(b) }
    }

    /// From another origin.
    pub(crate) fn moved(self, by: f64) -> Self {
        Self { value: self.value + by, low95: self.low95 + by, high95: self.high95 + by, ..self }
    }

    /// With an interval that is wider at both ends.
    pub(crate) fn widened(self, below: f64, above: f64) -> Self {
        Self { low95: self.low95 - below, high95: self.high95 + above, ..self }
    }

    /// Half the width of the interval.
    pub(crate) fn half(&self) -> f64 {
        (self.high95 - self.low95) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fieller_without_covariance_is_the_interval_of_a_ratio() {
        let (a, b, sigma) = (300.0, 900.0, 40.0);
        let v = (sigma + 1.0 / Z95).powi(2);
        let (one, other) = (ratio(a, b, sigma).unwrap(), fieller(a, b, [v, 0.0, v]).unwrap());
        assert!((one.low95 - other.low95).abs() < 1e-9 && (one.high95 - other.high95).abs() < 1e-9);
        assert_eq!(fieller(1.0, 1.0, [0.0, 0.0, 1.0]), None, "b is within its noise of 0");
    }

    #[test]
    fn a_part_that_is_the_whole_is_one_without_doubt() {
        let e = fieller(500.0, 500.0, [9.0, 9.0, 9.0]).unwrap();
        assert!((e.low95 - 1.0).abs() < 1e-6 && (e.high95 - 1.0).abs() < 1e-6 && e.sd < 1e-6);
    }

    #[test]
    fn fiellers_limits_solve_its_equation() {
        let (a, b, sigma) = (300.0, 900.0, 40.0);
        let e = ratio(a, b, sigma).unwrap();
        for t in [e.low95, e.high95] {
            let (left, right) = ((a - t * b).powi(2), (Z95 * sigma + 1.0).powi(2) * (1.0 + t * t));
            assert!((left / right - 1.0).abs() < 1e-9, "{t}");
        }
        assert!(e.low95 < e.value && e.value < e.high95);
    }

    #[test]
    fn a_ratio_to_next_to_nothing_has_no_interval() {
        assert_eq!(ratio(5.0, 70.0, 40.0), None, "b is within its noise of 0");
        assert_eq!(ratio(5.0, -900.0, 40.0), None);
    }

    #[test]
    fn a_certain_ratio_has_a_narrow_interval() {
        let e = ratio(3e9, 4e9, 10.0).unwrap();
        assert!(e.high95 - e.low95 < 2e-8 && (e.value - 0.75).abs() < 1e-12);
    }
}
