//! Images of a series that can share a grid.

use super::{ORIENTATION_TOLERANCE, PIXEL_TOLERANCE};
use crate::{Reason, image::Image};

/// Kinds of image in one series; a real one has a handful.
const MAX_KINDS: usize = 64;

/// Fewer slices than this, beside more, are scouts or strays and no volume of their own.
const FEW: usize = 3;

/// Files of one kind, by place.
pub(super) type Kind = Vec<usize>;

/// Sorts files by kind. A kind with too few frames beside a larger one is refused, by what sets it apart.
pub(super) fn kinds(images: &[&Image], refused: &mut Vec<(usize, Reason)>) -> Vec<Kind> {
    let mut found: Vec<Kind> = Vec::new();
    for (file, image) in images.iter().enumerate() {
        let same = |kind: &Kind| first(images, kind).is_some_and(|other| differs(other, image).is_none());
        match found.iter().position(same) {
            Some(at) => found.iter_mut().skip(at).take(1).for_each(|kind| kind.push(file)),
            None if found.len() < MAX_KINDS => found.push(vec![file]),
            None => refused.push((file, Reason::MixedKind)),
        }
    }
    without_strays(images, found, refused)
}

fn first<'a>(images: &[&'a Image], kind: &Kind) -> Option<&'a Image> {
    kind.first().and_then(|file| images.get(*file)).copied()
}

fn without_strays(images: &[&Image], found: Vec<Kind>, refused: &mut Vec<(usize, Reason)>) -> Vec<Kind> {
    if found.len() == 1 {
        return found;
    }
    let frames = |kind: &Kind| -> usize {
        kind.iter().filter_map(|file| images.get(*file)).map(|image| image.frames.len()).sum()
    };
    // The largest first, so that a stray is told what sets it apart from the volume.
    let mut heads: Vec<_> =
        found.iter().filter_map(|kind| Some((frames(kind), first(images, kind)?))).collect();
    heads.sort_by_key(|(frames, _)| std::cmp::Reverse(*frames));
    let (kept, strays): (Vec<_>, Vec<_>) = found.into_iter().partition(|kind| frames(kind) >= FEW);
    for kind in strays {
        let apart = |image| heads.iter().find_map(|(_, other)| differs(other, image));
        let why = first(images, &kind).and_then(apart).unwrap_or(Reason::MixedKind);
        refused.extend(kind.into_iter().map(|file| (file, why)));
    }
    kept
}

/// Why two images cannot share a grid; `None` where they can.
pub(super) fn differs(a: &Image, b: &Image) -> Option<Reason> {
    if (a.modality, a.unit, &a.frame_of_reference) != (b.modality, b.unit, &b.frame_of_reference) {
        return Some(Reason::MixedKind);
    }
    if (a.format.rows, a.format.columns) != (b.format.rows, b.format.columns) {
        return Some(Reason::MixedSize);
    }
    let close = |(x, y): (&f64, &f64)| (x - y).abs() <= PIXEL_TOLERANCE * x;
    if !a.plane.spacing.iter().zip(&b.plane.spacing).all(close) {
        return Some(Reason::MixedSize);
    }
    let close = |(x, y): (&f64, &f64)| (x - y).abs() <= ORIENTATION_TOLERANCE;
    let same = a.plane.orientation.iter().zip(&b.plane.orientation).all(close);
    if same { None } else { Some(Reason::Orientation) }
}
