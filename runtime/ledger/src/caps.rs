//! The caps of policy and approval, and whether a reservation fits under them.

use crate::event::{CountReservation, Reservation};
use crate::state::State;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trocar_terms::{Code, DatasetId, DeltaUnits, RhoUnits, Timestamp};

/// What a dataset's policy and the approval allow. All are required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// One job may cost this (policy).
    pub job: RhoUnits,
    /// All jobs on the pool within 365 days.
    pub year: RhoUnits,
    /// All jobs on the pool ever.
    pub lifetime: RhoUnits,
    /// One project's jobs on the pool within 365 days.
    pub project_share_of_year: RhoUnits,
    /// The gates of all jobs within 365 days.
    pub gate_delta_year: DeltaUnits,
    /// How often the approval may be used.
    pub runs: u32,
    /// One job may cost this (approval).
    pub rho_max: RhoUnits,
}

/// What a policy lets the patients of its dataset spend. They take it along into every pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// All jobs within 365 days.
    pub year: RhoUnits,
    /// All jobs ever.
    pub lifetime: RhoUnits,
    /// One project's jobs within 365 days.
    pub project_share_of_year: RhoUnits,
    /// The gates of all jobs within 365 days.
    pub gate_delta_year: DeltaUnits,
    /// All feasibility counts within 365 days.
    pub counts_year: RhoUnits,
}

/// What a policy allows of feasibility counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountCaps {
    /// One count may cost this.
    pub each: RhoUnits,
    /// All counts on the pool within 365 days.
    pub year: RhoUnits,
}

/// What the datasets of a pool have spent together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spent {
    /// By jobs, within 365 days of ledger time.
    pub year: RhoUnits,
    /// By jobs, ever.
    pub lifetime: RhoUnits,
    /// By gates, within 365 days.
    pub delta_year: DeltaUnits,
    /// Of `year`, by project.
    pub by_project: BTreeMap<String, RhoUnits>,
    /// By feasibility counts, within 365 days.
    pub counts_year: RhoUnits,
    /// By feasibility counts, ever.
    pub counts_lifetime: RhoUnits,
}

/// The ledger's answer to a reservation. A denial is a value: nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// On disk, at this `seq`: patients may be read.
    Reserved(u64),
    /// Over a cap, or under no valid approval.
    Denied(Code),
}

const YEAR_SECONDS: i64 = 365 * 24 * 60 * 60;

/// What the pool of `dataset` has spent by `now`. Reservations stay spent whether or not their job ever finished.
pub(crate) fn spent(state: &State, dataset: DatasetId, now: Timestamp) -> Spent {
    let mut spent = Spent::default();
    // Exactly 365 days old still counts.
    let since = now.seconds().saturating_sub(YEAR_SECONDS);
    let pool = state.pool(dataset);
    for row in state.rows().filter(|row| pool.contains(&row.reservation.dataset)) {
        let rho = row.spent(now);
        spent.lifetime = plus(spent.lifetime, rho);
        if row.time.seconds() < since {
            continue;
        }
        spent.year = plus(spent.year, rho);
        spent.delta_year = DeltaUnits(spent.delta_year.0.saturating_add(row.reservation.charge.delta.0));
        let project = spent.by_project.entry(row.reservation.project.clone()).or_default();
        *project = plus(*project, rho);
    }
    for count in state.counts().filter(|count| pool.contains(&count.reservation.dataset)) {
        spent.counts_lifetime = plus(spent.counts_lifetime, count.reservation.rho);
        if count.time.seconds() >= since {
            spent.counts_year = plus(spent.counts_year, count.reservation.rho);
        }
    }
    spent
}

/// The first cap that `asked` would pass, if any.
pub(crate) fn denial(state: &State, asked: &Reservation, caps: &Caps, now: Timestamp) -> Option<Code> {
    if let Some(code) = state.approval_fault(asked.approval, asked.dataset, asked.manifest) {
        return Some(code);
    }
    // A cost that does not fit 64 bits is over any cap.
    let Some(rho) = asked.charge.rho() else {
        return Some(Code::JobBudget);
    };
    let caps = strictest(state, asked.dataset, *caps);
    let spent = spent(state, asked.dataset, now);
    let project = spent.by_project.get(&asked.project).copied().unwrap_or_default();
    let delta = spent.delta_year.checked_add(asked.charge.delta);
    let over = |spent: RhoUnits, cap: RhoUnits| spent.checked_add(rho).is_none_or(|sum| sum > cap);
    let rules = [
        (state.runs_of(asked.approval) >= u64::from(caps.runs), Code::ApprovalSpent),
        (rho > caps.job || rho > caps.rho_max, Code::JobBudget),
        (over(spent.year, caps.year), Code::YearBudget),
        (over(spent.lifetime, caps.lifetime), Code::LifetimeBudget),
        (over(project, caps.project_share_of_year), Code::ProjectBudget),
        (delta.is_none_or(|sum| sum > caps.gate_delta_year), Code::GateDeltaBudget),
    ];
    rules.into_iter().find_map(|(denied, code)| denied.then_some(code))
}

/// The cap that a feasibility count would pass, if any.
pub(crate) fn count_denial(
    state: &State,
    asked: &CountReservation,
    caps: &CountCaps,
    now: Timestamp,
) -> Option<Code> {
    let limit = state.limits(asked.dataset).map_or(caps.year, |limits| limits.counts_year.min(caps.year));
    let sum = spent(state, asked.dataset, now).counts_year.checked_add(asked.rho);
    let over = asked.rho > caps.each || sum.is_none_or(|sum| sum > limit);
    over.then_some(Code::CountsBudget)
}

/// No dataset of a pool lets its patients spend more than its own policy says.
fn strictest(state: &State, dataset: DatasetId, caps: Caps) -> Caps {
    let Some(limits) = state.limits(dataset) else { return caps };
    Caps {
        year: caps.year.min(limits.year),
        lifetime: caps.lifetime.min(limits.lifetime),
        project_share_of_year: caps.project_share_of_year.min(limits.project_share_of_year),
        gate_delta_year: caps.gate_delta_year.min(limits.gate_delta_year),
        ..caps
    }
}

impl Limits {
    /// The smaller of each pair.
    #[must_use]
    pub fn strictest(self, other: Self) -> Self {
        Self {
            year: self.year.min(other.year),
            lifetime: self.lifetime.min(other.lifetime),
            project_share_of_year: self.project_share_of_year.min(other.project_share_of_year),
            gate_delta_year: self.gate_delta_year.min(other.gate_delta_year),
            counts_year: self.counts_year.min(other.counts_year),
        }
    }
}

// Saturated, a sum is over every cap.
fn plus(a: RhoUnits, b: RhoUnits) -> RhoUnits {
    RhoUnits(a.0.saturating_add(b.0))
}
