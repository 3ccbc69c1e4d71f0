use crate::{
    Launcher, WorkerError,
    process::{Process, deadline},
    task::{TABLE_BYTES, TableHead, TablePart, Task},
    wire::Channel,
};
use std::{fs::File, os::fd::AsFd, time::Duration};
use trocar_imaging::{
    Admitted, ClinicalError,
    clinical::{Admission, MAX_CELL, MAX_COLUMNS, MAX_ROWS, Row},
};
use trocar_terms::TableRules;

/// What the largest table may take: ten million rows of a few columns.
const BOX: Duration = Duration::from_secs(180);

/// Why there is no clinical table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A worker cannot be started.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The table is refused.
    #[error(transparent)]
    Refused(#[from] ClinicalError),
}

/// Reads a clinical table, CSV or Parquet, and holds it against `rules`.
///
/// The operator named the file, and another made it: Parquet is a binary format with compression, so its bytes are
/// parsed in a worker. What comes back is text, and what is kept of it the rules decide here.
///
/// # Errors
/// The first thing that is wrong with it, with its line; or there is no worker.
pub fn clinical(launcher: &Launcher, input: &File, rules: &TableRules) -> Result<Admitted, TableError> {
    let mut admission = Admission::new(rules);
    let wanted: Vec<String> = admission.wanted().into_iter().map(str::to_owned).collect();
    let mut worker = Process::start_patiently(launcher, deadline(BOX))?;
    let task = Task::Table(wanted.clone());
    let channel = worker.order(task, &[input.as_fd()], deadline(BOX)).map_err(|_| ClinicalError::Died)?;
    match receive(channel, &mut admission) {
        Ok(()) => Ok(admission.finish()),
        Err(error) => Err(admission.describe(believed(error, &wanted)).into()),
    }
}

/// The names of a table's columns.
///
/// # Errors
/// As [`clinical`].
pub fn clinical_head(launcher: &Launcher, input: &File) -> Result<Vec<String>, TableError> {
    let mut worker = Process::start_patiently(launcher, deadline(BOX))?;
    let answer = worker.ask::<TableHead>(Task::TableHead, &[input.as_fd()], TABLE_BYTES, deadline(BOX));
    let head = answer.map_err(|_| ClinicalError::Died)?.map_err(|error| believed(error, &[]))?;
    if head.len() > MAX_COLUMNS { Err(ClinicalError::TooManyColumns.into()) } else { Ok(head) }
}

fn receive(channel: &mut Channel, admission: &mut Admission<'_>) -> Result<(), ClinicalError> {
    let mut rows = 0_u64;
    loop {
        match channel.receive::<TablePart>(TABLE_BYTES) {
            Ok(Some(TablePart::Rows(part))) => {
                rows = rows.saturating_add(part.len() as u64);
                if rows > MAX_ROWS {
                    return Err(ClinicalError::TooManyRows);
                }
                part.iter().try_for_each(|row| add(row, admission))?;
            }
            Ok(Some(TablePart::End)) => return Ok(()),
            Ok(Some(TablePart::Refused(error))) => return Err(error),
            Ok(None) | Err(_) => return Err(ClinicalError::Died),
        }
    }
}

fn add(row: &Row, admission: &mut Admission<'_>) -> Result<(), ClinicalError> {
    if row.cells.iter().any(|cell| cell.len() > MAX_CELL) {
        return Err(ClinicalError::CellTooLong(row.place));
    }
    admission.add(row)
}

/// A worker may speak for a hostile file: a name that nobody asked for is not repeated.
fn believed(error: ClinicalError, wanted: &[String]) -> ClinicalError {
    match &error {
        ClinicalError::NoKey(name)
        | ClinicalError::NoIndexDate(name)
        | ClinicalError::NoColumn(name)
        | ClinicalError::ColumnTwice(name)
        | ClinicalError::ParquetType(name)
            if !wanted.contains(name) =>
        {
            ClinicalError::Died
        }
        _ => error,
    }
}
