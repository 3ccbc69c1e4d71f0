use crate::{Failure, Value, bindings::Param};

/// The parameters of this job: each that the manifest declares, with its value.
#[derive(Debug, Clone)]
pub struct Params(Vec<Param>);

impl From<Vec<Param>> for Params {
    fn from(params: Vec<Param>) -> Self {
        Self(params)
    }
}

impl Params {
    /// A `real` parameter; a whole number passes as a real.
    ///
    /// # Errors
    /// The manifest declares no number of this name.
    pub fn real(&self, name: &str) -> Result<f64, Failure> {
        self.get(name).and_then(real).ok_or(Failure::Parameter)
    }

    /// An `integer` parameter.
    ///
    /// # Errors
    /// The manifest declares no whole number of this name.
    pub fn integer(&self, name: &str) -> Result<i64, Failure> {
        self.get(name).and_then(integer).ok_or(Failure::Parameter)
    }

    /// A `category` parameter.
    ///
    /// # Errors
    /// The manifest declares no category of this name.
    pub fn text(&self, name: &str) -> Result<&str, Failure> {
        self.get(name).and_then(text).ok_or(Failure::Parameter)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|p| p.name == name).map(|p| &p.value)
    }
}

/// The whole number in a value.
#[must_use]
pub const fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(x) => Some(*x),
        Value::Days(x) => Some(*x as i64),
        Value::Real(_) | Value::Text(_) | Value::Missing => None,
    }
}

/// The number in a value.
#[must_use]
pub const fn real(value: &Value) -> Option<f64> {
    match value {
        Value::Real(x) => Some(*x),
        Value::Integer(x) => Some(*x as f64),
        Value::Days(x) => Some(*x as f64),
        Value::Text(_) | Value::Missing => None,
    }
}

/// The category in a value.
#[must_use]
pub fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(x) => Some(x),
        Value::Integer(_) | Value::Real(_) | Value::Days(_) | Value::Missing => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> Params {
        let param = |name: &str, value| Param { name: name.into(), value };
        Params(vec![
            param("n", Value::Integer(3)),
            param("x", Value::Real(0.5)),
            param("s", Value::Text("F".into())),
        ])
    }

    #[test]
    fn a_parameter_is_read_by_name_and_type() {
        let params = params();
        assert_eq!((params.integer("n"), params.real("x"), params.text("s")), (Ok(3), Ok(0.5), Ok("F")));
        assert_eq!(params.real("n"), Ok(3.0));
    }

    #[test]
    fn a_parameter_of_another_name_or_type_is_an_error() {
        let params = params();
        assert_eq!(params.integer("x"), Err(Failure::Parameter));
        assert_eq!(params.text("n"), Err(Failure::Parameter));
        assert_eq!(params.real("absent"), Err(Failure::Parameter));
    }
}
