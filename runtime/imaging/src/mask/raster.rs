//! Closed contours to pixels. The rule, which docs state and tests/oracles/contours.py follows on its own:
//!
//! a pixel is in where its centre is inside an odd number of contours of the region on this plane (so a hole is a second
//! contour, or a keyhole). On a boundary, the side of smaller coordinates belongs to the contour and the other does not,
//! for columns and rows alike: contours that share an edge never share a pixel, and leave none out between them.

use super::Stencil;

/// A corner, in columns and rows of the slice, with fractions.
pub(crate) type Corner = [f64; 2];

/// How many rows the edges of a closed contour cross: what filling it takes.
pub(crate) fn crossings(contour: &[Corner], rows: u32) -> u64 {
    edges(contour)
        .map(|(a, b)| span(a, b, rows as usize))
        .map(|(first, end)| end.saturating_sub(first) as u64)
        .sum()
}

/// Fills closed contours, even-odd over all of them.
pub(crate) fn fill<'a>(contours: impl Iterator<Item = &'a [Corner]>, stencil: &mut Stencil) {
    for (a, b) in contours.flat_map(edges) {
        cross(a, b, stencil);
    }
    stencil.parity();
}

fn edges(contour: &[Corner]) -> impl Iterator<Item = (Corner, Corner)> {
    contour.iter().copied().zip(contour.iter().copied().cycle().skip(1))
}

/// Rows whose centre lies in `[upper, lower)` of an edge, inside the slice.
fn span([_, v]: Corner, [_, w]: Corner, rows: usize) -> (usize, usize) {
    (at_or_after(v.min(w), rows), at_or_after(v.max(w), rows))
}

/// Turns over the first pixel at or beyond each crossing; [`Stencil::parity`] does the rest of the row.
fn cross(a: Corner, b: Corner, stencil: &mut Stencil) {
    // Always from the smaller row, so that the two contours of one edge compute the same crossings.
    let ([x, y], [u, v]) = if a[1] <= b[1] { (a, b) } else { (b, a) };
    let (first, end) = span(a, b, stencil.rows());
    for row in first..end {
        let crossing = x + (row as f64 - y) * (u - x) / (v - y);
        stencil.flip(at_or_after(crossing, stencil.columns()), row);
    }
}

/// The first whole number at or after `value`, between 0 and `end`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number from 0 to a count of pixels"
)]
fn at_or_after(value: f64, end: usize) -> usize {
    value.ceil().clamp(0.0, end as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filled(contours: &[&[Corner]], columns: u32, rows: u32) -> Vec<u8> {
        let mut stencil = Stencil::new(columns, rows);
        fill(contours.iter().copied(), &mut stencil);
        stencil.bytes().collect()
    }

    const SQUARE: [Corner; 4] = [[1.0, 1.0], [3.0, 1.0], [3.0, 3.0], [1.0, 3.0]];

    #[test]
    fn the_edges_of_smaller_column_and_row_are_in_and_the_others_are_not() {
        let expected = [0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0];
        assert_eq!(filled(&[&SQUARE], 4, 4), expected);
        let back: Vec<Corner> = SQUARE.into_iter().rev().collect();
        assert_eq!(filled(&[&back], 4, 4), expected, "the direction of a contour matters");
    }

    #[test]
    fn a_second_contour_inside_is_a_hole() {
        let outer = [[-0.5, -0.5], [4.5, -0.5], [4.5, 4.5], [-0.5, 4.5]];
        let sum = |contours: &[&[Corner]]| filled(contours, 5, 5).into_iter().map(u32::from).sum::<u32>();
        assert_eq!((sum(&[&outer]), sum(&[&outer, &SQUARE])), (25, 21));
    }

    #[test]
    fn a_keyhole_is_a_hole_as_well() {
        let outer = [[-0.5, -0.5], [4.5, -0.5], [4.5, 4.5], [-0.5, 4.5], [-0.5, -0.5]];
        let hole: Vec<Corner> = SQUARE.into_iter().chain([SQUARE[0]]).collect();
        let keyhole: Vec<Corner> = outer.into_iter().chain(hole).collect();
        assert_eq!(filled(&[&keyhole], 5, 5), filled(&[&outer, &SQUARE], 5, 5));
    }

    #[test]
    fn where_a_contour_crosses_itself_what_it_goes_round_twice_is_out() {
        let bow = [[0.0, 0.0], [4.0, 4.0], [4.0, 0.0], [0.0, 4.0]];
        assert_eq!(filled(&[&bow], 5, 5).into_iter().map(u32::from).sum::<u32>(), 8);
        let twice: Vec<Corner> = SQUARE.into_iter().chain(SQUARE).collect();
        assert!(filled(&[&twice], 4, 4).iter().all(|v| *v == 0));
    }

    #[test]
    fn contours_without_an_area_and_beyond_the_slice_fill_nothing_they_do_not_cover() {
        for line in [&[][..], &[[1.0, 1.0]], &[[1.0, 1.0], [3.0, 3.0]]] {
            assert!(filled(&[line], 4, 4).iter().all(|v| *v == 0));
        }
        let beyond = [[-1e5, -1e5], [1e5, -1e5], [1e5, 1e5], [-1e5, 1e5]];
        assert!(filled(&[&beyond], 70, 3).iter().all(|v| *v == 1));
        assert_eq!(crossings(&beyond, 3), 6);
    }

    /// Even-odd of one point by its definition: how many edges a ray to the left crosses.
    fn inside(contour: &[Corner], [px, py]: Corner) -> bool {
        let mut odd = false;
        for (i, [x1, y1]) in contour.iter().enumerate() {
            let [x2, y2] = contour[(i + 1) % contour.len()];
            if (*y1 <= py) != (y2 <= py) {
                let crossing = if *y1 <= y2 {
                    x1 + (py - y1) * (x2 - x1) / (y2 - y1)
                } else {
                    x2 + (py - y2) * (x1 - x2) / (y1 - y2)
                };
                odd ^= crossing <= px;
            }
        }
        odd
    }

    proptest! {
        #[test]
        fn every_pixel_is_what_the_definition_says(
            halves in prop::collection::vec((-4_i32..24, -4_i32..24), 3..20)
        ) {
            let contour: Vec<Corner> =
                halves.iter().map(|(x, y)| [f64::from(*x) / 2.0, f64::from(*y) / 2.0]).collect();
            let pixels = filled(&[&contour], 10, 9);
            for (i, pixel) in pixels.iter().enumerate() {
                prop_assert_eq!(*pixel == 1, inside(&contour, [(i % 10) as f64, (i / 10) as f64]));
            }
        }

        #[test]
        fn two_halves_of_a_contour_share_no_pixel_and_lose_none(
            corners in prop::collection::vec((0.0..9.0_f64, 0.0..9.0_f64), 4..12), cut in 1_usize..3
        ) {
            let contour: Vec<Corner> = corners.iter().map(|(x, y)| [*x, *y]).collect();
            let (a, b) = (0, contour.len() / 2 + cut - 1);
            let left: Vec<Corner> = contour[a..=b].to_vec();
            let right: Vec<Corner> = contour[b..].iter().chain(&contour[..=a]).copied().collect();
            let [whole, left, right] = [&contour, &left, &right].map(|c| filled(&[c], 10, 10));
            for ((w, l), r) in whole.iter().zip(left).zip(right) {
                prop_assert_eq!(*w, l ^ r);
            }
        }
    }
}
