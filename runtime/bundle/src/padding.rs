//! Bundles of one request have one length, whatever the numbers and whether there are any (PRIVACY.md section 3.10).
//!
//! Who only watches the wire must not learn the outcome from a size. Files keep the length that reads best, and one more
//! file, `data/padding`, holds as many spaces as bring the payload to a size that the request alone decides.
//! Everything outside the payload has a fixed length by itself: digests, base64 of a statement of digests, and a
//! `Payload-Oxum` whose number is this size.

use crate::{
    BundleError,
    bag::{self, Files},
};
use trocar_terms::{Kind, Output};

/// The file of spaces.
pub(crate) const PADDING: &str = "data/padding";

/// Sizes are multiples of it.
const STEP: usize = 4096;
/// Room for what every bundle has: style, words and vocabulary of report and crate.
const FIXED: usize = 56 * 1024;
/// Room for the words about one output: heading, caption, axis, entries of crate and results.
const OUTPUT: usize = 8 * 1024;
/// Room for one cell in results.json, results.csv, the report's table, and twice in a plot.
const CELL: usize = 4 * 1024;

/// Brings the payload to the size of its request.
///
/// # Errors
/// `TooLarge` where the room is not enough, which the tests with the longest numbers never see.
pub(crate) fn add(files: &mut Files, outputs: &[Output], request_octets: usize) -> Result<(), BundleError> {
    let used: usize = bag::payload(files).map(|(_, bytes)| bytes.len()).sum();
    let size = size(outputs, request_octets);
    let missing = size
        .checked_sub(used)
        .ok_or(BundleError::TooLarge { used, size })?;
    files.insert(PADDING.into(), vec![b' '; missing]);
    Ok(())
}

/// The size of a payload: from the manifest's outputs and the length of what was asked.
fn size(outputs: &[Output], request_octets: usize) -> usize {
    let of = |o: &Output| OUTPUT + words(&o.kind) * 8 + CELL * o.kind.length();
    let room: usize = outputs.iter().map(of).sum();
    // What was asked stands in report and crate as well, where a letter may take six as `&quot;`.
    (FIXED + room + 12 * request_octets).next_multiple_of(STEP)
}

/// A cell of a table carries the words of all its axes.
fn words(kind: &Kind) -> usize {
    let Kind::Table { axes, .. } = kind else { return 0 };
    let longest: usize = axes
        .iter()
        .map(|axis| serde_json::to_string(axis).map_or(0, |text| text.len()))
        .sum();
    longest * kind.length()
}
