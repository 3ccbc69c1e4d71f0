//! What `cargo xtask bench sandbox` runs twice: here inside the sandbox, in examples/native.rs as it is.
//!
//! Parameter `what` chooses the work; the output has the numbers that both must agree on.
#![forbid(unsafe_code)]

use trocar_guest::kernels::radiomics::{Bins, Gather, Levels, first_order, glcm};
use trocar_guest::kernels::{Census, Edge, EvenBins, Kernel, Refused, Separable, Shape};
use trocar_guest::{Failure, Outputs, Params, Patient, SeriesInfo, Volume, Voxels};

/// Statistics and histogram of the volume.
pub const STATISTICS: i64 = 0;
/// Box filter of the middle slices.
pub const BOX: i64 = 1;
/// Convolution with 3 x 3 x 3 weights of the middle slices.
pub const CONVOLUTION: i64 = 2;
/// Co-occurrence matrix of the middle slices' tissue.
pub const GLCM: i64 = 3;
/// First-order features and co-occurrence matrix of a lesion: the series is its box, the mask the lesion.
pub const RADIOMICS: i64 = 4;

/// Slices that the work in three dimensions takes.
pub const SLICES: u32 = 16;

/// Maps one patient.
#[trocar_guest::algorithm]
fn bench(patient: &Patient, params: &Params) -> Result<Outputs, Failure> {
    let series = patient.series().into_iter().next().ok_or(Failure::Other("no series"))?;
    let volume = patient.open(0)?;
    let numbers = match params.integer("what")? {
        STATISTICS => {
            let mut work = Statistics::new()?;
            for slab in volume.slabs(&series) {
                match slab?.voxels {
                    Voxels::Whole(voxels) => work.add(&voxels),
                    Voxels::Real(_) => return Err(Failure::Other("not whole numbers")),
                }
            }
            work.numbers()
        }
        RADIOMICS => {
            let mask = patient.open_mask(0, "mask")?;
            let region = mask.bounds()?.ok_or(Failure::Other("an empty mask"))?;
            let (voxels, inside) = (volume.region(&series, &region)?, mask.region(&region)?);
            radiomics(&voxels, &inside, region.shape(), params.real("width")?)?
        }
        what => block(what, &middle(&volume, &series)?, shape(&series))?,
    };
    Ok(Outputs::new().vector(numbers))
}

fn shape(series: &SeriesInfo) -> Shape {
    Shape { slices: SLICES as usize, ..Shape::from(&series.grid) }
}

/// The middle slices as reals.
fn middle(volume: &Volume, series: &SeriesInfo) -> Result<Vec<f32>, Failure> {
    let first = (series.grid.slices - SLICES) / 2;
    let mut all = Vec::new();
    for at in (first..first + SLICES).step_by(2) {
        all.extend(volume.read_f32(at, 2)?);
    }
    Ok(all)
}

/// Mean, standard deviation, extremes and 256 bins over whole numbers.
#[derive(Debug)]
pub struct Statistics {
    census: Census,
    bins: EvenBins,
}

impl Statistics {
    /// Of nothing.
    ///
    /// # Errors
    /// None: the bins are fixed.
    pub fn new() -> Result<Self, Refused> {
        Ok(Self { census: Census::new(), bins: EvenBins::new(-1024.0, 3072.0, 256)? })
    }

    /// Adds a slab.
    pub fn add(&mut self, voxels: &[i16]) {
        self.census.add(voxels);
    }

    /// Mean, sd, least, greatest, and the bins.
    #[must_use]
    pub fn numbers(&self) -> Vec<f64> {
        let (mean, sd) = self.census.mean_and_sd().unwrap_or_default();
        let (low, high) = self.census.extremes().unwrap_or_default();
        let (counts, _) = self.census.bins(&self.bins);
        let first = [mean, sd, f64::from(low), f64::from(high)];
        first.into_iter().chain(counts.iter().map(|n| *n as f64)).collect()
    }
}

/// Work on a block of slices, as its sum and the sum of its squares, or as the figures themselves.
///
/// # Errors
/// A block of another shape, or work that is none.
pub fn block(what: i64, voxels: &[f32], shape: Shape) -> Result<Vec<f64>, Refused> {
    match what {
        BOX => Ok(summary(&Separable::mean([2, 2, 2], Edge::Reflect)?.apply(voxels, shape)?)),
        CONVOLUTION => {
            let weights: Vec<f32> = (0_u16..27).map(|i| (f32::from(i * 7 % 11) - 4.0) / 16.0).collect();
            let kernel = Kernel::new(&weights, Shape::new(3, 3, 3), Edge::Reflect)?;
            Ok(summary(&kernel.apply(voxels, shape)?))
        }
        GLCM => {
            let inside: Vec<u8> = voxels.iter().map(|v| u8::from(*v > -500.0)).collect();
            let levels = Levels::new(voxels, &inside, shape, Bins::Width { width: 25.0, from: -1000.0 })?;
            Ok(glcm(&levels, Gather::Merge)?.numbers())
        }
        _ => Err(Refused::Size),
    }
}

/// First-order features, then those of the co-occurrence matrix, direction by direction, with bins of a width.
///
/// # Errors
/// A lesion that has none.
pub fn radiomics(voxels: &[f32], inside: &[u8], shape: Shape, width: f64) -> Result<Vec<f64>, Refused> {
    let mut all = first_order(voxels, inside)?.numbers();
    let levels = Levels::new(voxels, inside, shape, Bins::Aligned { width })?;
    all.extend(glcm(&levels, Gather::Average)?.numbers());
    Ok(all)
}

fn summary(voxels: &[f32]) -> Vec<f64> {
    let sum = |of: &dyn Fn(f64) -> f64| voxels.iter().map(|v| of(f64::from(*v))).sum();
    vec![sum(&|v| v), sum(&|v| v * v)]
}
