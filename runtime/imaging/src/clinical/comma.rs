//! CSV: commas, quotes as in RFC 4180, a header line, UTF-8 with or without a byte order mark.

use super::{ClinicalError, MAX_CLINICAL_BYTES, MAX_COLUMNS, Place, Row, cells::all_places};
use csv::{Reader, ReaderBuilder, StringRecord};
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Take},
};

type Text = Take<BufReader<File>>;

fn open(file: File) -> Result<(Reader<Text>, StringRecord), ClinicalError> {
    let mut text = BufReader::new(file);
    let start = text.fill_buf().map_err(|_| ClinicalError::Unreadable)?;
    let mark = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    text.consume(mark);
    // A file that grows while it is read is not read on for ever.
    let mut csv = ReaderBuilder::new().from_reader(text.take(MAX_CLINICAL_BYTES));
    let head = csv.headers().map_err(|e| describe(&e))?.clone();
    if head.iter().all(|name| name.trim().is_empty()) {
        return Err(ClinicalError::Empty);
    }
    if head.len() > MAX_COLUMNS {
        return Err(ClinicalError::TooManyColumns);
    }
    Ok((csv, head))
}

pub(super) fn head(file: File) -> Result<Vec<String>, ClinicalError> {
    Ok(open(file)?.1.iter().map(|name| name.trim().to_owned()).collect())
}

pub(super) fn rows(
    file: File,
    wanted: &[&str],
    take: &mut dyn FnMut(Row) -> Result<(), ClinicalError>,
) -> Result<(), ClinicalError> {
    let (mut csv, head) = open(file)?;
    let names: Vec<&str> = head.iter().map(str::trim).collect();
    let places = all_places(&names, wanted)?;
    let mut record = StringRecord::new();
    while csv.read_record(&mut record).map_err(|e| describe(&e))? {
        let cell = |place: &usize| record.get(*place).unwrap_or_default().to_owned();
        let place = Place::Line(record.position().map_or(0, csv::Position::line));
        take(Row { place, cells: places.iter().map(cell).collect() })?;
    }
    Ok(())
}

fn describe(error: &csv::Error) -> ClinicalError {
    let line = Place::Line(error.position().map_or(1, csv::Position::line));
    match error.kind() {
        csv::ErrorKind::UnequalLengths { .. } => ClinicalError::Ragged(line),
        csv::ErrorKind::Io(_) => ClinicalError::Unreadable,
        _ => ClinicalError::NotText(line),
    }
}
