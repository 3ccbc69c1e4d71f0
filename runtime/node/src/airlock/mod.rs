//! The airlock: exact results wait here for an output checker (PRIVACY.md sections 1 and 6).
//!
//! Nothing of the class `reviewed-code` leaves without a decision that an operator signed. A result that the rules do not
//! let out waits like any other and can only be withheld: whoever asked sees the same words at a time that a person chose,
//! whether a rule or the checker kept it.

mod conclude;
mod decide;
mod list;
mod store;

pub use decide::{AirlockAnswer, AirlockRequest};
pub use list::{AirlockRow, AirlockShown, AirlockState};
