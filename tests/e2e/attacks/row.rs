//! One line of the table of `cargo xtask attack`, and the assertion that it holds.

use serde_json::json;
use std::io::Write;

/// What a channel's test found.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// The channel, in the words of PRIVACY.md section 5; where it has several rows, a colon and what this one is about.
    pub name: &'a str,
    /// The guest, or who else tries it.
    pub guest: &'a str,
    /// What it tries.
    pub tries: &'a str,
    /// What it may reach, in words.
    pub bound: &'a str,
    /// What it reached, in words.
    pub measured: String,
    /// What the same guest reaches where the protection is off.
    pub noise_off: &'a str,
    /// The number that is held against `bar`, which it may not pass.
    pub value: f64,
    pub unit: &'a str,
    pub bar: f64,
}

impl Row<'_> {
    /// Appends the row to the file that TROCAR_ATTACK_ROWS names, if any, and fails where it does not hold.
    #[track_caller]
    pub fn holds(&self) {
        let holds = self.value <= self.bar;
        self.append(holds);
        assert!(holds, "{}: {} is over {}: {self:#?}", self.name, self.value, self.bar);
    }

    fn append(&self, holds: bool) {
        let Some(path) = std::env::var_os("TROCAR_ATTACK_ROWS") else { return };
        let row = json!({
            "name": self.name, "guest": self.guest, "tries": self.tries, "bound": self.bound,
            "measured": self.measured, "noise_off": self.noise_off, "value": self.value, "unit": self.unit,
            "against": "PRIVACY.md section 5", "ratio": null, "bar": self.bar, "op": "<=", "holds": holds,
        });
        let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
        // One write, so that tests in several processes do not mix their lines.
        file.write_all(format!("{row}\n").as_bytes()).unwrap();
    }
}
