//! Summary and histogram of selected voxels in one pass.

use crate::bindings::exports::trocar::kernels::statistics::{Distribution, Selection, Summary};
use crate::bins::Edges;
use crate::read::{Slices, Visit, visit};
use crate::selected::Selected;
use trocar_guest::kernels::{Census, Statistics};
use trocar_guest::{Fault, Mask, Volume};

pub(crate) fn survey(
    of: &Volume,
    which: &Selection,
    inside: Option<&Mask>,
    bins: Option<&Edges>,
) -> Result<Distribution, Fault> {
    let grid = of.grid();
    let selected = Selected::new(which, &grid)?;
    let slices = selected.slices;
    let mut survey = Survey { selected, bins, census: None, reals: Reals::new(bins), marks: Vec::new() };
    visit(of, &grid, slices, inside, &mut survey)?;
    Ok(survey.finish())
}

/// What was seen so far. Whole numbers are counted by value: limits, moments and bins then follow from 65,536 counts.
struct Survey<'a> {
    selected: Selected,
    bins: Option<&'a Edges>,
    census: Option<Census>,
    reals: Reals<'a>,
    marks: Vec<u8>,
}

impl Visit for Survey<'_> {
    fn whole(&mut self, at: Slices, voxels: &[i16], marks: Option<&[u8]>) {
        let census = self.census.get_or_insert_with(Census::new);
        for (first, count) in self.selected.runs(at.count as usize) {
            let Some(run) = part(voxels, first, count) else { continue };
            match marks {
                Some(marks) => census.add_inside(run, part(marks, first, count).unwrap_or_default()),
                None => census.add(run),
            }
        }
    }

    fn real(&mut self, at: Slices, voxels: &[f32], marks: Option<&[u8]>) {
        for (first, count) in self.selected.runs(at.count as usize) {
            let Some(run) = part(voxels, first, count) else { continue };
            let given = marks.map(|marks| part(marks, first, count).unwrap_or_default());
            if self.selected.limited() {
                mark(&self.selected, run, given, &mut self.marks);
                self.reals.add(run, Some(&self.marks));
            } else {
                self.reals.add(run, given);
            }
        }
    }
}

impl Survey<'_> {
    fn finish(self) -> Distribution {
        match &self.census {
            Some(census) => of_whole(census, &self.selected, self.bins),
            None => self.reals.finish(),
        }
    }
}

fn part<T>(all: &[T], first: usize, count: usize) -> Option<&[T]> {
    all.get(first..)?.get(..count)
}

/// Marks the voxels within the limits, of those that the mask has.
fn mark(selected: &Selected, voxels: &[f32], given: Option<&[u8]>, marks: &mut Vec<u8>) {
    marks.clear();
    marks.extend(voxels.iter().map(|v| u8::from(selected.keeps(f64::from(*v)))));
    for (mark, given) in marks.iter_mut().zip(given.into_iter().flatten()) {
        *mark &= u8::from(*given == 1);
    }
}

/// Exact sums, rounded once.
fn of_whole(census: &Census, selected: &Selected, bins: Option<&Edges>) -> Distribution {
    let mut counts = vec![0_u64; bins.map_or(0, Edges::count)];
    let (mut n, mut sum, mut squares, mut ends) = (0_i128, 0_i128, 0_i128, None);
    for (value, times) in census.values().filter(|(value, _)| selected.keeps(f64::from(*value))) {
        let (whole, count) = (i128::from(value), i128::from(times));
        (n, sum, squares) = (n + count, sum + whole * count, squares + whole * whole * count);
        ends = Some((ends.map_or(value, |(low, _)| low), value));
        let bin = bins.and_then(|bins| bins.find(f64::from(value)));
        if let Some(count) = bin.and_then(|bin| counts.get_mut(bin)) {
            *count += times;
        }
    }
    let (voxels, total) = (u64::try_from(n).unwrap_or(u64::MAX), n as f64);
    let sd = ((n * squares - sum * sum) as f64).sqrt() / total;
    let (min, max) = ends.map_or((f64::NAN, f64::NAN), |(a, b)| (f64::from(a), f64::from(b)));
    let summary = Summary { voxels, sum: sum as f64, mean: sum as f64 / total, sd, min, max };
    Distribution { summary, counts }
}

/// Reals: added in the order in which they lie.
struct Reals<'a> {
    statistics: Statistics,
    bins: Option<&'a Edges>,
    counts: Vec<u64>,
}

impl<'a> Reals<'a> {
    fn new(bins: Option<&'a Edges>) -> Self {
        Self { statistics: Statistics::new(), bins, counts: vec![0; bins.map_or(0, Edges::count)] }
    }

    fn add(&mut self, voxels: &[f32], marks: Option<&[u8]>) {
        match marks {
            Some(marks) => self.statistics.add_inside(voxels, marks),
            None => self.statistics.add(voxels),
        }
        if let Some(bins) = self.bins {
            self.count(bins, voxels, marks);
        }
    }

    fn count(&mut self, bins: &Edges, voxels: &[f32], marks: Option<&[u8]>) {
        for (at, voxel) in voxels.iter().enumerate() {
            let kept = marks.is_none_or(|marks| marks.get(at) == Some(&1));
            let bin = if kept { bins.find(f64::from(*voxel)) } else { None };
            if let Some(count) = bin.and_then(|bin| self.counts.get_mut(bin)) {
                *count += 1;
            }
        }
    }

    fn finish(self) -> Distribution {
        let (all, none) = (&self.statistics, f64::NAN);
        let summary = Summary {
            voxels: all.count(),
            sum: all.sum(),
            mean: all.mean().unwrap_or(none),
            sd: all.sd().unwrap_or(none),
            min: all.min().unwrap_or(none),
            max: all.max().unwrap_or(none),
        };
        Distribution { summary, counts: self.counts }
    }
}

#[cfg(test)]
mod tests;
