use crate::grid::{Grid, Size};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use trocar_terms::Modality;

/// What a voxel is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tissue {
    Air,
    Body,
    Lesion,
}

/// One patient's body, the same in all her series: an elliptic cylinder with spheres in it.
#[derive(Debug, Clone)]
pub(crate) struct Phantom {
    half_axes_mm: (f64, f64),
    lesions: Vec<Sphere>,
}

#[derive(Debug, Clone, Copy)]
struct Sphere {
    centre_mm: [f64; 3],
    radius_mm: f64,
}

/// Half the length of the body along its axis.
const HALF_LENGTH_MM: f64 = 40.0;

impl Phantom {
    pub(crate) fn draw(rng: &mut ChaCha8Rng, size: Size) -> Self {
        let half_axes_mm = (rng.random_range(100.0..140.0), rng.random_range(75.0..110.0));
        let lesions = (0..rng.random_range(0..4)).map(|_| Sphere::draw(rng, half_axes_mm, size)).collect();
        Self { half_axes_mm, lesions }
    }

    pub(crate) const fn lesions(&self) -> usize {
        self.lesions.len()
    }

    /// What lies at the centre of a voxel.
    pub(crate) fn tissue(&self, grid: &Grid, column: usize, row: usize, slice: usize) -> Tissue {
        let at = grid.centre_mm(column as f64, row as f64, slice as f64);
        let [x, y, _] = at;
        let (a, b) = self.half_axes_mm;
        if x * x / (a * a) + y * y / (b * b) > 1.0 {
            return Tissue::Air;
        }
        if self.lesions.iter().any(|sphere| sphere.holds(at)) { Tissue::Lesion } else { Tissue::Body }
    }
}

/// The levels of a series' tissues: CT in HU, MR as stored, PET in thousandths of SUV.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Levels {
    modality: Modality,
    body: i32,
    lesion: i32,
}

impl Levels {
    pub(crate) fn draw(rng: &mut ChaCha8Rng, modality: Modality) -> Self {
        let (body, lesion) = match modality {
            Modality::CT => (rng.random_range(30..50), rng.random_range(150..200)),
            Modality::MR => (rng.random_range(280..360), rng.random_range(700..1000)),
            Modality::PT => (rng.random_range(700..1300), rng.random_range(4000..12_000)),
        };
        Self { modality, body, lesion }
    }

    /// The level of a tissue without noise, and the largest noise that cannot make it look like another.
    const fn of(&self, tissue: Tissue) -> (i32, i32) {
        match (tissue, self.modality) {
            (Tissue::Air, Modality::CT) => (-1000, 20),
            (Tissue::Air, Modality::MR | Modality::PT) => (20, 20),
            (Tissue::Body, Modality::CT) => (self.body, 25),
            (Tissue::Body, Modality::MR) => (self.body, 60),
            (Tissue::Body, Modality::PT) => (self.body, 400),
            (Tissue::Lesion, Modality::CT) => (self.lesion, 25),
            (Tissue::Lesion, Modality::MR) => (self.lesion, 60),
            (Tissue::Lesion, Modality::PT) => (self.lesion, 800),
        }
    }

    /// The value of a voxel: HU, stored value or SUV.
    pub(crate) fn value(&self, rng: &mut ChaCha8Rng, tissue: Tissue) -> f64 {
        let (level, most) = self.of(tissue);
        let scale = if self.modality == Modality::PT { 0.001 } else { 1.0 };
        f64::from(level + noise(rng, most)) * scale
    }
}

impl Sphere {
    /// A sphere that lies wholly inside the body: of 8 to 25 mm, or larger where the voxels are.
    fn draw(rng: &mut ChaCha8Rng, (a, b): (f64, f64), size: Size) -> Self {
        let radius_mm = match size {
            Size::Normal => rng.random_range(8.0..25.0),
            Size::Tiny | Size::Headers => rng.random_range(24.0..36.0),
        };
        let half = HALF_LENGTH_MM - radius_mm;
        let (x, y) = (0.6 * (a - radius_mm), 0.6 * (b - radius_mm));
        let centre_mm = [rng.random_range(-x..x), rng.random_range(-y..y), rng.random_range(-half..half)];
        Self { centre_mm, radius_mm }
    }

    fn holds(&self, at: [f64; 3]) -> bool {
        let squares = at.iter().zip(self.centre_mm).map(|(p, c)| (p - c) * (p - c));
        squares.sum::<f64>() <= self.radius_mm * self.radius_mm
    }
}

/// Noise in whole numbers, the same on every machine: the sum of four bytes is nearly normal with a standard
/// deviation of 148, and at most 510 from its middle, here scaled so that it is never above `most`.
fn noise(rng: &mut ChaCha8Rng, most: i32) -> i32 {
    let sum: i32 = rng.next_u32().to_le_bytes().into_iter().map(i32::from).sum();
    (sum - 510) * most / 510
}
