//! NIfTI-1 images (nifti1.h of the NIH's NIfTI DFWG) with a sidecar in the DICOM JSON model: volumes and label images.
//!
//! Read by our own code: the image comes as a descriptor, and nothing is allocated because a header declares it.

mod data;
mod head;
mod read;
mod sidecar;
mod volume;

pub(crate) use data::map;
pub(crate) use read::NiftiHeader;
pub use read::{read_header_nifti, read_sidecar};
pub(crate) use volume::NiftiVolume;
