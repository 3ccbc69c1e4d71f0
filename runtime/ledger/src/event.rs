//! What the ledger records. No event holds anything that was computed from a patient's data but hiding commitments; that two
//! datasets have a patient in common ([`Event::Pooled`]) is the one fact about data, and it stays in the node.

use crate::caps::Limits;
use serde::{Deserialize, Serialize};
use trocar_terms::{Charge, Code, DatasetId, Digest, JobId, Name, RhoUnits, SnapshotId, Timestamp};

/// One event. There is no event that edits or removes another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// The first record of every ledger, and only the first.
    Genesis {
        /// Version of this format.
        version: u32,
    },
    /// A dataset exists from here on.
    DatasetAdded {
        /// Its random id.
        dataset: DatasetId,
        /// What its operator calls it.
        name: Name,
        /// Digest of its policy.
        policy: Digest,
        /// The home that has it, by the name that it gives itself: several homes may keep one ledger.
        home: Name,
    },
    /// What a dataset's policy lets its patients spend, from its last scan on. Of a pool, the strictest figures hold.
    Limited {
        /// The dataset.
        dataset: DatasetId,
        /// Its caps.
        limits: Limits,
    },
    /// These datasets have a patient in common: they share one pool from here on. Nothing takes a pool apart.
    Pooled {
        /// At least two, in order of their ids.
        datasets: Vec<DatasetId>,
    },
    /// A package was handed in.
    Submitted {
        /// The job.
        job: JobId,
        /// On which dataset.
        dataset: DatasetId,
        /// Digest of the package file.
        package: Digest,
    },
    /// An operator approved a package.
    Approved {
        /// For which dataset.
        dataset: DatasetId,
        /// Digest of the manifest.
        manifest: Digest,
        /// Digest of the component.
        component: Digest,
        /// The signed approval.
        envelope: serde_json::Value,
    },
    /// An operator rejected a package. It ends every approval of it so far.
    Rejected {
        /// For which dataset.
        dataset: DatasetId,
        /// Digest of the manifest.
        manifest: Digest,
    },
    /// An operator took an approval back.
    Revoked {
        /// For which dataset.
        dataset: DatasetId,
        /// Digest of the manifest.
        manifest: Digest,
    },
    /// A job was refused before anything was reserved.
    Refused {
        /// The job.
        job: JobId,
        /// Why.
        code: Code,
    },
    /// A job's whole cost is spent, before any patient is read. Written by [`crate::Ledger::reserve`] alone.
    Reserved(
        /// What was reserved.
        Box<Reservation>,
    ),
    /// A feasibility count's cost is spent, before any record is looked at. Written by [`crate::Ledger::reserve_count`] alone.
    Counted(
        /// What was reserved.
        Box<CountReservation>,
    ),
    /// A feasibility count's answer is kept: it is never drawn again.
    Answered {
        /// The count.
        count: JobId,
    },
    /// Ledger time has come this far: what shows later than this had not been published. It says nothing else.
    Moment,
    /// A reviewer signed a package's component.
    Reviewed {
        /// Digest of the manifest.
        manifest: Digest,
        /// Digest of the component.
        component: Digest,
        /// The signed review.
        envelope: serde_json::Value,
    },
    /// All patients were mapped, and an exact result waits for an output checker.
    Held {
        /// The job.
        job: JobId,
    },
    /// An output checker's signed word on a held result; it finishes next.
    Decided {
        /// The job.
        job: JobId,
        /// Whether it leaves.
        release: bool,
        /// The signed decision.
        envelope: serde_json::Value,
    },
    /// All patients were mapped: the noise is about to be drawn.
    Charged {
        /// The job.
        job: JobId,
    },
    /// The blocks behind a closed gate were never drawn. Follows `Finished` with [`Code::Withheld`], and nothing else.
    Returned {
        /// The job.
        job: JobId,
        /// How much of its `block_rho`.
        rho: RhoUnits,
        /// From when it counts: when the outcome shows, or the budget would tell when the job really ended.
        from: Timestamp,
    },
    /// The job's outcome is final.
    Finished {
        /// The job.
        job: JobId,
        /// The outcome.
        code: Code,
        /// Digest of the bundle, if there is one.
        bundle: Option<Digest>,
        /// Hiding commitment to the operator's record of the sums before noise, if there is one: see `replays/` of the home.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sums: Option<Digest>,
    },
}

/// A job's cost and what it is bound to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reservation {
    /// The job.
    pub job: JobId,
    /// On which dataset.
    pub dataset: DatasetId,
    /// Who pays: a key, or `any`.
    pub project: String,
    /// Digest of the manifest.
    pub manifest: Digest,
    /// `seq` of the approval that it runs under.
    pub approval: u64,
    /// What it costs.
    pub charge: Charge,
    /// The frozen view of the dataset.
    pub snapshot: SnapshotId,
    /// Hiding commitment to that view.
    pub commitment: Digest,
    /// When the result may be fetched: fixed here.
    pub release_at: Timestamp,
    /// The policy's slot: a job that ends late shows at the end of one.
    pub slot_minutes: u32,
    /// Whatever else the node binds to the job.
    pub details: serde_json::Value,
}

/// A feasibility count's cost and what it is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountReservation {
    /// The count, by random id.
    pub count: JobId,
    /// On which dataset.
    pub dataset: DatasetId,
    /// The frozen view of the dataset.
    pub snapshot: SnapshotId,
    /// Everything that the answer depends on: the same key is the same question, and is answered once.
    pub key: Digest,
    /// What it costs.
    pub rho: RhoUnits,
    /// When the answer is shown: fixed here.
    pub answer_at: Timestamp,
}
