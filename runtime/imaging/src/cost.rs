//! What reading costs, in units of fuel, so that a guest that has the host work pays for it as if it worked itself.
//!
//! A unit stands for 0.3 ns at most. What was measured is written beside each price; the machine had other work.

use crate::syntax::Coding;

/// A file of a series that is opened.
pub(crate) const FILE: u64 = 300_000;
/// A byte of such a file, read or passed over.
pub(crate) const FILE_BYTE: u64 = 1;
/// An element, item or fragment that is walked over.
pub(crate) const HEAD: u64 = 300;
/// A byte of a wanted element, which dicom-rs parses.
pub(crate) const HEADER_BYTE: u64 = 200;
/// A byte that comes out of a deflated data set.
pub(crate) const INFLATED_BYTE: u64 = 16;
/// A run of a frame's bytes, which is sought and read.
pub(crate) const RUN: u64 = 10_000;

/// A byte of a compressed frame, and one of the pixels that come out of it.
pub(crate) const fn coded_byte(coding: Coding) -> u64 {
    match coding {
        // The price of a byte handed over has it in it.
        Coding::Native => 0,
        Coding::Rle => 16,
        Coding::Jpeg | Coding::JpegLs => 100,
        Coding::Jpeg2000 => 200,
    }
}
