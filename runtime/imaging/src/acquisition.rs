//! What tells frames at one place apart: phases of time, echoes, diffusion weights, acquisitions.

use serde::{Deserialize, Serialize};

/// The numbers of one frame, where the file gives them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Acquisition {
    /// Temporal Position Identifier (0020,0100) or Index (0020,9128).
    pub(crate) time: Option<f64>,
    /// Trigger Time (0018,1060), ms, or Nominal Cardiac Trigger Delay Time (0020,9153).
    pub(crate) trigger: Option<f64>,
    /// Echo Number (0018,0086), or Effective Echo Time (0018,9082), ms.
    pub(crate) echo: Option<f64>,
    /// Diffusion b-value (0018,9087), s/mm2.
    pub(crate) b_value: Option<f64>,
    /// Acquisition Number (0020,0012) or Frame Acquisition Number (0020,9156).
    pub(crate) number: Option<f64>,
}

/// A number as a key: equal numbers, equal keys; order is that of positive numbers.
type Key = fn(&Acquisition) -> Option<u64>;

/// In the order in which they are tried.
pub(crate) const KEYS: [Key; 5] = [
    |a| a.time.map(f64::to_bits),
    |a| a.trigger.map(f64::to_bits),
    |a| a.echo.map(f64::to_bits),
    |a| a.b_value.map(f64::to_bits),
    |a| a.number.map(f64::to_bits),
];
