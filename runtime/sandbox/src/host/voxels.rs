//! Slabs of volumes and masks, and both on other grids.

use super::{Answer, Host, MaskHandle, RESAMPLE_BYTES, SLAB, Store, VolumeHandle, answer, hand_out, refused};
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
    // `Arc<[_]>` is lowered straight into the guest; the `Vec` of generated bindings would copy once more.
    i.func_wrap(
        "[method]volume.read-s16",
        |mut s: Store<'_>, (v, first, count): (Resource<VolumeHandle>, u32, u32)| {
            let voxels = slab(&mut s, &v, 2, (first, count), |v| v.read_s16(first, count))?;
            Ok((voxels,))
        },
    )?;
    i.func_wrap(
        "[method]volume.read-f32",
        |mut s: Store<'_>, (v, first, count): (Resource<VolumeHandle>, u32, u32)| {
            let voxels = slab(&mut s, &v, 4, (first, count), |v| v.read_f32(first, count))?;
            Ok((voxels,))
        },
    )?;
    i.func_wrap(
        "[method]volume.read-bytes",
        |mut s: Store<'_>, (v, first, count): (Resource<VolumeHandle>, u32, u32)| {
            let bytes = if s.data().volume(&v)?.integral() {
                let voxels = slab(&mut s, &v, 2, (first, count), |v| v.read_s16(first, count))?;
                voxels.map(|voxels| voxels.iter().flat_map(|x| x.to_le_bytes()).collect::<Arc<[u8]>>())
            } else {
                let voxels = slab(&mut s, &v, 4, (first, count), |v| v.read_f32(first, count))?;
                voxels.map(|voxels| voxels.iter().flat_map(|x| x.to_le_bytes()).collect::<Arc<[u8]>>())
            };
            Ok((bytes,))
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
            let work = s.data().table.get(&m)?.0.slab_cost(count);
            spend(&mut s, work)?;
            Ok((answer(s.data().table.get(&m)?.0.read(first, count)),))
        },
    )
}

/// Checks a slab's bounds, takes its price, reads it.
fn slab<T>(
    store: &mut Store<'_>,
    volume: &Resource<VolumeHandle>,
    width: u64,
    slices: (u32, u32),
    read: impl FnOnce(&dyn Volume) -> std::result::Result<Arc<[T]>, Fault>,
) -> Result<Answer<Arc<[T]>>> {
    let grid = store.data().volume(volume)?.grid();
    match span(grid, width, slices) {
        Ok(bytes) => charge(store, bytes)?,
        Err(fault) => return refused(store, fault).map(|(answer,)| answer),
    }
    let (first, count) = slices;
    let work = store.data().volume(volume)?.slab_cost(first, count);
    spend(store, work)?;
    Ok(answer(read(store.data().volume(volume)?)))
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
