//! Frames of one kind to volumes.

use super::{Slice, Stack, Stacks, even, kinds::kinds, normal};
use crate::{
    Reason,
    acquisition::KEYS,
    image::{Frame, Image},
    lattice::Point,
};
use std::collections::{BTreeMap, BTreeSet};

/// Volumes of one series: phases of a heart, or gradients of a diffusion scan.
const MAX_VOLUMES: usize = 1_000;

/// Puts the frames of a series' files on as few grids as they need.
pub(crate) fn stacks(images: &[&Image]) -> Stacks {
    let mut stacks = Stacks::default();
    let mut good = Vec::new();
    for (file, image) in images.iter().enumerate() {
        match image.check() {
            Ok(()) => good.push(file),
            Err(reason) => stacks.refused.push((file, reason)),
        }
    }
    let checked: Vec<&Image> = good.iter().filter_map(|file| images.get(*file)).copied().collect();
    // Once: a file of many frames may be in a thousand volumes.
    let integral: Vec<bool> = images.iter().map(|image| even::integral(image)).collect();
    let mut strays = Vec::new();
    for kind in kinds(&checked, &mut strays) {
        // Back from places among the checked to places among all.
        let kind: Vec<usize> = kind.iter().filter_map(|at| good.get(*at)).copied().collect();
        match volumes(images, &integral, &kind) {
            Ok(found) => stacks.volumes.extend(found),
            Err(reason) => stacks.refused.extend(kind.into_iter().map(|file| (file, reason))),
        }
    }
    stacks.refused.extend(strays.into_iter().filter_map(|(at, reason)| Some((*good.get(at)?, reason))));
    stacks.refused.sort_unstable();
    stacks
}

/// A frame with its place: file, frame of the file.
type Placed<'a> = (usize, usize, &'a Frame);

fn volumes(images: &[&Image], integral: &[bool], kind: &[usize]) -> Result<Vec<Stack>, Reason> {
    let first = kind.first().and_then(|file| images.get(*file)).copied().ok_or(Reason::NoPixels)?;
    let normal = normal(first.plane.orientation)?;
    let of = |file: &usize| images.get(*file).map(|image| (*file, *image));
    let frames = kind
        .iter()
        .filter_map(of)
        .flat_map(|(file, image)| image.frames.iter().enumerate().map(move |(frame, f)| (file, frame, f)));
    let frames: Vec<Placed<'_>> = frames.collect();
    let found = Arrange { integral, first, normal }.all(&frames, 0)?;
    if found.len() > MAX_VOLUMES { Err(Reason::TooLarge) } else { Ok(found) }
}

struct Arrange<'a> {
    /// Of each file, whether its values are whole.
    integral: &'a [bool],
    first: &'a Image,
    normal: Point,
}

impl Arrange<'_> {
    /// One volume where the frames make one; else one for each value of the first key that gives volumes alone.
    fn all(&self, frames: &[Placed<'_>], key: usize) -> Result<Vec<Stack>, Reason> {
        let whole = self.one(frames);
        let reason = match whole {
            Ok(stack) => return Ok(vec![stack]),
            Err(reason) => reason,
        };
        let splits = KEYS.iter().enumerate().skip(key);
        let mut tried = splits.filter_map(|(at, read)| {
            let mut parts: BTreeMap<Option<u64>, Vec<Placed<'_>>> = BTreeMap::new();
            frames.iter().for_each(|f| parts.entry(read(&f.2.acquisition)).or_default().push(*f));
            // A slice by itself is even whatever is wrong: only repeats of one place may fall apart so far.
            let thin = reason != Reason::Duplicate && parts.values().any(|part| part.len() < 2);
            let split = !thin && parts.len() > 1 && parts.len() <= MAX_VOLUMES;
            split.then(|| {
                parts.values().map(|part| self.all(part, at + 1)).collect::<Result<Vec<_>, _>>().ok()
            })?
        });
        tried.next().map(|parts| parts.into_iter().flatten().collect()).ok_or(reason)
    }

    fn one(&self, frames: &[Placed<'_>]) -> Result<Stack, Reason> {
        let slice = |(file, frame, f): &Placed<'_>| Slice::new(*file, *frame, f, self.normal);
        let mut slices: Vec<Slice> = frames.iter().map(slice).collect();
        // Ties keep the order of the files, which the caller has made one that means nothing.
        slices.sort_by(|a, b| a.depth.total_cmp(&b.depth));
        let files: BTreeSet<usize> = slices.iter().map(|s| s.file).collect();
        let integral = files.iter().all(|file| self.integral.get(*file).is_some_and(|whole| *whole));
        even::stack(integral, self.first, slices, self.normal)
    }
}
