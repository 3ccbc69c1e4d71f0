//! The privacy ledger: one append-only, hash-chained file of JSON lines, and the only truth about what was spent.
//!
//! Every write takes the file's lock, reads what others appended, decides, writes, and returns once the disk has it.
//! A line that a crash cut short is cut off; any other damage is refused ([`LedgerError::Broken`]).
//!
//! Absent on purpose: a refund other than of blocks that a closed gate never drew, any edit or removal of a record,
//! and a way to reserve that does not go past the caps. An old copy of the whole file is not noticed here: that takes a
//! witness outside the home, to whom the tree over [`Ledger::public`] is shown.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::float_cmp
)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::float_cmp, reason = "a test may panic"))]

mod caps;
mod error;
mod event;
mod file;
mod ledger;
mod public;
mod record;
mod state;

pub use caps::{Caps, CountCaps, Limits, Spent, Verdict};
pub use error::LedgerError;
pub use event::{CountReservation, Event, Reservation};
pub use ledger::Ledger;
pub use public::{Public, PublicEvent};
pub use record::Record;
