//! The caps of policy and approval, and whether a reservation fits under them.

use crate::event::Reservation;
use crate::state::State;
use std::collections::BTreeMap;
use trocar_terms::{Code, DatasetId, DeltaUnits, RhoUnits, Timestamp};

/// What a dataset's policy and the approval allow. All are required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// One job may cost this (policy).
    pub job: RhoUnits,
    /// All jobs on the dataset within 365 days.
    pub year: RhoUnits,
    /// All jobs on the dataset ever.
    pub lifetime: RhoUnits,
    /// One project's jobs on the dataset within 365 days.
    pub project_share_of_year: RhoUnits,
    /// The gates of all jobs within 365 days.
    pub gate_delta_year: DeltaUnits,
    /// How often the approval may be used.
    pub runs: u32,
    /// One job may cost this (approval).
    pub rho_max: RhoUnits,
}

/// What a dataset has spent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spent {
    /// Within 365 days of ledger time.
    pub year: RhoUnits,
    /// Ever.
    pub lifetime: RhoUnits,
    /// By gates, within 365 days.
    pub delta_year: DeltaUnits,
    /// Of `year`, by project.
    pub by_project: BTreeMap<String, RhoUnits>,
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

/// What `dataset` has spent by `now`. Reservations stay spent whether or not their job ever finished.
pub(crate) fn spent(state: &State, dataset: DatasetId, now: Timestamp) -> Spent {
    let mut spent = Spent::default();
    // Exactly 365 days old still counts.
    let since = now.seconds().saturating_sub(YEAR_SECONDS);
    for row in state.rows().filter(|row| row.reservation.dataset == dataset) {
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

// Saturated, a sum is over every cap.
fn plus(a: RhoUnits, b: RhoUnits) -> RhoUnits {
    RhoUnits(a.0.saturating_add(b.0))
}
