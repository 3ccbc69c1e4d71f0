//! A claim about noise: with it the guest guesses right no more often than the bound, without it always, and with less of it
//! more often, so that the test is known to bite.

use super::estimate::{Fact, Noise, bound};
use super::row::Row;

/// What is tried and what it may reach.
#[derive(Debug)]
pub struct Claim<'a> {
    /// The row's name, as [`Row::name`].
    pub name: &'a str,
    pub guest: &'a str,
    pub tries: &'a str,
    /// The bound in words.
    pub bound: &'a str,
    pub fact: Fact,
    /// Of all that is released together.
    pub mu: f64,
    pub trials: u32,
    /// Trials without noise.
    pub sure: u32,
}

impl Claim<'_> {
    /// `right` is the share of right guesses over so many trials. Writes the row, and fails where the claim does not hold.
    #[track_caller]
    pub fn holds(&self, right: impl Fn(Noise, u32) -> f64) {
        let Self { name, guest, tries, bound: words, fact, mu, trials, sure } = *self;
        assert_eq!(right(Noise::Off, sure), 1.0, "without noise the guest must always succeed");
        let bar = bound(fact, mu, trials);
        let weak = right(Noise::Weak, trials);
        assert!(weak > bar, "sigma / 1.25 passed: {weak} against {bar}");
        let value = right(Noise::Real, trials);
        Row {
            name,
            guest,
            tries,
            bound: words,
            measured: format!("{value:.4} of {trials} guesses right; sigma / 1.25: {weak:.4}"),
            noise_off: "100 %",
            value,
            unit: "share of right guesses",
            bar,
        }
        .holds();
    }
}
