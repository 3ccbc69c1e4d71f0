//! Bundles of one request have one length, whatever the numbers and whether there are any (PRIVACY.md section 3.10).
//!
//! Who only watches the wire must not learn the outcome from a size. Files keep the length that reads best, and one more
//! file, `data/padding`, holds as many spaces as bring the payload to a size that the request alone decides.
//! Everything outside the payload has a fixed length by itself: digests, base64 of a statement of digests, and a
//! `Payload-Oxum` whose number is this size.

use crate::bag::{self, Files};
use crate::content::Asked;
use crate::error::BundleError;
use crate::plot::MOST;
use trocar_manifest::Manifest;
use trocar_terms::{Axis, Derived, DerivedKind, Kind, Output};

/// The file of spaces.
pub(crate) const PADDING: &str = "data/padding";

/// Sizes are multiples of it.
const STEP: usize = 4096;
/// Room for what every bundle has: style, words and vocabulary of report and crate.
const FIXED: usize = 64 * 1024;
/// Room for the words about one output and for the frame of its plot, as a file, as a specification and in the report.
const OUTPUT: usize = 20 * 1024;
/// Room for a cell that table and plots of the report show.
const SHOWN: usize = 2 * 1024;
/// Room for a cell in results.json, results.csv and results.parquet.
const CELL: usize = 640;
/// The longest name of a part.
const PART: usize = 32;
/// How often a letter of the manifest may be written again, in report and crate, where it may take six as `&quot;`.
const ASKED: usize = 12;

/// Brings the payload to the size of its request.
///
/// # Errors
/// `TooLarge` where the room is not enough, which the tests with the widest plots and words never see.
pub(crate) fn add(files: &mut Files, asked: &Asked<'_>, fixed: usize) -> Result<(), BundleError> {
    let used: usize = bag::payload(files).map(|(_, bytes)| bytes.len()).sum();
    let size = size(asked, fixed)?;
    let missing = size.checked_sub(used).ok_or(BundleError::TooLarge { used, size })?;
    files.insert(PADDING.into(), vec![b' '; missing]);
    Ok(())
}

/// The size of a payload, from what was asked; `fixed` is the length of the files that the request alone decides.
fn size(asked: &Asked<'_>, fixed: usize) -> Result<usize, BundleError> {
    let approval = serde_json::to_string(asked.approval)?.len();
    let words = asked.manifest_text.len() + serde_json::to_string(asked.request)?.len() + approval;
    let outputs: usize = asked.manifest.outputs.iter().map(room).sum();
    let derived: usize = asked.manifest.derived.iter().map(|d| derived_room(d, asked.manifest)).sum();
    Ok((FIXED + fixed + ASKED * words + outputs + derived).next_multiple_of(STEP))
}

fn room(output: &Output) -> usize {
    let cells = output.kind.numbers();
    OUTPUT + SHOWN * cells.min(MOST) + (CELL + 8 * words(output)) * cells
}

/// As for an output: each number stands under the words of its part and its place.
fn derived_room(derived: &Derived, manifest: &Manifest) -> usize {
    let Some(source) = manifest.outputs.iter().find(|output| output.name == derived.from) else { return 0 };
    let numbers = derived.kind.numbers(&source.kind);
    let variables = if let Kind::Moments { variables } = &source.kind { variables.as_slice() } else { &[] };
    let predictors = if let DerivedKind::Logistic { predictors, .. } = &derived.kind {
        predictors.as_slice()
    } else {
        &[]
    };
    let names = variables.iter().map(|v| &v.name).chain(predictors);
    let longest = names.map(|name| name.as_str().len()).max().unwrap_or(0);
    let words = derived.name.as_str().len() + words(source) + 2 * longest + PART;
    OUTPUT + SHOWN * numbers.min(MOST) + (CELL + 8 * words) * numbers
}

/// The letters that each cell repeats: name and unit, and for a table the words of its axes.
fn words(output: &Output) -> usize {
    let own = output.name.as_str().len() + output.unit.len();
    let Kind::Table { axes, .. } = &output.kind else {
        return own;
    };
    own + axes.iter().map(longest).sum::<usize>()
}

fn longest(axis: &Axis) -> usize {
    match axis {
        Axis::Categories { name, categories } => {
            name.as_str().len() + categories.iter().map(String::len).max().unwrap_or(0)
        }
        // Two numbers and the words between them.
        Axis::Edges { name, .. } => name.as_str().len() + 64,
    }
}
