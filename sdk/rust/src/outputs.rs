use crate::Fault;

/// Why an algorithm gives up on a patient: she gets the default contribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The host refused something.
    Host(Fault),
    /// A parameter is not in the manifest, or of another type there.
    Parameter,
    /// The algorithm does not go on.
    Other(&'static str),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Host(fault)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(fault) => write!(f, "the host answered: {fault}"),
            Self::Parameter => {
                f.write_str("a parameter is not declared in the manifest, or of another type there")
            }
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Failure {}

/// What an algorithm says of one patient: one vector for each output of the manifest, in that order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outputs(Vec<Vec<f64>>);

impl Outputs {
    /// No output yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// For kind `count`: whether she counts.
    #[must_use]
    pub fn count(self, counts: bool) -> Self {
        self.vector(vec![if counts { 1.0 } else { 0.0 }])
    }

    /// For kinds `sum`, `mean`, `variance` and `quantiles`: her value in the output's unit; `None` where she has none, so
    /// that she does not pull the mean.
    #[must_use]
    pub fn number(self, value: Option<f64>) -> Self {
        self.vector(vec![value.unwrap_or(f64::NAN)])
    }

    /// For kinds `histogram` and `table`: one cell of `cells`, the last axis of a table fastest; `None`: no cell.
    #[must_use]
    pub fn cell(self, cells: usize, cell: Option<usize>) -> Self {
        self.vector((0..cells).map(|i| if Some(i) == cell { 1.0 } else { 0.0 }).collect())
    }

    /// For kinds `histogram` and `table`: a weight in 0..=1 for each cell.
    #[must_use]
    pub fn weights(self, weights: Vec<f64>) -> Self {
        self.vector(weights)
    }

    /// For kind `moments`: her value of each variable, in the manifest's order; where she lacks one she counts in none.
    #[must_use]
    pub fn numbers(self, values: &[Option<f64>]) -> Self {
        self.vector(values.iter().map(|value| value.unwrap_or(f64::NAN)).collect())
    }

    /// For kind `vector`, or any other: the numbers as they are.
    #[must_use]
    pub fn vector(mut self, numbers: Vec<f64>) -> Self {
        self.0.push(numbers);
        self
    }

    /// The vectors.
    #[must_use]
    pub fn into_vectors(self) -> Vec<Vec<f64>> {
        self.0
    }
}

/// Ends the exported call: hands the vectors over, or traps, which the host answers with the default contribution.
#[doc(hidden)]
#[must_use]
pub fn finish(outcome: Result<Outputs, Failure>) -> Vec<Vec<f64>> {
    match outcome {
        Ok(outputs) => outputs.into_vectors(),
        Err(_) => std::process::abort(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_the_length_that_its_manifest_declares() {
        let outputs =
            Outputs::new().count(true).number(Some(2.5)).cell(3, Some(1)).cell(2, None).vector(vec![7.0; 2]);
        let want = [vec![1.0], vec![2.5], vec![0.0, 1.0, 0.0], vec![0.0, 0.0], vec![7.0, 7.0]];
        assert_eq!(outputs.into_vectors(), want);
    }

    #[test]
    fn a_lacking_variable_is_not_a_number() {
        let vectors = Outputs::new().numbers(&[Some(1.5), None]).into_vectors();
        assert!(vectors[0][0] == 1.5 && vectors[0][1].is_nan() && vectors[0].len() == 2);
    }

    #[test]
    fn no_value_is_not_a_number() {
        assert!(Outputs::new().number(None).into_vectors()[0][0].is_nan());
    }
}
