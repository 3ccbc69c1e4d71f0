//! Rows of `cargo xtask attack` (CONTRACT.md section 7).

use serde_json::json;
use std::io::Write;

/// Whether the run is the long one.
pub(crate) fn long() -> bool {
    std::env::var("TROCAR_ATTACK").is_ok_and(|length| length == "long")
}

/// What was tried, and the figure that is held against the bar.
pub(crate) struct Row<'a> {
    pub(crate) name: String,
    pub(crate) tries: String,
    pub(crate) bound: String,
    pub(crate) measured: String,
    /// What the same attack gets where there is no noise, or less than is stated.
    pub(crate) noise_off: String,
    pub(crate) value: f64,
    pub(crate) unit: &'a str,
    pub(crate) against: &'a str,
    pub(crate) bar: f64,
    /// `<=` or `>=`.
    pub(crate) op: &'a str,
}

impl Row<'_> {
    fn holds(&self) -> bool {
        if self.op == "<=" { self.value <= self.bar } else { self.value >= self.bar }
    }

    /// Appends the row to the file that `TROCAR_ATTACK_ROWS` names, if any, and fails where it does not hold.
    pub(crate) fn hold(&self) {
        let holds = self.holds();
        if let Some(file) = std::env::var_os("TROCAR_ATTACK_ROWS") {
            let row = json!({"name": self.name, "guest": "none: the filter alone", "tries": self.tries,
                "bound": self.bound, "measured": self.measured, "noise_off": self.noise_off, "value": self.value,
                "unit": self.unit, "against": self.against, "ratio": null, "bar": self.bar, "op": self.op, "holds": holds});
            let mut file = std::fs::File::options().append(true).create(true).open(file).unwrap();
            file.write_all(format!("{row}\n").as_bytes()).unwrap();
        }
        assert!(holds, "{}: {} {} is not {} {}", self.name, self.value, self.unit, self.op, self.bar);
    }
}
