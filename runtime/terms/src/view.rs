//! What a guest can see of one patient. `imaging` makes these, `sandbox` hands them on; neither knows the other.

use crate::Value;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Why a host call gave nothing: the closed list of the guest contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The manifest did not ask for it.
    #[error("not granted")]
    NotGranted,
    /// The patient does not have it.
    #[error("absent")]
    Absent,
    /// It exists, but this host cannot give it in this form.
    #[error("unsupported")]
    Unsupported,
    /// An index or count beyond the end, or a slab over 2 MiB.
    #[error("out of range")]
    OutOfRange,
}

/// The grid of a volume: columns by rows by slices, with spacing in millimetres in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Voxels along a row (DICOM Columns).
    pub columns: u32,
    /// Voxels along a column (DICOM Rows).
    pub rows: u32,
    /// Number of slices.
    pub slices: u32,
    /// Distance between voxel centres along columns, rows, slices.
    pub spacing_mm: (f64, f64, f64),
}

/// One series as the guest sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesInfo {
    /// DICOM Modality: `CT`, `MR` or `PT`.
    pub modality: String,
    /// UCUM unit of the calibrated values: `[hnsf'U]`, `g/mL`, `Bq/mL`, `1`.
    pub unit: String,
    /// The grid.
    pub grid: Grid,
    /// Calibrated values are whole numbers that fit 16 bits signed; else only `f32` can be read.
    pub integral: bool,
}

/// One patient: the privacy unit.
pub trait Patient: Send {
    /// A cell of the clinical table.
    ///
    /// # Errors
    /// `Absent` where the column does not exist.
    fn column(&self, name: &str) -> Result<Value, Fault>;
    /// All her series, in an order that carries no information.
    fn series(&self) -> Vec<SeriesInfo>;
    /// An allow-listed attribute of a series.
    ///
    /// # Errors
    /// `OutOfRange` for a series that does not exist, `Absent` for an attribute outside the policy's list.
    fn attribute(&self, series: u32, keyword: &str) -> Result<Value, Fault>;
    /// The calibrated volume of a series.
    ///
    /// # Errors
    /// `OutOfRange` for a series that does not exist, `Unsupported` where it cannot be decoded.
    fn open(&self, series: u32) -> Result<Arc<dyn Volume>, Fault>;
    /// What opening a series surely takes, in units of fuel, known without reading it; 0 where there is no such series.
    /// A unit stands for no more than 0.3 ns of the host's work, as everywhere in this file.
    fn open_cost(&self, series: u32) -> u64;
    /// A series on the grid of another, which has the same frame of reference: a PET on its CT, say.
    ///
    /// # Errors
    /// As `open`; `Absent` where the two share no frame of reference, `Unsupported` where no slab could hold a slice.
    fn open_on(&self, series: u32, like: u32) -> Result<Arc<dyn Volume>, Fault>;
    /// A segmentation on the grid of a series.
    ///
    /// # Errors
    /// As `open`; `Absent` where she has no such label.
    fn open_mask(&self, series: u32, label: &str) -> Result<Arc<dyn Mask>, Fault>;
    /// What opening a segmentation surely takes, in units of fuel, known without reading it; 0 where she has no such label.
    fn open_mask_cost(&self, series: u32, label: &str) -> u64;
}

/// Calibrated voxels, slice by slice, rows top to bottom, columns left to right.
pub trait Volume: Send + Sync {
    /// The grid.
    fn grid(&self) -> Grid;
    /// Whether `read_s16` can answer.
    fn integral(&self) -> bool;
    /// What opening took beyond [`Patient::open_cost`], in units of fuel: known only once it is done.
    fn opening_cost(&self) -> u64;
    /// What reading these slices now takes, in units of fuel, beyond handing over the bytes that come out.
    fn slab_cost(&self, first: u32, count: u32) -> u64;
    /// Slices `first..first + count` as whole numbers.
    ///
    /// # Errors
    /// `OutOfRange`; `Unsupported` where the volume is not integral or a slice cannot be decoded.
    fn read_s16(&self, first: u32, count: u32) -> Result<Arc<[i16]>, Fault>;
    /// Slices `first..first + count` as reals.
    ///
    /// # Errors
    /// `OutOfRange`; `Unsupported` where a slice cannot be decoded.
    fn read_f32(&self, first: u32, count: u32) -> Result<Arc<[f32]>, Fault>;
    /// As [`read_s16`](Self::read_s16), into memory that is used again: exactly as long as the slab.
    ///
    /// # Errors
    /// As `read_s16`; `OutOfRange` where the memory has another length.
    fn read_s16_into(&self, first: u32, count: u32, into: &mut [i16]) -> Result<(), Fault> {
        copied(&self.read_s16(first, count)?, into)
    }
    /// As [`read_f32`](Self::read_f32), likewise.
    ///
    /// # Errors
    /// As `read_f32`; `OutOfRange` where the memory has another length.
    fn read_f32_into(&self, first: u32, count: u32, into: &mut [f32]) -> Result<(), Fault> {
        copied(&self.read_f32(first, count)?, into)
    }
    /// The bytes of what `read_s16` gives where the volume is integral, else of what `read_f32` gives, little endian.
    ///
    /// # Errors
    /// As those; `OutOfRange` where the memory has another length.
    fn read_bytes_into(&self, first: u32, count: u32, into: &mut [u8]) -> Result<(), Fault> {
        if self.integral() {
            little_endian(&self.read_s16(first, count)?, into, i16::to_le_bytes)
        } else {
            little_endian(&self.read_f32(first, count)?, into, f32::to_le_bytes)
        }
    }
    /// The volume on another grid with the same axes and the same centre: linear between voxels, reals only. Beyond half
    /// a voxel outside its edges there is air (-1000) in a CT and 0 in any other series.
    ///
    /// # Errors
    /// `OutOfRange` for a grid of nothing, of more than 20,000 slices, with a slice over 2 MiB or a spacing that is no
    /// length; `Unsupported` for a volume that is resampled already.
    fn resampled(self: Arc<Self>, to: Grid) -> Result<Arc<dyn Volume>, Fault>;
}

/// A segmentation on its volume's grid: 0 or 1 a voxel.
pub trait Mask: Send + Sync {
    /// The grid, equal to its volume's.
    fn grid(&self) -> Grid;
    /// What opening took beyond [`Patient::open_mask_cost`], in units of fuel: known only once it is done.
    fn opening_cost(&self) -> u64;
    /// What reading so many slices takes, in units of fuel, beyond handing over the bytes that come out.
    fn slab_cost(&self, count: u32) -> u64;
    /// Slices `first..first + count`.
    ///
    /// # Errors
    /// `OutOfRange` beyond the grid.
    fn read(&self, first: u32, count: u32) -> Result<Arc<[u8]>, Fault>;
    /// As [`read`](Self::read), into memory that is used again: exactly as long as the slab.
    ///
    /// # Errors
    /// As `read`; `OutOfRange` where the memory has another length.
    fn read_into(&self, first: u32, count: u32, into: &mut [u8]) -> Result<(), Fault> {
        copied(&self.read(first, count)?, into)
    }
    /// The segmentation on another grid with the same axes and the same centre, each voxel as the nearest one; 0 outside.
    ///
    /// # Errors
    /// As [`Volume::resampled`].
    fn resampled(self: Arc<Self>, to: Grid) -> Result<Arc<dyn Mask>, Fault>;
}

fn copied<T: Copy>(from: &[T], into: &mut [T]) -> Result<(), Fault> {
    if from.len() != into.len() {
        return Err(Fault::OutOfRange);
    }
    into.copy_from_slice(from);
    Ok(())
}

/// Numbers as `N` bytes each: on the machines that there are this becomes a plain copy.
///
/// # Errors
/// `OutOfRange` where the bytes are not those of so many numbers.
pub fn little_endian<T: Copy, const N: usize>(
    from: &[T],
    into: &mut [u8],
    bytes: impl Fn(T) -> [u8; N],
) -> Result<(), Fault> {
    let (slots, rest) = into.as_chunks_mut::<N>();
    if slots.len() != from.len() || !rest.is_empty() {
        return Err(Fault::OutOfRange);
    }
    slots.iter_mut().zip(from).for_each(|(to, from)| *to = bytes(*from));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fill_exactly_the_bytes_that_they_take() {
        let mut bytes = [0; 4];
        assert_eq!(little_endian(&[-2_i16, 3], &mut bytes, i16::to_le_bytes), Ok(()));
        assert_eq!(bytes, [0xFE, 0xFF, 3, 0]);
        for length in [0, 3, 5, 6] {
            let mut bytes = vec![0; length];
            assert_eq!(little_endian(&[-2_i16, 3], &mut bytes, i16::to_le_bytes), Err(Fault::OutOfRange));
        }
    }
}
