//! The words that every other crate uses: ids, digests, exact decimals, values, the views of one patient, the
//! shape of an output, stable codes.
//!
//! No I/O, clock, randomness or logging: a value goes in, a value comes out.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::float_cmp
)]

mod budget;
mod clock;
mod code;
mod column;
mod day;
mod decimal;
mod derived;
mod digest;
mod ids;
mod limits;
mod output;
mod rules;
mod value;
mod view;

pub use budget::{Charge, DeltaUnits, RhoUnits};
pub use clock::{Clock, FixedClock, Timestamp};
pub use code::Code;
pub use column::{ColumnRule, ColumnType, NoValue, TableRules};
pub use day::Day;
pub use decimal::{Decimal, DecimalError};
pub use derived::{DERIVED_KINDS, Derived, DerivedKind};
pub use digest::{Digest, DigestError};
pub use ids::{DatasetId, IdError, JobId, Name, SnapshotId};
pub use limits::{LimitError, Limits};
pub use output::{Axis, Bounds, Kind, Output, Variable};
pub use rules::{AttributeRule, Class, Deidentification, Modality, PrivateGroups};
pub use value::Value;
pub use view::{Fault, Grid, Mask, Patient, SeriesInfo, Volume, little_endian};
