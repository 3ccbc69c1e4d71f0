//! results.parquet: the rows of results.csv with their types.
//!
//! Plain encoding, no compression, no statistics and one row group: the same sheet gives the same bytes.

use super::{Column, Sheet};
use crate::BundleError;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType};
use parquet::errors::Result;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};
use std::sync::Arc;

/// Writes it.
pub(crate) fn parquet(sheet: &Sheet) -> std::result::Result<Vec<u8>, BundleError> {
    written(sheet).map_err(|e| BundleError::Parquet(e.to_string()))
}

fn written(sheet: &Sheet) -> Result<Vec<u8>> {
    let mut writer = SerializedFileWriter::new(Vec::new(), schema(sheet)?, properties())?;
    // A group without a row is not one that every reader takes.
    if sheet.rows() > 0 {
        let mut group = writer.next_row_group()?;
        for (_, cells) in &sheet.0 {
            if let Some(mut column) = group.next_column()? {
                write(&mut column, cells)?;
                column.close()?;
            }
        }
        group.close()?;
    }
    writer.into_inner()
}

fn properties() -> WriterPropertiesPtr {
    let properties = WriterProperties::builder()
        .set_created_by("trocar".to_owned())
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true);
    Arc::new(properties.build())
}

fn schema(sheet: &Sheet) -> Result<TypePtr> {
    let fields = sheet.0.iter().map(|(name, column)| Ok(Arc::new(field(name, column)?)));
    let fields = fields.collect::<Result<Vec<TypePtr>>>()?;
    Ok(Arc::new(Type::group_type_builder("results").with_fields(fields).build()?))
}

fn field(name: &str, column: &Column) -> Result<Type> {
    let (physical, logical, repetition) = match column {
        Column::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String), Repetition::REQUIRED),
        Column::Real(_) => (Physical::DOUBLE, None, Repetition::OPTIONAL),
        Column::Flag(_) => (Physical::BOOLEAN, None, Repetition::REQUIRED),
    };
    let field = Type::primitive_type_builder(name, physical);
    field.with_logical_type(logical).with_repetition(repetition).build()
}

fn write(into: &mut SerializedColumnWriter<'_>, column: &Column) -> Result<usize> {
    match column {
        Column::Text(cells) => {
            let texts: Vec<ByteArray> = cells.iter().map(|text| ByteArray::from(text.as_str())).collect();
            into.typed::<ByteArrayType>().write_batch(&texts, None, None)
        }
        Column::Real(cells) => {
            let there: Vec<f64> = cells.iter().copied().flatten().collect();
            let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
            into.typed::<DoubleType>().write_batch(&there, Some(&levels), None)
        }
        Column::Flag(cells) => into.typed::<BoolType>().write_batch(cells, None, None),
    }
}
