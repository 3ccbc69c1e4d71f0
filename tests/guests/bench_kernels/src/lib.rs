//! What `cargo xtask bench sandbox` runs twice: here inside the sandbox, in examples/native.rs as it is.
//!
//! Parameter `what` chooses the work; the output has the numbers that both must agree on.
#![forbid(unsafe_code)]

use trocar_guest::kernels::radiomics::{Bins, Gather, Levels, first_order, glcm};
use trocar_guest::kernels::{
    Edge, EvenBins, Histogram, Kernel, Refused, Region, Separable, Shape, Statistics,
};
use trocar_guest::{Failure, Fault, Outputs, Params, Patient, SeriesInfo, Volume, Voxels, Windows};

/// Statistics and histogram of the volume.
pub const STATISTICS: i64 = 0;
/// Box filter of the volume.
pub const BOX: i64 = 1;
/// Convolution of the volume with 3 x 3 x 3 weights.
pub const CONVOLUTION: i64 = 2;
/// Co-occurrence matrix of the tissue in the middle slices.
pub const GLCM: i64 = 3;
/// First-order features and co-occurrence matrix of a lesion: the series is its box, the mask the lesion.
pub const RADIOMICS: i64 = 4;

/// Slices that the co-occurrence matrix takes.
const SLICES: usize = 16;

/// Maps one patient.
#[trocar_guest::algorithm]
fn bench(patient: &Patient, params: &Params) -> Result<Outputs, Failure> {
    let series = patient.series().into_iter().next().ok_or(Failure::Other("no series"))?;
    let volume = patient.open(0)?;
    let numbers = match params.integer("what")? {
        STATISTICS => statistics(&volume, &series)?,
        GLCM => {
            let middle = middle(Shape::from(&series.grid));
            matrix(&volume.region(&series, &middle)?, middle.shape())?
        }
        RADIOMICS => {
            let mask = patient.open_mask(0, "mask")?;
            let region = mask.bounds()?.ok_or(Failure::Other("an empty mask"))?;
            let (voxels, inside) = (volume.region(&series, &region)?, mask.region(&region)?);
            radiomics(&voxels, &inside, region.shape(), params.real("width")?)?
        }
        what => {
            let filter = Filter::new(what)?;
            filtered(&filter, volume.windows(&series, filter.halo()))?
        }
    };
    Ok(Outputs::new().vector(numbers))
}

fn statistics(volume: &Volume, series: &SeriesInfo) -> Result<Vec<f64>, Failure> {
    let mut work = Figures::new()?;
    for slab in volume.slabs(series) {
        match slab?.voxels {
            Voxels::Whole(voxels) => work.add(&voxels),
            Voxels::Real(_) => return Err(Failure::Other("not whole numbers")),
        }
    }
    Ok(work.numbers())
}

/// Mean, standard deviation, extremes and 256 bins over whole numbers.
#[derive(Debug)]
pub struct Figures {
    statistics: Statistics,
    histogram: Histogram,
}

impl Figures {
    /// Of nothing.
    ///
    /// # Errors
    /// None: the bins are fixed.
    pub fn new() -> Result<Self, Refused> {
        let histogram = Histogram::new(EvenBins::new(-1024.0, 3072.0, 256)?);
        Ok(Self { statistics: Statistics::new(), histogram })
    }

    /// Adds a slab.
    pub fn add(&mut self, voxels: &[i16]) {
        self.statistics.add(voxels);
        self.histogram.add(voxels);
    }

    /// Mean, sd, least, greatest, and the bins.
    #[must_use]
    pub fn numbers(&self) -> Vec<f64> {
        let all = &self.statistics;
        let first = [all.mean(), all.sd(), all.min(), all.max()].map(|figure| figure.unwrap_or(f64::NAN));
        first.into_iter().chain(self.histogram.counts().iter().map(|n| *n as f64)).collect()
    }
}

/// What goes over a volume with a halo.
#[derive(Debug)]
pub enum Filter {
    /// The mean of a box of 5 x 5 x 5.
    Mean(Separable),
    /// 27 weights.
    Convolution(Kernel),
}

impl Filter {
    /// The one that `what` names.
    ///
    /// # Errors
    /// It names none.
    pub fn new(what: i64) -> Result<Self, Refused> {
        match what {
            BOX => Ok(Self::Mean(Separable::mean([2, 2, 2], Edge::Reflect)?)),
            CONVOLUTION => {
                let weights: Vec<f32> = (0_u16..27).map(|i| (f32::from(i * 7 % 11) - 4.0) / 16.0).collect();
                Ok(Self::Convolution(Kernel::new(&weights, Shape::new(3, 3, 3), Edge::Reflect)?))
            }
            _ => Err(Refused::Size),
        }
    }

    /// Slices to either side.
    #[must_use]
    pub const fn halo(&self) -> usize {
        match self {
            Self::Mean(filter) => filter.halo(),
            Self::Convolution(kernel) => kernel.halo(),
        }
    }
}

/// Mean and standard deviation of the filtered volume, which is never held as a whole.
///
/// # Errors
/// What the windows' reader gives instead of slices.
pub fn filtered<R>(filter: &Filter, mut windows: Windows<R>) -> Result<Vec<f64>, Failure>
where
    R: FnMut(u32, u32) -> Result<Vec<f32>, Fault>,
{
    let mut all = Statistics::new();
    while let Some(window) = windows.advance()? {
        let (voxels, shape, own) = (window.voxels, window.shape, window.own);
        all.add(&match filter {
            Filter::Mean(filter) => filter.apply_to(voxels, shape, own)?,
            Filter::Convolution(kernel) => kernel.apply_to(voxels, shape, own)?,
        });
    }
    Ok([all.mean(), all.sd()].map(|figure| figure.unwrap_or(f64::NAN)).to_vec())
}

/// The slices in the middle.
#[must_use]
pub fn middle(shape: Shape) -> Region {
    let first = shape.slices.saturating_sub(SLICES) / 2;
    Region { slices: first..(first + SLICES).min(shape.slices), ..Region::whole(shape) }
}

/// The co-occurrence matrix of all that is above -500 HU.
///
/// # Errors
/// A block of another shape, or without tissue.
pub fn matrix(voxels: &[f32], shape: Shape) -> Result<Vec<f64>, Refused> {
    let inside: Vec<u8> = voxels.iter().map(|v| u8::from(*v > -500.0)).collect();
    let levels = Levels::new(voxels, &inside, shape, Bins::Width { width: 25.0, from: -1000.0 })?;
    Ok(glcm(&levels, Gather::Merge)?.numbers())
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
