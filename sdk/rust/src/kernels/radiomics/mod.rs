//! Features of a region of interest, as the Image Biomarker Standardisation Initiative defines them (IBSI reference manual,
//! arXiv:1612.07003v11; Zwanenburg et al., Radiology 295, 2020). The code after a feature is that of the manual.
//!
//! ```
//! use trocar_guest::kernels::{Shape, radiomics::{Bins, Gather, Levels, first_order, glcm}};
//!
//! let (voxels, inside) = ([0.0_f32, 1.0, 2.0, 3.0, 4.0, 9.0], [1, 1, 1, 1, 1, 0]);
//! let first = first_order(&voxels, &inside)?;
//! let levels = Levels::new(&voxels, &inside, Shape::new(3, 2, 1), Bins::Width { width: 2.0, from: 0.0 })?;
//! let texture = glcm(&levels, Gather::Merge)?;
//! assert_eq!((first.mean, levels.count()), (2.0, 3));
//! assert!(texture.contrast > 0.0);
//! # Ok::<(), trocar_guest::kernels::Refused>(())
//! ```

#[macro_use]
mod figures;
mod first_order;
mod glcm;
mod histogram;
mod levels;
mod runs;
mod table;
mod zones;

pub use first_order::{FirstOrder, first_order};
pub use glcm::{Glcm, glcm};
pub use histogram::{Intensities, intensities};
pub use levels::{Bins, Levels};
pub use runs::glrlm;
pub use table::SizeMatrix;
pub use zones::glszm;

/// How the 13 directions of a volume become one figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gather {
    /// A figure for each direction, then their mean (IBSI: 3D, averaged, ITBB).
    Average,
    /// One matrix of all directions (IBSI: 3D, merged, IAZD).
    Merge,
}

/// Volume of a region, mm^3: its voxels, counted (IBSI YEKZ).
#[must_use]
pub fn volume(voxels: u64, spacing_mm: (f64, f64, f64)) -> f64 {
    voxels as f64 * spacing_mm.0 * spacing_mm.1 * spacing_mm.2
}

/// p log2 p, which is 0 where nothing occurs.
fn information(p: f64) -> f64 {
    if p > 0.0 { p * p.log2() } else { 0.0 }
}
