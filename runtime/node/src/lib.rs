//! The node: job states, the store, workers, approvals, budgets.
//!
//! It reaches patients only through `trocar-worker`, and lets nothing out but through `trocar-filter`.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::float_cmp
)]
#![cfg_attr(test, allow(clippy::indexing_slicing, reason = "a test may stop"))]

mod airlock;
mod approvals;
mod audit;
mod auditing;
mod budget;
mod cache;
mod count;
mod counted;
mod datasets;
mod doctor;
mod error;
mod files;
mod head;
mod history;
mod home;
mod job;
mod keys;
mod log;
mod models;
mod node;
mod patients;
mod report;
mod reviews;
mod rotation;
mod scan;
mod store;
mod volumes;

pub use airlock::{AirlockAnswer, AirlockRequest, AirlockRow, AirlockShown, AirlockState};
pub use approvals::{ApproveRequest, Approved, Pending, date};
pub use auditing::{AuditRow, Check, Finding};
pub use budget::{Budget, JobCost, ProjectBudget};
pub use count::{CountAnswer, CountRequest};
pub use counted::counted;
pub use datasets::NewDataset;
pub use error::NodeError;
pub use head::witness_name;
pub use home::Home;
pub use job::{
    JobState, JobStatus, Progress, Ran, Refusal, ReplayError, Replayed, SubmitRequest, exact_plan_of,
    grant_of, map_one, plan_of,
};
pub use keys::{Keys, NODE_KEY, OPERATOR_KEY, Random, system, system_random};
pub use log::Exported;
pub use node::{Node, SystemClock};
pub use report::{DatasetFacts, ReportFormat};
pub use rotation::NodeKey;
pub use scan::{Contents, Quarantined, ScanReport};
pub use store::{Dataset, Indexed};
pub use volumes::VolumeCache;
