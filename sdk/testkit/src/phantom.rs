use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use trocar_terms::Modality;

/// Columns and rows of a slice.
pub(crate) const SIDE: usize = 64;
/// Slices of a volume.
pub(crate) const SLICES: usize = 16;
/// Voxels are cubes.
pub(crate) const SPACING_MM: f64 = 5.0;
/// Millilitres of a voxel.
pub(crate) const VOXEL_ML: f64 = SPACING_MM * SPACING_MM * SPACING_MM / 1000.0;

/// What a voxel is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tissue {
    Air,
    Body,
    Lesion,
}

/// One patient's body: an elliptic cylinder with spheres in it.
#[derive(Debug, Clone)]
pub(crate) struct Phantom {
    half_axes_mm: (f64, f64),
    lesions: Vec<Sphere>,
    /// Level of the body's tissue, in the unit of the levels below.
    body: i32,
    lesion: i32,
}

#[derive(Debug, Clone, Copy)]
struct Sphere {
    centre_mm: [f64; 3],
    radius_mm: f64,
}

impl Phantom {
    pub(crate) fn draw(rng: &mut ChaCha8Rng, modality: Modality) -> Self {
        let half_axes_mm = (rng.random_range(100.0..140.0), rng.random_range(75.0..110.0));
        let lesions = (0..rng.random_range(0..4)).map(|_| Sphere::draw(rng, half_axes_mm)).collect();
        let (body, lesion) = match modality {
            Modality::CT => (rng.random_range(30..50), rng.random_range(150..200)),
            Modality::MR => (rng.random_range(280..360), rng.random_range(700..1000)),
            Modality::PT => (rng.random_range(700..1300), rng.random_range(4000..12_000)),
        };
        Self { half_axes_mm, lesions, body, lesion }
    }

    pub(crate) const fn lesions(&self) -> usize {
        self.lesions.len()
    }

    /// What lies at the centre of a voxel.
    pub(crate) fn tissue(&self, column: usize, row: usize, slice: usize) -> Tissue {
        let at = [place(column, SIDE), place(row, SIDE), place(slice, SLICES)];
        let [x, y, _] = at;
        let (a, b) = self.half_axes_mm;
        if x * x / (a * a) + y * y / (b * b) > 1.0 {
            return Tissue::Air;
        }
        if self.lesions.iter().any(|sphere| sphere.holds(at)) { Tissue::Lesion } else { Tissue::Body }
    }

    /// The level of a tissue without noise, and the largest noise that cannot make it look like another.
    ///
    /// CT in HU, MR as stored, PET in thousandths of SUV.
    pub(crate) const fn level(&self, tissue: Tissue, modality: Modality) -> (i32, i32) {
        match (tissue, modality) {
            (Tissue::Air, Modality::CT) => (-1000, 20),
            (Tissue::Air, Modality::MR) => (20, 20),
            (Tissue::Air, Modality::PT) => (20, 20),
            (Tissue::Body, Modality::CT) => (self.body, 25),
            (Tissue::Body, Modality::MR) => (self.body, 60),
            (Tissue::Body, Modality::PT) => (self.body, 400),
            (Tissue::Lesion, Modality::CT) => (self.lesion, 25),
            (Tissue::Lesion, Modality::MR) => (self.lesion, 60),
            (Tissue::Lesion, Modality::PT) => (self.lesion, 800),
        }
    }
}

/// Millimetres from the middle of the volume.
fn place(index: usize, count: usize) -> f64 {
    (index as f64 - (count as f64 - 1.0) / 2.0) * SPACING_MM
}

impl Sphere {
    /// A sphere of 8 to 25 mm that lies wholly inside the body.
    fn draw(rng: &mut ChaCha8Rng, (a, b): (f64, f64)) -> Self {
        let radius_mm = rng.random_range(8.0..25.0);
        let half = SLICES as f64 * SPACING_MM / 2.0 - radius_mm;
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
pub(crate) fn noise(rng: &mut ChaCha8Rng, most: i32) -> i32 {
    let sum: i32 = rng.next_u32().to_le_bytes().into_iter().map(i32::from).sum();
    (sum - 510) * most / 510
}
