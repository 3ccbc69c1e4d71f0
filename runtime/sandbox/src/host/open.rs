//! Opening series and segmentations, each at its price: what is known before, then the rest.

use super::{MaskHandle, Opened, Store};
use crate::meter::spend;
use trocar_terms::Fault;
use wasmtime::Result;

/// Opens a series once, and takes the price of what that takes: what is known before, then the rest.
pub(super) fn open(store: &mut Store<'_>, series: u32) -> Result<Opened> {
    let index = match store.data().granted(series) {
        Ok(index) => index,
        Err(fault) => return Ok(Err(fault)),
    };
    if let Some(opened) = store.data().opened.get(&index) {
        return Ok(opened.clone());
    }
    let known = store.data().patient.open_cost(index);
    spend(store, known)?;
    let opened = store.data().patient.open(index);
    store.data_mut().opened.insert(index, opened.clone());
    pay_opening(store, opened)
}

/// Opens a series on the grid of another. Both are opened for it, each time but where that is known to fail.
pub(super) fn open_on(store: &mut Store<'_>, series: u32, like: u32) -> Result<Opened> {
    let host = store.data();
    let (index, other) = match (host.granted(series), host.granted(like)) {
        (Ok(index), Ok(other)) => (index, other),
        (Err(fault), _) | (_, Err(fault)) => return Ok(Err(fault)),
    };
    let shut = host.opened.get(&index).and_then(|opened| opened.as_ref().err());
    if let Some(fault) = shut.or_else(|| host.apart.get(&(index, other))) {
        return Ok(Err(*fault));
    }
    let known = host.patient.open_cost(index).saturating_add(host.patient.open_cost(other));
    spend(store, known)?;
    let opened = store.data().patient.open_on(index, other);
    if let Err(fault) = &opened {
        store.data_mut().apart.insert((index, other), *fault);
    }
    pay_opening(store, opened)
}

fn pay_opening(store: &mut Store<'_>, opened: Opened) -> Result<Opened> {
    let rest = opened.as_ref().map_or(0, |volume| volume.opening_cost());
    spend(store, rest)?;
    Ok(opened)
}

/// Makes a segmentation, and takes the price of what that takes: what is known before, then the rest.
pub(super) fn open_mask(
    store: &mut Store<'_>,
    series: u32,
    label: &str,
) -> Result<std::result::Result<MaskHandle, Fault>> {
    let index = match store.data().granted_mask(series, label) {
        Ok(index) => index,
        Err(fault) => return Ok(Err(fault)),
    };
    let key = (index, label.to_owned());
    if let Some(fault) = store.data().shut.get(&key) {
        return Ok(Err(*fault));
    }
    let known = store.data().patient.open_mask_cost(index, label);
    spend(store, known)?;
    match store.data().patient.open_mask(index, label) {
        Ok(mask) => {
            spend(store, mask.opening_cost())?;
            Ok(Ok(MaskHandle(mask)))
        }
        Err(fault) => {
            store.data_mut().shut.insert(key, fault);
            Ok(Err(fault))
        }
    }
}
