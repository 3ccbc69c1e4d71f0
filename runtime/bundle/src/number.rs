//! Numbers as a person reads them. The exact ones are in results.json and results.csv.

/// The longest text that `plain` writes, in bytes: a sign, 15 digits in groups, a point and six decimals.
#[cfg(test)]
pub(crate) const LONGEST: usize = 40;

/// How many decimals a value needs so that two digits of its noise are seen.
pub(crate) fn decimals(sd: f64) -> usize {
    if !(sd.is_finite() && sd > 0.0) {
        return 2;
    }
    // sd 5.0 -> 0, 0.2 -> 2, 0.013 -> 3: one digit of the noise before rounding, one after.
    let places = 1.0 - libm::floor(libm::log10(sd));
    [0_usize, 1, 2, 3, 4, 5, 6].into_iter().rev().find(|n| *n as f64 <= places).unwrap_or(0)
}

/// A value with that many decimals; very large and very small ones in scientific form; never `-0`.
pub(crate) fn plain(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "not a number".to_owned();
    }
    let size = libm::fabs(value);
    if size >= 1e15 || (size > 0.0 && size < 1e-6) {
        return format!("{value:.3e}").replace('-', "\u{2212}");
    }
    let text = format!("{value:.decimals$}");
    let zero = text.trim_start_matches('-').bytes().all(|b| b == b'0' || b == b'.');
    let text = if zero { text.trim_start_matches('-') } else { &text };
    grouped(text).replace('-', "\u{2212}")
}

/// Five digits and more before the point, in groups of three with a narrow space that does not break.
fn grouped(text: &str) -> String {
    let digits = text.find('.').unwrap_or(text.len());
    let negative = usize::from(text.starts_with('-'));
    if digits - negative < 5 {
        return text.to_owned();
    }
    let gap = |i: usize| i > negative && i < digits && (digits - i).is_multiple_of(3);
    text.char_indices().flat_map(|(i, c)| gap(i).then_some('\u{202f}').into_iter().chain([c])).collect()
}

/// A number that a manifest states, such as a bin edge: as short as it can be written.
pub(crate) fn short(value: f64) -> String {
    let size = libm::fabs(value);
    if size >= 1e15 || (size > 0.0 && size < 1e-6) {
        plain(value, 0)
    } else {
        format!("{value}").replace('-', "\u{2212}")
    }
}

/// Four digits, or all of those before the point; results.csv has the others.
pub(crate) fn four(value: f64) -> String {
    let size = libm::fabs(value);
    let places = if size > 0.0 { 3.0 - libm::floor(libm::log10(size)) } else { 0.0 };
    let decimals = (0_usize..=9).rev().find(|n| *n as f64 <= places).unwrap_or(0);
    plain(value, decimals)
}

/// A probability as a percentage that is never below the truth.
pub(crate) fn percent_up(probability: f64) -> String {
    format!("{:.1}", libm::ceil(probability * 1000.0) / 10.0)
}

/// The standard normal distribution function.
pub(crate) fn phi(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_shows_two_digits_of_its_noise() {
        for (sd, places) in [(5.0, 1), (0.2, 2), (0.013, 3), (120.0, 0), (0.0, 2), (f64::NAN, 2), (1e-30, 6)]
        {
            assert_eq!(decimals(sd), places, "decimals of noise {sd}");
        }
        assert_eq!(plain(198.26, decimals(5.0)), "198.3");
    }

    #[test]
    fn an_exact_number_is_told_with_four_digits_and_never_less_than_its_whole_part() {
        let told = [0.389_139_229_911, 26_762.4, -12.345_6, 0.0, 0.000_123_456, f64::NAN].map(four);
        let expected = ["0.3891", "26\u{202f}762", "\u{2212}12.35", "0", "0.0001235", "not a number"];
        assert_eq!(told, expected);
    }

    #[test]
    fn minus_zero_and_endless_digits_are_never_shown() {
        assert_eq!(plain(-0.0, 2), "0.00");
        assert_eq!(plain(-0.001, 2), "0.00");
        assert_eq!(plain(-1.5, 1), "\u{2212}1.5");
        assert_eq!(plain(f64::NAN, 2), "not a number");
        assert_eq!(plain(-12_502.25, 1), "\u{2212}12\u{202f}502.2");
        assert_eq!(
            (plain(1234.0, 0), plain(1_234_567.0, 0)),
            ("1234".into(), "1\u{202f}234\u{202f}567".into())
        );
        for value in [f64::MAX, f64::MIN, f64::MIN_POSITIVE, -999_999_999_999_999.0] {
            assert!(plain(value, 6).len() <= LONGEST + 3, "{} is too long", plain(value, 6));
            assert!(short(value).len() <= LONGEST, "{} is too long", short(value));
        }
    }

    #[test]
    fn the_normal_distribution_function_has_its_table_values() {
        for (x, p) in [(0.0, 0.5), (1.0, 0.841_344_746), (-1.96, 0.024_997_895)] {
            assert!((phi(x) - p).abs() < 1e-9);
        }
        assert_eq!(percent_up(0.5689), "56.9");
        assert_eq!(percent_up(0.569_01), "57.0");
    }
}
