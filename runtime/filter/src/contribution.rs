//! What a guest returned for one patient, and the wrapper that keeps it shut until the filter opens it.

use serde::{Deserialize, Serialize};

/// One vector for each declared output, in the manifest's order, as the guest returned it.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Contribution(
    /// The vectors.
    pub Vec<Vec<f64>>,
);

/// A value that a guest made: anyone may wrap, only this crate opens.
///
/// Serde carries it through a worker's pipe. It has no accessor, no `Deref` and no `Display`:
/// ```compile_fail,E0624
/// let shut = trocar_filter::Untrusted::new(trocar_filter::Contribution::default());
/// let open = shut.open();
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted<T>(T);

impl<T> Untrusted<T> {
    /// Wraps `value`.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    pub(crate) fn open(self) -> T {
        self.0
    }
}

// Numbers of a patient must not reach a log by way of `{:?}`.
impl std::fmt::Debug for Contribution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Contribution(..)")
    }
}

impl<T> std::fmt::Debug for Untrusted<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Untrusted(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contribution_does_not_show_its_numbers_in_debug() {
        let one = Contribution(vec![vec![61.0]]);
        assert!(!format!("{one:?} {:?}", Untrusted::new(one.clone())).contains("61"));
    }
}
