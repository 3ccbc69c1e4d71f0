//! Rows as CONTRACT.md section 7 has them.

use serde_json::{Value, json};

/// Which side of the bar is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    AtLeast,
    AtMost,
}

/// One measured figure and its bar.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// The peer and its version; empty where the bar is on the value itself.
    pub(crate) against: String,
    /// Ours to the peer's; `None` where the bar is on the value itself.
    pub(crate) ratio: Option<f64>,
    pub(crate) bar: f64,
    pub(crate) op: Op,
}

impl Row {
    /// Figures that could not be measured are not numbers, and no bar holds for them.
    pub(crate) fn holds(&self) -> bool {
        let figure = self.ratio.unwrap_or(self.value);
        match self.op {
            Op::AtLeast => figure >= self.bar,
            Op::AtMost => figure <= self.bar,
        }
    }

    fn op(&self) -> &'static str {
        match self.op {
            Op::AtLeast => ">=",
            Op::AtMost => "<=",
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({"name": self.name, "value": self.value, "unit": self.unit, "against": self.against, "ratio": self.ratio,
            "bar": self.bar, "op": self.op(), "holds": self.holds()})
    }

    pub(crate) fn line(&self) -> String {
        let against =
            if self.against.is_empty() { String::new() } else { format!(" against {}", self.against) };
        let ratio = self.ratio.map_or_else(String::new, |ratio| format!(", ratio {ratio:.3}"));
        let holds = if self.holds() { "holds" } else { "DOES NOT HOLD" };
        let (name, value, unit, op, bar) = (&self.name, self.value, self.unit, self.op(), self.bar);
        let decimals = if value.abs() < 10.0 { 3 } else { 1 };
        format!("{name}: {value:.decimals$} {unit}{against}{ratio} ({op} {bar}: {holds})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f64, ratio: Option<f64>, op: Op) -> Row {
        Row { name: "n".into(), value, unit: "u", against: String::new(), ratio, bar: 2.0, op }
    }

    #[test]
    fn a_bar_is_held_against_the_ratio_where_there_is_one() {
        assert!(row(1.0, Some(2.0), Op::AtLeast).holds() && !row(3.0, Some(1.9), Op::AtLeast).holds());
        assert!(row(2.0, None, Op::AtMost).holds() && !row(2.1, None, Op::AtMost).holds());
    }

    #[test]
    fn what_could_not_be_measured_does_not_hold() {
        for op in [Op::AtLeast, Op::AtMost] {
            assert!(!row(f64::NAN, None, op).holds() && !row(1.0, Some(f64::NAN), op).holds());
        }
    }
}
