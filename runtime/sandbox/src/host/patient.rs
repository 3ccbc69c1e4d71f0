use super::{
    Host, PatientHandle, SERIES_BYTES, Store, VolumeHandle, answer, hand_out,
    open::{open, open_mask, open_on},
};
use crate::{bindings::trocar::guest::types, meter::charge};
use wasmtime::{
    Result,
    component::{LinkerInstance, Resource},
};

pub(super) fn link_patient(i: &mut LinkerInstance<'_, Host>) -> Result<()> {
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
