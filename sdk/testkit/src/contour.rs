//! Contours round a mask: along the edges of its pixels, so that a pixel is in the mask exactly where its centre lies
//! inside a contour. No centre is nearer to a contour than half a pixel.

use std::collections::BTreeMap;

/// A corner of a pixel: column and row of the pixel that begins there.
pub(crate) type Corner = (i32, i32);

/// Closed contours that do not lie in one another: a slice whose mask has a hole becomes a rectangle a run of pixels.
pub(crate) fn contours(mask: &[bool], columns: usize) -> Vec<Vec<Corner>> {
    let loops = outlines(mask, columns);
    if loops.iter().all(|corners| doubled_area(corners) > 0) {
        return loops;
    }
    runs(mask, columns)
}

/// Each run of a row by itself.
fn runs(mask: &[bool], columns: usize) -> Vec<Vec<Corner>> {
    let mut found = Vec::new();
    for (row, pixels) in (0..).zip(mask.chunks(columns)) {
        let mut column = 0;
        for run in pixels.chunk_by(bool::eq) {
            let end = column + i32::try_from(run.len()).unwrap_or(i32::MAX);
            if run.first() == Some(&true) {
                found.push(vec![(column, row), (end, row), (end, row + 1), (column, row + 1)]);
            }
            column = end;
        }
    }
    found
}

/// Where the edges from a corner lead.
type Edges = BTreeMap<Corner, Vec<Corner>>;

/// The edges between mask and not mask, with the mask to their right.
fn edges(mask: &[bool], columns: usize) -> Edges {
    let side = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let (wide, high) = (side(columns), side(mask.len() / columns.max(1)));
    let is_in = |column: i32, row: i32| {
        let inside = (0..wide).contains(&column) && (0..high).contains(&row);
        let at = usize::try_from(row * wide + column).unwrap_or(usize::MAX);
        inside && mask.get(at).copied().unwrap_or_default()
    };
    let mut found = Edges::new();
    for (row, column) in (0..high).flat_map(|row| (0..wide).map(move |column| (row, column))) {
        if !is_in(column, row) {
            continue;
        }
        let (right, below) = (column + 1, row + 1);
        for (outside, from, to) in [
            ((column, row - 1), (column, row), (right, row)),
            ((right, row), (right, row), (right, below)),
            ((column, below), (right, below), (column, below)),
            ((column - 1, row), (column, below), (column, row)),
        ] {
            if !is_in(outside.0, outside.1) {
                found.entry(from).or_default().push(to);
            }
        }
    }
    found
}

fn outlines(mask: &[bool], columns: usize) -> Vec<Vec<Corner>> {
    let mut edges = edges(mask, columns);
    let mut found = Vec::new();
    while let Some(start) = edges.keys().next().copied() {
        let corners = walk(&mut edges, start);
        found.push(turns(&corners));
    }
    found
}

/// Follows edges until they close. Where two leave a corner, the one to the right stays with the same pixel.
fn walk(edges: &mut Edges, start: Corner) -> Vec<Corner> {
    let (mut corners, mut at, mut came) = (vec![start], start, (1, 0));
    while let Some(next) = take(edges, at, came) {
        came = (next.0 - at.0, next.1 - at.1);
        at = next;
        if at == start {
            break;
        }
        corners.push(at);
    }
    corners
}

fn take(edges: &mut Edges, at: Corner, (x, y): Corner) -> Option<Corner> {
    let leaving = edges.get_mut(&at)?;
    let right = (at.0 - y, at.1 + x);
    let chosen = leaving.iter().position(|to| *to == right).unwrap_or_default();
    let to = leaving.swap_remove(chosen);
    if leaving.is_empty() {
        edges.remove(&at);
    }
    Some(to)
}

/// Only the corners at which the contour turns.
fn turns(corners: &[Corner]) -> Vec<Corner> {
    let before = corners.iter().cycle().skip(corners.len().saturating_sub(1));
    let after = corners.iter().cycle().skip(1);
    let neighbours = corners.iter().zip(before.zip(after));
    let turned =
        neighbours.filter(|(at, (from, to))| (at.0 - from.0, at.1 - from.1) != (to.0 - at.0, to.1 - at.1));
    turned.map(|(at, _)| *at).collect()
}

/// Twice the area; negative round a hole.
fn doubled_area(corners: &[Corner]) -> i32 {
    let next = corners.iter().cycle().skip(1);
    corners.iter().zip(next).map(|((a, b), (c, d))| a * d - c * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Whether the centre of a pixel lies inside a polygon, by crossings of a ray.
    fn holds(polygon: &[Corner], column: usize, row: usize) -> bool {
        let (x, y) = (column as f64 + 0.5, row as f64 + 0.5);
        let next = polygon.iter().cycle().skip(1);
        let crossed = |((a, b), (c, d)): &(&Corner, &Corner)| {
            let [a, b, c, d] = [*a, *b, *c, *d].map(f64::from);
            (b > y) != (d > y) && x < (c - a) * (y - b) / (d - b) + a
        };
        polygon.iter().zip(next).filter(crossed).count() % 2 == 1
    }

    fn check(mask: &[bool], columns: usize) {
        let found = contours(mask, columns);
        for (at, expected) in mask.iter().enumerate() {
            let inside = found.iter().filter(|c| holds(c, at % columns, at / columns)).count();
            assert_eq!(inside, usize::from(*expected), "{mask:?} at {at}: {found:?}");
        }
    }

    #[test]
    fn a_pixel_is_a_square_and_a_block_has_four_corners() {
        assert_eq!(contours(&[true], 1), [[(0, 0), (1, 0), (1, 1), (0, 1)]]);
        assert_eq!(contours(&[true; 6], 3), [[(0, 0), (3, 0), (3, 2), (0, 2)]]);
    }

    #[test]
    fn pixels_that_touch_at_a_corner_have_contours_of_their_own() {
        assert_eq!(contours(&[true, false, false, true], 2).len(), 2);
        check(&[true, false, false, true], 2);
        check(&[false, true, true, false], 2);
    }

    #[test]
    fn a_mask_with_a_hole_is_written_run_by_run() {
        let mut ring = [true; 9];
        ring[4] = false;
        check(&ring, 3);
        assert_eq!(contours(&ring, 3).len(), 4);
    }

    #[test]
    fn the_centres_inside_are_those_of_the_mask_whatever_it_is() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..2_000 {
            let mask: Vec<bool> = (0..42).map(|_| rng.random_bool(0.5)).collect();
            check(&mask, 7);
        }
    }
}
