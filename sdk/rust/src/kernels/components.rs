//! Thresholds, and what hangs together: connected components in three dimensions.

use super::{Refused, shape::Shape, voxel::Voxel};

/// Labels that can be told apart.
const MOST: u32 = 1 << 30;

/// Marks the voxels from `low` up to and including `high` with 1, all others (and what is not a number) with 0.
#[must_use]
pub fn within<V: Voxel>(voxels: &[V], low: f64, high: f64) -> Vec<u8> {
    voxels.iter().map(|v| u8::from((low..=high).contains(&v.real()))).collect()
}

/// Which voxels touch: those that share a face, at least an edge, or at least a corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Neighbours {
    /// 6 neighbours.
    Faces,
    /// 18 neighbours.
    Edges,
    /// 26 neighbours.
    Corners,
}

/// The sizes of all components, slab by slab. It holds two slices and a number for each component that the last slice still
/// touches, so that a volume needs no more memory than a slice.
#[derive(Debug, Clone)]
pub struct Sizes {
    scan: Scan,
    keep: usize,
    found: Found,
}

/// What was found in a mask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Voxels of the largest components, largest first.
    pub largest: Vec<u64>,
    /// Number of components, those that are not listed included.
    pub components: u64,
    /// Voxels of all components.
    pub voxels: u64,
}

impl Sizes {
    /// For slices of so many columns and rows; only the `keep` largest components are listed.
    ///
    /// # Errors
    /// A side of zero or a slice of more than 2^30 voxels.
    pub fn new(columns: usize, rows: usize, neighbours: Neighbours, keep: usize) -> Result<Self, Refused> {
        let scan = Scan::new(Shape::new(columns, rows, 1), neighbours)?;
        Ok(Self { scan, keep, found: Found::default() })
    }

    /// Adds whole slices of a mask: 1 is inside.
    ///
    /// # Errors
    /// Not a whole number of slices.
    pub fn add(&mut self, marks: &[u8]) -> Result<(), Refused> {
        let (slices, rest) =
            (marks.chunks_exact(self.scan.shape.plane()), marks.len() % self.scan.shape.plane());
        if rest != 0 {
            return Err(Refused::Length);
        }
        for slice in slices {
            self.scan.slice(slice)?;
            self.close();
        }
        Ok(())
    }

    /// Components that the slice does not touch cannot grow any more; the others get the lowest numbers.
    fn close(&mut self) {
        let mut forest = Forest::default();
        let mut new = vec![0; self.scan.forest.parents.len()];
        for label in self.scan.near.iter_mut().filter(|label| **label > 0) {
            let root = self.scan.forest.root(*label);
            if new[root as usize] == 0 {
                new[root as usize] = forest.push(self.scan.forest.sizes[root as usize]);
            }
            *label = new[root as usize];
        }
        let done = self.scan.forest.roots().filter(|(root, _)| new[*root as usize] == 0);
        done.for_each(|(_, size)| self.found.see(size, self.keep));
        self.scan.forest = forest;
    }

    /// All components, once every slice was added.
    #[must_use]
    pub fn finish(mut self) -> Found {
        self.scan.forest.roots().for_each(|(_, size)| self.found.see(size, self.keep));
        self.found
    }
}

impl Found {
    /// Takes its place among the largest, if it has one.
    fn see(&mut self, size: u64, keep: usize) {
        self.components += 1;
        self.voxels += size;
        let place = self.largest.partition_point(|other| *other >= size);
        if place < keep {
            self.largest.truncate(keep - 1);
            self.largest.insert(place, size);
        }
    }
}

/// A label for each voxel of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// 0 outside; else the component, from 1, in the order of their first voxels.
    pub labels: Vec<u32>,
    /// Voxels of component 1, 2, ...
    pub sizes: Vec<u64>,
}

impl Labelled {
    /// The largest component as a mask: of equals the first; all 0 without any.
    #[must_use]
    pub fn largest(&self) -> Vec<u8> {
        let best = (1_u32..).zip(&self.sizes).reduce(|best, next| if next.1 > best.1 { next } else { best });
        let label = best.map_or(u32::MAX, |(label, _)| label);
        self.labels.iter().map(|l| u8::from(*l == label)).collect()
    }
}

/// Labels the components of a block: 1 is inside. It takes four bytes a voxel and twelve a component.
///
/// # Errors
/// The block is not as long as its shape says, or has more than 2^30 components.
pub fn label(marks: &[u8], shape: Shape, neighbours: Neighbours) -> Result<Labelled, Refused> {
    shape.of(marks)?;
    let mut scan = Scan::new(Shape { slices: 1, ..shape }, neighbours)?;
    let mut labels = Vec::with_capacity(marks.len());
    for slice in marks.chunks_exact(shape.plane()) {
        scan.slice(slice)?;
        let rows = scan.near.chunks_exact(shape.columns + 2).skip(1).take(shape.rows);
        rows.for_each(|row| labels.extend_from_slice(&row[1..=shape.columns]));
    }
    let (mut forest, mut sizes) = (scan.forest, Vec::new());
    let mut new = vec![0; forest.parents.len()];
    for label in labels.iter_mut().filter(|label| **label > 0) {
        let root = forest.root(*label) as usize;
        if new[root] == 0 {
            sizes.push(forest.sizes[root]);
            new[root] = u32::try_from(sizes.len()).map_err(|_| Refused::Size)?;
        }
        *label = new[root];
    }
    Ok(Labelled { labels, sizes })
}

/// Trees of labels that were found to be one component; a root is its own parent. Label 0 is no component.
#[derive(Debug, Clone)]
struct Forest {
    parents: Vec<u32>,
    sizes: Vec<u64>,
}

impl Default for Forest {
    fn default() -> Self {
        Self { parents: vec![0], sizes: vec![0] }
    }
}

impl Forest {
    #[allow(clippy::cast_possible_truncation, reason = "Scan::slice refuses before 2^30 labels")]
    fn push(&mut self, size: u64) -> u32 {
        let label = self.parents.len() as u32;
        self.parents.push(label);
        self.sizes.push(size);
        label
    }

    /// Halves the path on its way, so that later ways are short.
    fn root(&mut self, mut label: u32) -> u32 {
        while self.parents[label as usize] != label {
            let above = self.parents[self.parents[label as usize] as usize];
            self.parents[label as usize] = above;
            label = above;
        }
        label
    }

    /// The smaller tree goes below the larger one.
    fn join(&mut self, a: u32, b: u32) -> u32 {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return a;
        }
        let (low, high) = if self.sizes[a as usize] < self.sizes[b as usize] { (a, b) } else { (b, a) };
        self.parents[low as usize] = high;
        self.sizes[high as usize] += self.sizes[low as usize];
        high
    }

    fn roots(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        let all = (0_u32..).zip(&self.parents).zip(&self.sizes).skip(1);
        all.filter(|((label, parent), _)| label == *parent).map(|((label, _), size)| (label, *size))
    }
}

/// Goes over a volume slice by slice. Labels of a slice have a border of 0, so that every voxel has all its neighbours.
#[derive(Debug, Clone)]
struct Scan {
    shape: Shape,
    /// Neighbours that were seen before a voxel, as distances within a slice with its border.
    before: Vec<usize>,
    /// Those in the slice before, as distances from the corner above and left of the voxel.
    below: Vec<usize>,
    near: Vec<u32>,
    far: Vec<u32>,
    forest: Forest,
}

impl Scan {
    fn new(shape: Shape, neighbours: Neighbours) -> Result<Self, Refused> {
        let wide = Shape::new(shape.columns.saturating_add(2), shape.rows.saturating_add(2), 1);
        let (size, w) = (wide.voxels()?, wide.columns);
        if size > MOST as usize || shape.voxels().is_err() {
            return Err(Refused::Size);
        }
        let (before, below) = match neighbours {
            Neighbours::Faces => (vec![1, w], vec![w + 1]),
            Neighbours::Edges => (vec![1, w - 1, w, w + 1], vec![1, w, w + 1, w + 2, 2 * w + 1]),
            Neighbours::Corners => {
                (vec![1, w - 1, w, w + 1], vec![0, 1, 2, w, w + 1, w + 2, 2 * w, 2 * w + 1, 2 * w + 2])
            }
        };
        Ok(Self { shape, before, below, near: vec![0; size], far: vec![0; size], forest: Forest::default() })
    }

    fn slice(&mut self, marks: &[u8]) -> Result<(), Refused> {
        std::mem::swap(&mut self.near, &mut self.far);
        self.near.fill(0);
        let w = self.shape.columns + 2;
        for (y, row) in marks.chunks_exact(self.shape.columns).enumerate() {
            let first = (y + 1) * w + 1;
            for (x, _) in row.iter().enumerate().filter(|(_, mark)| **mark == 1) {
                self.near[first + x] = self.voxel(first + x, w);
            }
        }
        if self.forest.parents.len() > MOST as usize { Err(Refused::Size) } else { Ok(()) }
    }

    /// The label of a voxel that is inside: one of a neighbour's, all of which are the same component from here on.
    fn voxel(&mut self, at: usize, w: usize) -> u32 {
        let before = self.before.iter().map(|d| self.near[at - d]);
        let below = self.below.iter().map(|d| self.far[at - w - 1 + d]);
        let mut label = 0;
        for other in before.chain(below).filter(|other| *other > 0) {
            label = if label == 0 || label == other { other } else { self.forest.join(label, other) };
        }
        if label == 0 {
            return self.forest.push(1);
        }
        let root = self.forest.root(label);
        self.forest.sizes[root as usize] += 1;
        root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Neighbours; 3] = [Neighbours::Faces, Neighbours::Edges, Neighbours::Corners];

    fn sizes(marks: &[u8], shape: Shape, neighbours: Neighbours, keep: usize) -> Found {
        let mut sizes = Sizes::new(shape.columns, shape.rows, neighbours, keep).unwrap();
        marks.chunks(shape.plane() * 2).for_each(|slab| sizes.add(slab).unwrap());
        sizes.finish()
    }

    /// Speckle of about a third, from a fixed sequence.
    fn speckle(n: usize) -> Vec<u8> {
        let mut state = 12_345_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            u8::from(state >> 24 < 80)
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn voxels_touch_by_faces_edges_and_corners() {
        // (0,0,0), (1,0,0): a face; (2,1,0): an edge; (3,2,1): a corner.
        let shape = Shape::new(4, 3, 2);
        let mut marks = vec![0; 24];
        for (x, y, z) in [(0, 0, 0), (1, 0, 0), (2, 1, 0), (3, 2, 1)] {
            marks[z * 12 + y * 4 + x] = 1;
        }
        let found = ALL.map(|n| label(&marks, shape, n).unwrap().sizes);
        assert_eq!(found, [vec![2, 1, 1], vec![3, 1], vec![4]]);
    }

    #[test]
    fn slab_by_slab_gives_the_sizes_of_the_whole() {
        let shape = Shape::new(19, 13, 11);
        let marks = speckle(19 * 13 * 11);
        for neighbours in ALL {
            let whole = label(&marks, shape, neighbours).unwrap();
            let mut want = whole.sizes.clone();
            want.sort_unstable_by(|a, b| b.cmp(a));
            let found = sizes(&marks, shape, neighbours, usize::MAX);
            assert_eq!(found.largest, want);
            assert_eq!((found.components, found.voxels), (want.len() as u64, want.iter().sum()));
            assert_eq!(sizes(&marks, shape, neighbours, 3).largest, want[..want.len().min(3)]);
            assert_eq!(sizes(&marks, shape, neighbours, 0).components, want.len() as u64);
        }
    }

    #[test]
    fn labels_count_their_voxels_and_stand_in_the_order_of_first_voxels() {
        let found = label(&speckle(1000), Shape::new(10, 10, 10), Neighbours::Faces).unwrap();
        let mut seen = 0;
        for l in &found.labels {
            assert!(*l <= seen + 1);
            seen = seen.max(*l);
        }
        let counted = (1..=seen).map(|l| found.labels.iter().filter(|x| **x == l).count() as u64);
        assert_eq!(counted.collect::<Vec<_>>(), found.sizes);
    }

    #[test]
    fn a_spiral_that_closes_late_is_one_component() {
        let plane = [1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1];
        assert_eq!(label(&plane, Shape::new(5, 5, 1), Neighbours::Faces).unwrap().sizes, [17]);
    }

    #[test]
    fn the_largest_component_is_a_mask_and_without_any_it_is_empty() {
        let shape = Shape::new(6, 1, 1);
        assert_eq!(
            label(&[1, 0, 1, 1, 0, 1], shape, Neighbours::Faces).unwrap().largest(),
            [0, 0, 1, 1, 0, 0]
        );
        assert_eq!(label(&[0; 6], shape, Neighbours::Faces).unwrap().largest(), [0; 6]);
        assert_eq!(sizes(&[0; 6], shape, Neighbours::Faces, 9), Found::default());
    }

    #[test]
    fn thresholds_hold_both_ends_and_nothing_that_is_not_a_number() {
        assert_eq!(within(&[-1_i16, 0, 5, 6], 0.0, 5.0), [0, 1, 1, 0]);
        assert_eq!(within(&[f32::NAN, 1.0, f32::INFINITY], 0.0, f64::INFINITY), [0, 1, 1]);
    }

    #[test]
    fn slices_that_are_not_whole_are_refused() {
        let mut all = Sizes::new(3, 3, Neighbours::Faces, 1).unwrap();
        assert_eq!(all.add(&[1; 10]), Err(Refused::Length));
        assert!(
            Sizes::new(0, 3, Neighbours::Faces, 1).is_err()
                && Sizes::new(usize::MAX, 3, Neighbours::Faces, 1).is_err()
        );
        assert_eq!(label(&[1; 10], Shape::new(3, 3, 1), Neighbours::Faces), Err(Refused::Length));
    }
}
