//! The fields that go with a `kind`: which it has, and which it needs.

use crate::text::Problem;
use std::ops::Range;
use toml::Spanned;

/// An optional field that is written, with its place.
pub(crate) type Present = (&'static str, Range<usize>);

/// Refuses a field that the kind does not have: ignored, it would promise something. `always` names those that each kind has.
pub(crate) fn only(
    kind: &Spanned<String>,
    mut present: impl Iterator<Item = Present>,
    fields: &[&str],
    always: &str,
) -> Result<(), Problem> {
    let Some((name, span)) = present.find(|(name, _)| !fields.contains(name)) else {
        return Ok(());
    };
    let kind = kind.get_ref();
    let help = match fields {
        [] => format!("remove it: the kind {kind} has {always} alone"),
        _ => format!("remove it: the kind {kind} has {}", fields.join(", ")),
    };
    Err(Problem::new(span, format!("`{name}` is not a field of the kind {kind}"), help))
}

/// The field, or a complaint that shows `example`, which begins with its name.
pub(crate) fn need<'a, T>(
    kind: &Spanned<String>,
    field: &'a Option<Spanned<T>>,
    example: &str,
) -> Result<&'a Spanned<T>, Problem> {
    let name = example.split(' ').next().unwrap_or_default();
    let message = || format!("the kind {} needs `{name}`", kind.get_ref());
    field.as_ref().ok_or_else(|| Problem::new(kind.span(), message(), format!("add `{example}`")))
}
