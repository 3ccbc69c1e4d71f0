//! Slabs of volumes and masks, and both on other grids.

use super::{
    Answer, Host, MaskHandle, RESAMPLE_BYTES, SLAB, Store, VolumeHandle, answer, hand_out, refused,
    slabs::{Slabs, filled},
};
use crate::{
    bindings::trocar::guest::types,
    meter::{charge, spend},
};
use std::sync::Arc;
use trocar_terms::{Fault, Grid, Volume};
use wasmtime::{
    Result,
    component::{LinkerInstance, Resource},
};

/// What looking up the price of a slice takes, as bytes handed over.
const PRICED_BYTES: u64 = 32;

pub(super) fn link_volume(i: &mut LinkerInstance<'_, Host>) -> Result<()> {
    i.func_wrap("[method]volume.grid", |mut s: Store<'_>, (v,): (Resource<VolumeHandle>,)| {
        charge(&mut s, 0)?;
        Ok((types::Grid::from(s.data().volume(&v)?.grid()),))
    })?;
    // A shared slice is lowered as it lies there; the `Vec` of generated bindings would be made anew for each slab.
    i.func_wrap(
        "[method]volume.read-s16",
        |mut s: Store<'_>, (v, first, count): (Resource<VolumeHandle>, u32, u32)| {
            let of = |slabs: &mut Slabs, volume: &dyn Volume, length| {
                filled(&mut slabs.s16, length, |into| volume.read_s16_into(first, count, into))
            };
            Ok((slab(&mut s, &v, 2, (first, count), of)?,))
        },
    )?;
    i.func_wrap(
        "[method]volume.read-f32",
        |mut s: Store<'_>, (v, first, count): (Resource<VolumeHandle>, u32, u32)| {
            let of = |slabs: &mut Slabs, volume: &dyn Volume, length| {
                filled(&mut slabs.f32, length, |into| volume.read_f32_into(first, count, into))
            };
            Ok((slab(&mut s, &v, 4, (first, count), of)?,))
        },
    )?;
    i.func_wrap(
        "[method]volume.read-bytes",
        |mut s: Store<'_>, (v, first, count): (Resource<VolumeHandle>, u32, u32)| {
            let width = if s.data().volume(&v)?.integral() { 2 } else { 4 };
            let of = |slabs: &mut Slabs, volume: &dyn Volume, length: usize| {
                let bytes = length.saturating_mul(width);
                filled(&mut slabs.bytes, bytes, |into| volume.read_bytes_into(first, count, into))
            };
            Ok((slab(&mut s, &v, width as u64, (first, count), of)?,))
        },
    )
}

pub(super) fn link_resampling(i: &mut LinkerInstance<'_, Host>) -> Result<()> {
    i.func_wrap(
        "[method]volume.resample",
        |mut s: Store<'_>, (v, to): (Resource<VolumeHandle>, types::Grid)| {
            let volume = Arc::clone(&s.data().table.get(&v)?.0);
            // The prices of its slices are looked up for it.
            let prices = u64::from(volume.grid().slices).saturating_mul(PRICED_BYTES);
            charge(&mut s, RESAMPLE_BYTES.saturating_add(prices))?;
            let resampled = volume.resampled(to.into()).map(VolumeHandle);
            Ok((hand_out(&mut s, resampled)?,))
        },
    )?;
    i.func_wrap("[method]mask.resample", |mut s: Store<'_>, (m, to): (Resource<MaskHandle>, types::Grid)| {
        let lines = [to.columns, to.rows, to.slices].into_iter().map(u64::from);
        charge(&mut s, lines.fold(RESAMPLE_BYTES, u64::saturating_add))?;
        let mask = Arc::clone(&s.data().table.get(&m)?.0);
        let resampled = mask.resampled(to.into()).map(MaskHandle);
        Ok((hand_out(&mut s, resampled)?,))
    })
}

pub(super) fn link_mask(i: &mut LinkerInstance<'_, Host>) -> Result<()> {
    i.func_wrap("[method]mask.grid", |mut s: Store<'_>, (m,): (Resource<MaskHandle>,)| {
        charge(&mut s, 0)?;
        Ok((types::Grid::from(s.data().table.get(&m)?.0.grid()),))
    })?;
    i.func_wrap(
        "[method]mask.read",
        |mut s: Store<'_>, (m, first, count): (Resource<MaskHandle>, u32, u32)| {
            let bytes = match span(s.data().table.get(&m)?.0.grid(), 1, (first, count)) {
                Ok(bytes) => bytes,
                Err(fault) => return refused(&mut s, fault),
            };
            charge(&mut s, bytes)?;
            let mask = Arc::clone(&s.data().table.get(&m)?.0);
            spend(&mut s, mask.slab_cost(count))?;
            let length = usize::try_from(bytes)?;
            let kept = &mut s.data_mut().slabs.bytes;
            Ok((answer(filled(kept, length, |into| mask.read_into(first, count, into))),))
        },
    )
}

/// Checks a slab's bounds, takes its price, reads so many voxels.
fn slab<T>(
    store: &mut Store<'_>,
    volume: &Resource<VolumeHandle>,
    width: u64,
    slices: (u32, u32),
    read: impl FnOnce(&mut Slabs, &dyn Volume, usize) -> std::result::Result<Arc<[T]>, Fault>,
) -> Result<Answer<Arc<[T]>>> {
    let volume = Arc::clone(&store.data().table.get(volume)?.0);
    let bytes = match span(volume.grid(), width, slices) {
        Ok(bytes) => bytes,
        Err(fault) => return refused(store, fault).map(|(answer,)| answer),
    };
    charge(store, bytes)?;
    let (first, count) = slices;
    spend(store, volume.slab_cost(first, count))?;
    let length = usize::try_from(bytes.checked_div(width).unwrap_or(0))?;
    Ok(answer(read(&mut store.data_mut().slabs, volume.as_ref(), length)))
}

/// The bytes of slices `first..first + count`.
fn span(grid: Grid, width: u64, (first, count): (u32, u32)) -> std::result::Result<u64, Fault> {
    let end = first.checked_add(count).ok_or(Fault::OutOfRange)?;
    let bytes = [u64::from(grid.columns), u64::from(grid.rows), u64::from(count)]
        .into_iter()
        .try_fold(width, u64::checked_mul)
        .ok_or(Fault::OutOfRange)?;
    if count > 0 && end <= grid.slices && bytes <= SLAB { Ok(bytes) } else { Err(Fault::OutOfRange) }
}
