use super::head::{Head, Kind};
use crate::{
    Reason, cost,
    lattice::Lattice,
    mask::{GridMask, MAX_MASK_VOXELS, Mapping, Stencil},
    meta::MAX_GROWTH,
    volume::{At, gather},
};
use flate2::read::GzDecoder;
use std::{fs::File, io::Read};
use trocar_terms::Fault;

/// Inflates an image, and no more of it than its header declares, which is bounded; nor does it take more for that than
/// an honest stream has.
pub(super) fn inflate(head: &Head, file: &File) -> Option<Vec<u8>> {
    let end = head.end()?;
    let mut bytes = Vec::new();
    let packed = At::new(file).take(end.saturating_add(MAX_GROWTH));
    GzDecoder::new(packed).take(end).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == end).then_some(bytes)
}

/// The stored bytes of some slices.
pub(super) fn slab(
    head: &Head,
    file: &File,
    inflated: Option<&[u8]>,
    first: u32,
    count: u32,
) -> Option<Vec<u8>> {
    let slice = head.pixels().checked_mul(head.kind.width())? as u64;
    let start = head.offset.checked_add(slice.checked_mul(u64::from(first))?)?;
    let length = slice.checked_mul(u64::from(count))?;
    match inflated {
        Some(data) => {
            let start = usize::try_from(start).ok()?;
            Some(data.get(start..start.checked_add(usize::try_from(length).ok()?)?)?.to_vec())
        }
        None => gather(&mut At::new(file), &[(start, u32::try_from(length).ok()?)]),
    }
}

/// Calibrated values, in double precision.
pub(super) fn values(head: &Head, bytes: &[u8]) -> impl Iterator<Item = f64> {
    let Head { kind, big, slope, intercept, .. } = *head;
    bytes.chunks_exact(kind.width()).map(move |b| slope * stored(kind, big, b) + intercept)
}

fn stored(kind: Kind, big: bool, bytes: &[u8]) -> f64 {
    let mut raw = [0; 8];
    raw.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    if big && let Some(used) = raw.get_mut(..bytes.len()) {
        used.reverse();
    }
    let [a, b, c, d, ..] = raw;
    match kind {
        Kind::U8 => f64::from(a),
        Kind::I8 => f64::from(a.cast_signed()),
        Kind::U16 => f64::from(u16::from_le_bytes([a, b])),
        Kind::I16 => f64::from(i16::from_le_bytes([a, b])),
        Kind::U32 => f64::from(u32::from_le_bytes([a, b, c, d])),
        Kind::I32 => f64::from(i32::from_le_bytes([a, b, c, d])),
        Kind::F32 => f64::from(f32::from_le_bytes([a, b, c, d])),
        Kind::F64 => f64::from_le_bytes(raw),
    }
}

/// Marks the voxels whose centres lie in a voxel of value `number`.
///
/// # Errors
/// `Unsupported` where the image cannot be read.
pub(crate) fn map(file: &File, number: u32, lattice: &Lattice, mask: &mut GridMask) -> Result<(), Fault> {
    planes(file, number, lattice, mask).map_err(|_| Fault::Unsupported)
}

fn planes(file: &File, number: u32, lattice: &Lattice, mask: &mut GridMask) -> Result<(), Reason> {
    let head = Head::read(&mut At::new(file))?;
    let [columns, rows, slices] = head.lattice.size;
    let voxels = (head.pixels() as u64).saturating_mul(u64::from(slices));
    if Stencil::bits(columns, rows, u64::from(slices)) > MAX_MASK_VOXELS {
        return Err(Reason::TooLarge);
    }
    mask.spend(voxels.saturating_mul(cost::SEGMENT_PIXEL));
    mask.spend(head.opening_cost().saturating_add(head.inflating_cost()));
    let inflated =
        if head.packed.is_some() { Some(inflate(&head, file).ok_or(Reason::Truncated)?) } else { None };
    let mut mapping = Mapping { to: lattice, from: head.lattice, depths: Vec::new(), planes: Vec::new() };
    for slice in 0..slices {
        let bytes = slab(&head, file, inflated.as_deref(), slice, 1).ok_or(Reason::Truncated)?;
        let marked = values(&head, &bytes).enumerate().filter(|(_, v)| (v - f64::from(number)).abs() < 0.5);
        let mut marked = marked.map(|(i, _)| i).peekable();
        if marked.peek().is_some() {
            let mut stencil = Stencil::new(columns, rows);
            marked.for_each(|i| stencil.set(i % columns as usize, i / columns as usize));
            mapping.depths.push(f64::from(slice) * head.lattice.spacing[2]);
            mapping.planes.push(stencil);
        }
    }
    mapping.run(mask);
    Ok(())
}
