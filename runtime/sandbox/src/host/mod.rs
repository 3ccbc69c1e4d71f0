//! The host side of sdk/wit: each import, its check against the grant, and its price.

mod convert;
mod model;
mod open;
mod patient;
mod slabs;
mod voxels;

use crate::{
    Call, Grant,
    bindings::trocar::guest::types,
    meter::{Meter, charge},
};
use std::{collections::BTreeMap, sync::Arc};
use trocar_inference::Models;
use trocar_terms::{Fault, Mask, Patient, SeriesInfo, Value, Volume};
use wasmtime::{
    Result, StoreContextMut,
    component::{Linker, Resource, ResourceTable, ResourceType},
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
    /// Series that could not be opened on the grid of another, likewise.
    apart: BTreeMap<(u32, u32), Fault>,
    /// The models that the guest may run, by their names.
    models: Arc<Models>,
    table: ResourceTable,
    slabs: slabs::Slabs,
    pub(crate) meter: Meter,
}

impl Host {
    pub(crate) fn new(patient: Box<dyn Patient>, call: &Call<'_>) -> Self {
        let grant = call.grant;
        let series = (0..).zip(patient.series()).filter(|(_, info)| grant.modality(&info.modality)).collect();
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let (grant, opened) = (grant.clone(), BTreeMap::new());
        let (shut, apart) = (BTreeMap::new(), BTreeMap::new());
        let (slabs, models) = (slabs::Slabs::default(), Arc::clone(call.models));
        let meter = Meter::new(call.limits.memory_mib());
        Self { patient, grant, series, opened, shut, apart, models, table, slabs, meter }
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
    patient::link_patient(&mut imaging)?;
    voxels::link_volume(&mut imaging)?;
    voxels::link_mask(&mut imaging)?;
    voxels::link_resampling(&mut imaging)?;
    model::link_model(&mut linker.instance("trocar:guest/model@0.1.1")?)
}

fn drop_handle<T: 'static>(mut store: Store<'_>, rep: u32) -> Result<()> {
    store.data_mut().table.delete(Resource::<T>::new_own(rep))?;
    Ok(())
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
