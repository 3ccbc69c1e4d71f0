//! What reading costs, in units of fuel, so that a guest that has the host work pays for it as if it worked itself.
//!
//! A unit stands for 0.3 ns at most. What was measured, on two cores of 2026 with other work, is written beside each
//! price; the files of pydicom and an enhanced CT of 4,000 frames came to between 0.01 and 0.2 ns a unit.
//! A slice of 512 x 512 took 0.5 ms native, 0.7 ms RLE, 3.5 ms JPEG-LS, 4.4 ms JPEG lossless, 12.7 ms JPEG 2000 at 42 kB
//! and 35.1 ms at 153 kB; 4.6 ms HTJ2K at 161 kB and 18.4 ms JPEG XL at 136 kB.

use crate::syntax::Coding;

/// A file of a series that is opened: 14 to 21 us for a classic slice, more where the disk is slow.
pub(crate) const FILE: u64 = 300_000;
/// A byte of such a file, read or passed over.
pub(crate) const FILE_BYTE: u64 = 1;
/// An element, item or fragment that is walked over.
pub(crate) const HEAD: u64 = 300;
/// A byte of a wanted element, which dicom-rs parses: 4,000 frames of 125 bytes took 13 ms, walk included.
pub(crate) const HEADER_BYTE: u64 = 200;
/// A byte that comes out of a deflated data set: 0.5 to 0.7 ns, and to be copied and walked over.
pub(crate) const INFLATED_BYTE: u64 = 16;
/// A byte that goes into it: blocks that give nothing took 78 ns a byte, and their tables are read all the same.
pub(crate) const PACKED_BYTE: u64 = 400;
/// A byte of a structure set that is opened: its contours are numbers in text.
pub(crate) const CONTOUR_BYTE: u64 = 40;
/// A row that an edge of a contour crosses.
pub(crate) const CROSSING: u64 = 40;
/// A byte of a slice of bits that contours are filled in.
pub(crate) const STENCIL_BYTE: u64 = 16;
/// A pixel of a segment's frame, unpacked and compared.
pub(crate) const SEGMENT_PIXEL: u64 = 30;
/// A voxel of a series that is looked up in a segmentation.
pub(crate) const MAPPED_VOXEL: u64 = 80;
/// A stored byte of a NIfTI image, to be calibrated.
pub(crate) const NIFTI_BYTE: u64 = 30;
/// A run of a frame's bytes, which is sought and read.
pub(crate) const RUN: u64 = 10_000;
/// A slice of a mask, however small it is.
pub(crate) const MASK_SLICE: u64 = 1_000;
/// A slice of a volume whose price is looked up for another grid: two walks over its frame's runs.
pub(crate) const PRICED_SLICE: u64 = 1_000;

/// A compressed frame: what its decoder takes before and beside the pixels.
pub(crate) const fn frame(coding: Coding) -> u64 {
    match coding {
        Coding::Native | Coding::Rle => 0,
        Coding::Jpeg | Coding::JpegLs => 300_000,
        // With 300 for each packet that has no bytes of its own.
        Coding::Jpeg2000 | Coding::HighThroughput => 3_500_000,
        // Four frames may stand behind the one that is shown.
        Coding::JpegXl => 4_000_000,
    }
}

/// A byte of a compressed frame. Decoding JPEG 2000 takes as long as there are coded bits.
pub(crate) const fn stored_byte(coding: Coding) -> u64 {
    match coding {
        Coding::Native => 0,
        Coding::Rle => 8,
        Coding::Jpeg | Coding::JpegLs | Coding::HighThroughput => 40,
        Coding::JpegXl => 400,
        Coding::Jpeg2000 => 800,
    }
}

/// A byte of the pixels that come out of a frame.
pub(crate) const fn pixel_byte(coding: Coding) -> u64 {
    match coding {
        // The price of a byte handed over has it in it.
        Coding::Native => 0,
        Coding::Rle => 8,
        Coding::Jpeg | Coding::JpegLs => 40,
        Coding::Jpeg2000 | Coding::HighThroughput => 60,
        Coding::JpegXl => 4 * 120,
    }
}
