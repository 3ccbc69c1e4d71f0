//! The host side of sdk/wit: each import, its check against the grant, and its price.

use crate::{
    Grant,
    bindings::trocar::guest::{model, types},
    meter::{Meter, charge, spend},
};
use std::{collections::BTreeMap, sync::Arc};
use trocar_terms::{Fault, Grid, Mask, Patient, SeriesInfo, Value, Volume};
use wasmtime::{
    Result, StoreContextMut,
    component::{Linker, LinkerInstance, Resource, ResourceTable, ResourceType},
};

/// The most that one call hands over: whole volumes would fault in hundreds of MiB of fresh pages.
const SLAB: u64 = 2 << 20;

/// Handles that a guest may hold at once.
const HANDLES: usize = 64;

/// What the host makes for each series that it lists, as bytes handed over.
const SERIES_BYTES: u64 = 128;

/// What setting up another grid takes, as bytes handed over.
const RESAMPLE_BYTES: u64 = 1_024;

/// The patient behind a guest's handle lives in [`Host`].
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct PatientHandle;

/// An open volume.
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct VolumeHandle(Arc<dyn Volume>);

/// An open segmentation.
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct MaskHandle(Arc<dyn Mask>);

/// Everything that one guest instance can reach.
pub(crate) struct Host {
    patient: Box<dyn Patient>,
    grant: Grant,
    /// The granted series, with the index that `patient` knows them by.
    series: Vec<(u32, SeriesInfo)>,
    /// Series that were opened once, or could not be: opening reads every file, and a second time would tell no more.
    opened: BTreeMap<u32, Opened>,
    /// Segmentations that could not be opened: a second time would tell no more. Those that could are made anew, at their
    /// price, and live as long as their handles, of which there are few.
    shut: BTreeMap<(u32, String), Fault>,
    table: ResourceTable,
    pub(crate) meter: Meter,
}

impl Host {
    pub(crate) fn new(patient: Box<dyn Patient>, grant: &Grant, memory_mib: u32) -> Self {
        let series = (0..).zip(patient.series()).filter(|(_, info)| grant.modality(&info.modality)).collect();
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let (grant, opened, shut) = (grant.clone(), BTreeMap::new(), BTreeMap::new());
        Self { patient, grant, series, opened, shut, table, meter: Meter::new(memory_mib) }
    }

    /// The one patient, as the guest's own handle.
    pub(crate) fn subject(&mut self) -> Result<Resource<PatientHandle>> {
        Ok(self.table.push(PatientHandle)?)
    }

    fn index(&self, series: u32) -> std::result::Result<u32, Fault> {
        self.series.get(series as usize).map(|(index, _)| *index).ok_or(Fault::OutOfRange)
    }

    fn column(&self, name: &str) -> std::result::Result<Value, Fault> {
        if self.grant.columns.iter().any(|c| c == name) {
            self.patient.column(name)
        } else {
            Err(Fault::NotGranted)
        }
    }

    fn attribute(&self, series: u32, keyword: &str) -> std::result::Result<Value, Fault> {
        if !self.grant.attributes.iter().any(|a| a == keyword) {
            return Err(Fault::NotGranted);
        }
        self.patient.attribute(self.index(series)?, keyword)
    }

    /// The patient's index of a series whose pixels are granted.
    fn granted(&self, series: u32) -> std::result::Result<u32, Fault> {
        if self.grant.pixels { self.index(series) } else { Err(Fault::NotGranted) }
    }

    fn volume(&self, handle: &Resource<VolumeHandle>) -> Result<&dyn Volume> {
        Ok(self.table.get(handle)?.0.as_ref())
    }

    /// The patient's index of a series that a granted segmentation is asked for on.
    fn granted_mask(&self, series: u32, label: &str) -> std::result::Result<u32, Fault> {
        if self.grant.masks.iter().any(|m| m == label) { self.index(series) } else { Err(Fault::NotGranted) }
    }
}

/// A volume, or why there is none.
type Opened = std::result::Result<Arc<dyn Volume>, Fault>;
type Store<'a> = StoreContextMut<'a, Host>;
/// What a method answers to the guest; the outer error of a host function is a trap.
type Answer<T> = std::result::Result<T, types::Fault>;

/// Defines every import of the contract, and nothing else.
pub(crate) fn link(linker: &mut Linker<Host>) -> Result<()> {
    linker.instance("trocar:guest/types@0.1.1")?;
    let mut imaging = linker.instance("trocar:guest/imaging@0.1.1")?;
    imaging.resource("patient", ResourceType::host::<PatientHandle>(), drop_handle::<PatientHandle>)?;
    imaging.resource("volume", ResourceType::host::<VolumeHandle>(), drop_handle::<VolumeHandle>)?;
    imaging.resource("mask", ResourceType::host::<MaskHandle>(), drop_handle::<MaskHandle>)?;
    link_patient(&mut imaging)?;
    link_volume(&mut imaging)?;
    link_mask(&mut imaging)?;
    link_resampling(&mut imaging)?;
    link_model(&mut linker.instance("trocar:guest/model@0.1.1")?)
}

/// Opens a series once, and takes the price of what that takes: what is known before, then the rest.
fn open(store: &mut Store<'_>, series: u32) -> Result<Opened> {
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

/// Opens a series on the grid of another. Both are opened for it, each time.
fn open_on(store: &mut Store<'_>, series: u32, like: u32) -> Result<Opened> {
    let host = store.data();
    let (index, other) = match (host.granted(series), host.granted(like)) {
        (Ok(index), Ok(other)) => (index, other),
        (Err(fault), _) | (_, Err(fault)) => return Ok(Err(fault)),
    };
    let known = host.patient.open_cost(index).saturating_add(host.patient.open_cost(other));
    spend(store, known)?;
    let opened = store.data().patient.open_on(index, other);
    pay_opening(store, opened)
}

fn pay_opening(store: &mut Store<'_>, opened: Opened) -> Result<Opened> {
    let rest = opened.as_ref().map_or(0, |volume| volume.opening_cost());
    spend(store, rest)?;
    Ok(opened)
}

/// Makes a segmentation, and takes the price of what that takes: what is known before, then the rest.
fn open_mask(
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

fn drop_handle<T: 'static>(mut store: Store<'_>, rep: u32) -> Result<()> {
    store.data_mut().table.delete(Resource::<T>::new_own(rep))?;
    Ok(())
}

fn link_patient(i: &mut LinkerInstance<'_, Host>) -> Result<()> {
    i.func_wrap(
        "[method]patient.column",
        |mut s: Store<'_>, (_, name): (Resource<PatientHandle>, String)| {
            charge(&mut s, name.len() as u64)?;
            Ok((answer(s.data().column(&name).map(types::Value::from)),))
        },
    )?;
    i.func_wrap("[method]patient.series", |mut s: Store<'_>, (_,): (Resource<PatientHandle>,)| {
        let entries = s.data().series.len() as u64;
        charge(&mut s, entries.saturating_mul(SERIES_BYTES))?;
        Ok((s.data().series.iter().map(|(_, info)| types::SeriesInfo::from(info)).collect::<Vec<_>>(),))
    })?;
    i.func_wrap(
        "[method]patient.attribute",
        |mut s: Store<'_>, (_, series, keyword): (Resource<PatientHandle>, u32, String)| {
            charge(&mut s, keyword.len() as u64)?;
            Ok((answer(s.data().attribute(series, &keyword).map(types::Value::from)),))
        },
    )?;
    i.func_wrap("[method]patient.open", |mut s: Store<'_>, (_, series): (Resource<PatientHandle>, u32)| {
        charge(&mut s, 0)?;
        let opened = open(&mut s, series)?.map(VolumeHandle);
        Ok((hand_out(&mut s, opened)?,))
    })?;
    i.func_wrap(
        "[method]patient.open-on",
        |mut s: Store<'_>, (_, series, like): (Resource<PatientHandle>, u32, u32)| {
            charge(&mut s, 0)?;
            let opened = open_on(&mut s, series, like)?.map(VolumeHandle);
            Ok((hand_out(&mut s, opened)?,))
        },
    )?;
    i.func_wrap(
        "[method]patient.open-mask",
        |mut s: Store<'_>, (_, series, label): (Resource<PatientHandle>, u32, String)| {
            charge(&mut s, label.len() as u64)?;
            let opened = open_mask(&mut s, series, &label)?;
            Ok((hand_out(&mut s, opened)?,))
        },
    )
}

fn link_volume(i: &mut LinkerInstance<'_, Host>) -> Result<()> {
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

fn link_resampling(i: &mut LinkerInstance<'_, Host>) -> Result<()> {
    i.func_wrap(
        "[method]volume.resample",
        |mut s: Store<'_>, (v, to): (Resource<VolumeHandle>, types::Grid)| {
            charge(&mut s, RESAMPLE_BYTES)?;
            let volume = Arc::clone(&s.data().table.get(&v)?.0);
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

fn link_mask(i: &mut LinkerInstance<'_, Host>) -> Result<()> {
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
            Ok((answer(s.data().table.get(&m)?.0.read(first, count)),))
        },
    )
}

// Absent on purpose: inference. The name is defined, so that a guest built for a later host gets an answer.
fn link_model(i: &mut LinkerInstance<'_, Host>) -> Result<()> {
    i.func_wrap("infer", |mut s: Store<'_>, (name, inputs): (String, Vec<model::Tensor>)| {
        let numbers = inputs.iter().map(|t| t.shape.len().saturating_add(t.data.len()).saturating_mul(4));
        let bytes = numbers.fold(name.len(), usize::saturating_add);
        charge(&mut s, bytes as u64)?;
        Ok((Answer::<Vec<model::Tensor>>::Err(types::Fault::Unsupported),))
    })
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

fn refused<T>(store: &mut Store<'_>, fault: Fault) -> Result<(Answer<T>,)> {
    charge(store, 0)?;
    Ok((Err(fault.into()),))
}

fn answer<T>(outcome: std::result::Result<T, Fault>) -> Answer<T> {
    outcome.map_err(types::Fault::from)
}

fn hand_out<T: Send + 'static>(
    store: &mut Store<'_>,
    opened: std::result::Result<T, Fault>,
) -> Result<Answer<Resource<T>>> {
    match opened {
        Ok(opened) => Ok(Ok(store.data_mut().table.push(opened)?)),
        Err(fault) => Ok(Err(fault.into())),
    }
}

impl From<Fault> for types::Fault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotGranted => Self::NotGranted,
            Fault::Absent => Self::Absent,
            Fault::Unsupported => Self::Unsupported,
            Fault::OutOfRange => Self::OutOfRange,
        }
    }
}

impl From<Value> for types::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Integer(x) => Self::Integer(x),
            Value::Real(x) => Self::Real(x),
            Value::Text(x) => Self::Text(x),
            Value::Days(x) => Self::Days(x),
            Value::Missing => Self::Missing,
        }
    }
}

impl From<Grid> for types::Grid {
    fn from(grid: Grid) -> Self {
        let Grid { columns, rows, slices, spacing_mm } = grid;
        Self { columns, rows, slices, spacing_mm }
    }
}

impl From<types::Grid> for Grid {
    fn from(grid: types::Grid) -> Self {
        let types::Grid { columns, rows, slices, spacing_mm } = grid;
        Self { columns, rows, slices, spacing_mm }
    }
}

impl From<&SeriesInfo> for types::SeriesInfo {
    fn from(info: &SeriesInfo) -> Self {
        let SeriesInfo { modality, unit, grid, integral } = info;
        Self { modality: modality.clone(), unit: unit.clone(), grid: (*grid).into(), integral: *integral }
    }
}
