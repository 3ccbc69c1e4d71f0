//! Parquet: flat files of numbers, texts, dates, yes and no. Uncompressed, Snappy, gzip or Zstandard.
//!
//! A cell's text is what the same table would say in CSV: a whole real is `61`, a date `YYYY-MM-DD`, a time stamp its
//! date, since nothing finer than a day is ever counted.

use super::{
    ClinicalError, MAX_COLUMNS, MAX_ROWS, MAX_TEXT, Place, Row,
    cells::{all_places, places},
};
use jiff::civil::{Date, date};
use parquet::{
    basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical},
    file::{
        metadata::ParquetMetaData,
        reader::{FileReader, SerializedFileReader},
    },
    record::Field,
    schema::types::{Type, TypePtr},
};
use std::{fs::File, sync::Arc};

const MILLIS_A_DAY: i64 = 86_400_000;

fn open(file: File) -> Result<SerializedFileReader<File>, ClinicalError> {
    let reader = SerializedFileReader::new(file).map_err(|_| ClinicalError::NotParquet)?;
    check(reader.metadata())?;
    Ok(reader)
}

/// What a file declares is held against the bounds before a page is read.
fn check(declared: &ParquetMetaData) -> Result<(), ClinicalError> {
    let schema = declared.file_metadata().schema();
    let columns = schema.get_fields();
    if columns.is_empty() {
        return Err(ClinicalError::Empty);
    }
    if columns.len() > MAX_COLUMNS {
        return Err(ClinicalError::TooManyColumns);
    }
    if columns.iter().any(|column| !flat(column)) {
        return Err(ClinicalError::Nested);
    }
    let (mut rows, mut bytes) = (0_u64, 0_u64);
    for group in declared.row_groups() {
        let declared = u64::try_from(group.num_rows()).map_err(|_| ClinicalError::NotParquet)?;
        rows = rows.saturating_add(declared);
        let size = |column: &parquet::file::metadata::ColumnChunkMetaData| column.uncompressed_size();
        for size in group.columns().iter().map(size) {
            bytes = bytes.saturating_add(u64::try_from(size).map_err(|_| ClinicalError::NotParquet)?);
        }
    }
    if rows > MAX_ROWS {
        return Err(ClinicalError::TooManyRows);
    }
    if bytes > MAX_TEXT { Err(ClinicalError::TooLarge) } else { Ok(()) }
}

fn flat(column: &Type) -> bool {
    let basic = column.get_basic_info();
    column.is_primitive() && basic.has_repetition() && basic.repetition() != Repetition::REPEATED
}

fn names(schema: &Type) -> Vec<&str> {
    schema.get_fields().iter().map(|column| column.name()).collect()
}

pub(super) fn head(file: File) -> Result<Vec<String>, ClinicalError> {
    let reader = open(file)?;
    Ok(names(reader.metadata().file_metadata().schema()).into_iter().map(str::to_owned).collect())
}

pub(super) fn rows(
    file: File,
    wanted: &[&str],
    take: &mut dyn FnMut(Row) -> Result<(), ClinicalError>,
) -> Result<(), ClinicalError> {
    let reader = open(file)?;
    let schema = reader.metadata().file_metadata().schema();
    let read = projection(schema, &all_places(&names(schema), wanted)?)?;
    // Two rules may read one column: it is read once.
    let order = places(&names(&read), wanted)?;
    let kinds: Vec<Kind> = read.get_fields().iter().map(kind).collect::<Result<_, _>>()?;
    let rows = reader.get_row_iter(Some(read)).map_err(|_| ClinicalError::NotParquet)?;
    for (number, row) in (1..).zip(rows) {
        let place = Place::Row(number);
        let row = row.map_err(|_| ClinicalError::NotParquet)?;
        let texts = row.get_column_iter().zip(&kinds).map(|((_, field), kind)| text(field, *kind));
        let texts = texts.collect::<Option<Vec<String>>>().ok_or(ClinicalError::NotText(place))?;
        let cell = |at: &Option<usize>| at.and_then(|at| texts.get(at)).cloned();
        let cells = order.iter().map(cell).collect::<Option<_>>().ok_or(ClinicalError::NotParquet)?;
        take(Row { place, cells })?;
    }
    Ok(())
}

/// The schema of the wanted columns alone, in the order of the file.
fn projection(schema: &Type, wanted: &[usize]) -> Result<Type, ClinicalError> {
    let kept = |(at, column): (usize, &TypePtr)| wanted.contains(&at).then(|| Arc::clone(column));
    let columns = schema.get_fields().iter().enumerate().filter_map(kept).collect();
    let built = Type::group_type_builder(schema.name()).with_fields(columns).build();
    built.map_err(|_| ClinicalError::NotParquet)
}

/// What a column's whole numbers are, where the record reader may hand them over as nothing more.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    /// Time since 1970, in so many units a day.
    Time(i64),
}

/// The types that have a text; the record reader stops the process at others.
fn kind(column: &TypePtr) -> Result<Kind, ClinicalError> {
    let basic = column.get_basic_info();
    if let Some(LogicalType::Timestamp(stamp)) = basic.logical_type_ref() {
        return Ok(Kind::Time(match stamp.unit {
            TimeUnit::MILLIS => MILLIS_A_DAY,
            TimeUnit::MICROS => MILLIS_A_DAY * 1_000,
            TimeUnit::NANOS => MILLIS_A_DAY * 1_000_000,
        }));
    }
    let converted = basic.converted_type();
    let known = match column.get_physical_type() {
        Physical::BOOLEAN | Physical::FLOAT | Physical::DOUBLE | Physical::INT96 => true,
        Physical::INT32 => !matches!(converted, ConvertedType::TIME_MILLIS),
        Physical::INT64 => !matches!(converted, ConvertedType::TIME_MICROS),
        Physical::BYTE_ARRAY => matches!(
            converted,
            ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::NONE | ConvertedType::DECIMAL
        ),
        Physical::FIXED_LEN_BYTE_ARRAY => converted == ConvertedType::DECIMAL,
    };
    if known { Ok(Kind::Plain) } else { Err(ClinicalError::ParquetType(column.name().to_owned())) }
}

/// A value in the words of a CSV; `None` where it has none.
fn text(field: &Field, kind: Kind) -> Option<String> {
    match (field, kind) {
        (Field::Long(since_1970), Kind::Time(a_day)) => day(since_1970.div_euclid(a_day)),
        _ => plain(field),
    }
}

fn plain(field: &Field) -> Option<String> {
    Some(match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => std::str::from_utf8(bytes.data()).ok()?.to_owned(),
        // Widened first, as everyone who computes with it does: `3.3` of single precision is 3.299999952316284.
        Field::Float(x) => f64::from(*x).to_string(),
        Field::Double(x) => x.to_string(),
        Field::Date(days) => day(i64::from(*days))?,
        Field::TimestampMillis(millis) => day(millis.div_euclid(MILLIS_A_DAY))?,
        Field::TimestampMicros(micros) => day(micros.div_euclid(1_000 * MILLIS_A_DAY))?,
        Field::Bool(_)
        | Field::Byte(_)
        | Field::Short(_)
        | Field::Int(_)
        | Field::Long(_)
        | Field::UByte(_)
        | Field::UShort(_)
        | Field::UInt(_)
        | Field::ULong(_)
        | Field::Decimal(_) => field.to_string(),
        _ => return None,
    })
}

/// `YYYY-MM-DD` of a number of days since 1970-01-01.
fn day(since_1970: i64) -> Option<String> {
    let epoch: Date = date(1970, 1, 1);
    let span = jiff::Span::new().try_days(since_1970).ok()?;
    epoch.checked_add(span).ok().map(|day| day.to_string())
}
