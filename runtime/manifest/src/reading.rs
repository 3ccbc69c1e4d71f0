//! TOML with places: what manifests and policies have in common.

use crate::text::{Problem, nearest};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::ops::Range;
use toml::Spanned;
use trocar_terms::Decimal;

/// For each key an example of how it is written.
pub type Examples = &'static [(&'static str, &'static str)];

/// A number or a text.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// A whole number.
    Integer(i64),
    /// A real.
    Real(f64),
    /// A text.
    Text(String),
}

/// Reads TOML into `T`, whose unknown fields must be refused by serde.
///
/// # Errors
/// What TOML or serde found, with the nearest known name or an example of what to write.
pub fn toml<T: DeserializeOwned>(text: &str, examples: Examples) -> Result<T, Problem> {
    toml::from_str(text).map_err(|error| {
        let message = error.message().trim().replace('\n', "; ");
        let span = one_line(text, error.span().unwrap_or(0..0));
        let help = help(&message, text, &span, examples);
        // What serde goes on to list stands in the help.
        let message = message.split(", expected one of").next().unwrap_or(&message).to_owned();
        Problem::new(span, message, help)
    })
}

/// Only the first line of a span: serde's span of a missing field is the whole table.
fn one_line(text: &str, span: Range<usize>) -> Range<usize> {
    let line = text.get(span.clone()).unwrap_or_default().lines().next().unwrap_or_default();
    span.start..span.start.saturating_add(line.trim_end().len())
}

fn help(message: &str, text: &str, span: &Range<usize>, examples: Examples) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let first = quoted.next().unwrap_or_default();
    if message.starts_with("unknown ") {
        let known: Vec<&str> = quoted.collect();
        return match nearest(first, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", known.join(", ")),
        };
    }
    if message == "duplicate key" {
        return "write each key once: remove one of the two".to_owned();
    }
    let missing = message.starts_with("missing field");
    let key = if missing { first } else { key_of(text, span) };
    match examples.iter().find(|(name, _)| *name == key) {
        Some((_, example)) if missing => format!("add `{example}`"),
        Some((_, example)) => format!("write `{example}`"),
        None => "write `key = value` lines under [table] headers, as https://toml.io says".to_owned(),
    }
}

/// The key before the value at `span`, on its line.
fn key_of<'a>(text: &'a str, span: &Range<usize>) -> &'a str {
    let before = text.get(..span.start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let key = line.rsplit_once('=').map_or(line, |(key, _)| key).trim();
    key.rsplit([' ', '{', ',']).next().unwrap_or(key)
}

/// Refuses a list with the same entry twice.
///
/// # Errors
/// At the second of the two.
pub fn unique<T: Ord + std::fmt::Display>(list: &[Spanned<T>], what: &str) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    match list.iter().find(|entry| !seen.insert(entry.get_ref())) {
        None => Ok(()),
        Some(twice) => {
            let message = format!("the {what} `{}` stands here twice", twice.get_ref());
            Err(Problem::new(twice.span(), message, "write each once"))
        }
    }
}

/// A closed list of categories: 1 to 256, each of 1 to 64 printable characters, none twice.
///
/// # Errors
/// At the entry that is not so.
pub fn categories(list: &Spanned<Vec<Spanned<String>>>) -> Result<Vec<String>, Problem> {
    let entries = list.get_ref();
    if entries.is_empty() || entries.len() > 256 {
        return Err(Problem::new(
            list.span(),
            "a list of categories has 1 to 256 entries",
            "write `[\"F\", \"M\"]`",
        ));
    }
    unique(entries, "category")?;
    entries.iter().map(|entry| label(entry, "a category")).collect()
}

/// One line of 1 to 64 printable characters.
///
/// # Errors
/// Where it is empty, longer, has a control character, or spaces at an end.
pub fn label(text: &Spanned<String>, what: &str) -> Result<String, Problem> {
    let value = text.get_ref();
    let length = value.chars().count();
    if (1..=64).contains(&length) && value.trim() == value && !value.chars().any(char::is_control) {
        return Ok(value.clone());
    }
    let help = "write 1 to 64 printable characters without spaces at the ends";
    Err(Problem::new(text.span(), format!("{what} is empty, too long or not printable"), help))
}

/// Beyond it neighbouring whole numbers are one f64, and differences of bounds are no longer exact: 2^53.
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// A number that is not NaN and lies within 2^53 of zero.
///
/// # Errors
/// Where it does not.
pub fn finite(number: &Spanned<f64>) -> Result<f64, Problem> {
    let value = *number.get_ref();
    if value.abs() <= LARGEST {
        return Ok(value);
    }
    let message = if value.is_finite() { "this number is beyond 2^53" } else { "this number is not finite" };
    Err(Problem::new(
        number.span(),
        message,
        "write a plain number such as 20.0, in a larger unit if need be",
    ))
}

/// At least `least` finite numbers, each above the one before.
///
/// # Errors
/// At the first that is not, or at the list that is too short; `example` says how it is written.
pub fn rising(
    list: &Spanned<Vec<Spanned<f64>>>,
    least: usize,
    what: &str,
    example: &str,
) -> Result<Vec<f64>, Problem> {
    let numbers = list.get_ref().iter().map(finite).collect::<Result<Vec<f64>, _>>()?;
    let fallen = list.get_ref().windows(2).find(|pair| !matches!(pair, [a, b] if a.get_ref() < b.get_ref()));
    if let Some([a, b]) = fallen {
        let message = format!("{what} do not rise strictly: {} stands after {}", b.get_ref(), a.get_ref());
        return Err(Problem::new(b.span(), message, format!("write each above the one before: `{example}`")));
    }
    if numbers.len() < least {
        let message = format!("{what} are {least} or more numbers");
        return Err(Problem::new(list.span(), message, format!("write `{example}`")));
    }
    Ok(numbers)
}

/// A decimal above zero.
///
/// # Errors
/// Where it is zero.
pub fn positive(decimal: &Spanned<Decimal>) -> Result<Decimal, Problem> {
    let value = *decimal.get_ref();
    if !value.is_zero() {
        return Ok(value);
    }
    Err(Problem::new(decimal.span(), "this must be above zero", "write a decimal string such as \"0.02\""))
}

/// Purposes: one or more GA4GH DUO codes, none twice.
///
/// # Errors
/// At the code that is not one, or at the empty list.
pub fn purposes(list: &Spanned<Vec<Spanned<String>>>) -> Result<Vec<String>, Problem> {
    let help = "write DUO: and seven digits, such as \"DUO:0000006\" (health or medical research)";
    if list.get_ref().is_empty() {
        return Err(Problem::new(list.span(), "at least one purpose is needed", help));
    }
    unique(list.get_ref(), "purpose")?;
    let duo = |code: &str| {
        code.strip_prefix("DUO:").is_some_and(|n| n.len() == 7 && n.bytes().all(|b| b.is_ascii_digit()))
    };
    match list.get_ref().iter().find(|code| !duo(code.get_ref())) {
        Some(bad) => Err(Problem::new(bad.span(), format!("`{}` is not a DUO code", bad.get_ref()), help)),
        None => Ok(list.get_ref().iter().map(|code| code.get_ref().clone()).collect()),
    }
}

/// A DICOM keyword.
///
/// # Errors
/// Where it does not look like one.
pub fn keyword(text: &Spanned<String>) -> Result<String, Problem> {
    let value = text.get_ref();
    let upper = value.bytes().next().is_some_and(|b| b.is_ascii_uppercase());
    if upper && value.len() <= 64 && value.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(value.clone());
    }
    let help = "write the keyword of PS3.6, such as \"Manufacturer\" or \"SliceThickness\"";
    Err(Problem::new(text.span(), format!("`{value}` is not a DICOM keyword"), help))
}

/// Schema 1 alone.
///
/// # Errors
/// Any other.
pub fn schema_one(schema: &Spanned<u32>) -> Result<u32, Problem> {
    if *schema.get_ref() == 1 {
        return Ok(1);
    }
    Err(Problem::new(schema.span(), "this version reads schema 1 alone", "write `schema = 1`"))
}
