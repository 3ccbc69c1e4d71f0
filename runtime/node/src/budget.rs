//! What a dataset has left to give, and what each job took.

use crate::error::NodeError;
use crate::history;
use crate::node::Node;
use serde::Serialize;
use std::collections::BTreeMap;
use trocar_ledger::{Event, Ledger, Reservation};
use trocar_policy::Policy;
use trocar_terms::{Code, DatasetId, Decimal, JobId, Name, RhoUnits, Timestamp};

/// The budget of one dataset, for the operator. What is spent is what its whole pool spent, and caps are the pool's strictest.
#[derive(Debug, Serialize)]
pub struct Budget {
    /// Dataset.
    pub dataset: Name,
    /// Other datasets with patients in common: one budget for all.
    pub pool: Vec<Name>,
    /// rho spent in the last 365 days.
    pub rho_year: f64,
    /// Its cap.
    pub rho_year_cap: Decimal,
    /// rho spent ever.
    pub rho_lifetime: f64,
    /// Its cap.
    pub rho_lifetime_cap: Decimal,
    /// delta spent on gates in the last 365 days.
    pub delta_year: f64,
    /// Its cap.
    pub delta_year_cap: Decimal,
    /// epsilon at delta 1e-6 that the year's spending stands for.
    #[serde(rename = "epsilon_year_at_1e-6")]
    pub epsilon_year: f64,
    /// rho spent on feasibility counts in the last 365 days.
    pub counts_rho_year: f64,
    /// Its cap.
    pub counts_rho_year_cap: Decimal,
    /// How many questions were counted on this dataset ever.
    pub counts: usize,
    /// Of the year, by the project of the approval.
    pub projects: Vec<ProjectBudget>,
    /// Jobs on this dataset, newest last.
    pub jobs: Vec<JobCost>,
}

/// One project's share of a dataset's year.
#[derive(Debug, Serialize)]
pub struct ProjectBudget {
    /// The project that approvals name; `any` is those that name none.
    pub project: String,
    /// rho spent in the last 365 days.
    pub rho_year: f64,
    /// Its cap.
    pub rho_year_cap: f64,
}

/// What one job took.
#[derive(Debug, Serialize)]
pub struct JobCost {
    /// The job.
    pub job: JobId,
    /// When it was reserved.
    pub reserved_at: Timestamp,
    /// Who pays.
    pub project: String,
    /// What it costs by now.
    pub rho: f64,
    /// What of its reservation came back behind a closed gate.
    pub returned: f64,
    /// Where it stands.
    pub code: Code,
}

impl Node {
    /// The budgets of all datasets.
    ///
    /// # Errors
    /// The ledger or a policy cannot be read.
    pub async fn budgets(&self) -> Result<Vec<Budget>, NodeError> {
        let ledger = self.home().ledger()?;
        let mut jobs = jobs(&ledger, ledger.time(self.now()));
        let mut budgets = Vec::new();
        for dataset in self.store().datasets().await? {
            let policy = self.policy(&dataset.name)?;
            let jobs = jobs.remove(&dataset.id).unwrap_or_default();
            budgets.push(self.budget(&ledger, (dataset.name, dataset.id), &policy, jobs));
        }
        Ok(budgets)
    }

    fn budget(
        &self,
        ledger: &Ledger,
        (dataset, id): (Name, DatasetId),
        policy: &Policy,
        jobs: Vec<JobCost>,
    ) -> Budget {
        let (spent, limits) = (ledger.spent(id, self.now()), ledger.limits(id));
        let share = limits.map_or(policy.project_rho_year(), |limits| limits.project_share_of_year);
        let project = |(project, rho): (&String, &RhoUnits)| ProjectBudget {
            project: project.clone(),
            rho_year: rho.to_f64(),
            rho_year_cap: share.to_f64(),
        };
        Budget {
            pool: self.pool_of(ledger, id),
            dataset,
            rho_year: spent.year.to_f64(),
            rho_year_cap: cap(policy.rho_year(), limits.map(|l| l.year)),
            rho_lifetime: spent.lifetime.to_f64(),
            rho_lifetime_cap: cap(policy.rho_lifetime(), limits.map(|l| l.lifetime)),
            delta_year: spent.delta_year.to_f64(),
            delta_year_cap: policy.gate_delta_year(),
            epsilon_year: trocar_filter::epsilon(spent.year.to_f64(), 1e-6 - spent.delta_year.to_f64()),
            counts_rho_year: spent.counts_year.to_f64(),
            counts_rho_year_cap: cap(policy.counts_rho_year(), limits.map(|l| l.counts_year)),
            counts: counts(ledger, id),
            projects: spent.by_project.iter().map(project).collect(),
            jobs,
        }
    }
}

/// The policy's own figure, or that of a stricter policy in the pool.
fn cap(own: Decimal, limit: Option<RhoUnits>) -> Decimal {
    let stricter = limit.filter(|limit| *limit < RhoUnits::floor(&own));
    stricter.and_then(|limit| format!("{:.9}", limit.to_f64()).parse().ok()).unwrap_or(own)
}

fn counts(ledger: &Ledger, dataset: DatasetId) -> usize {
    let counted = |event: &Event| matches!(event, Event::Counted(count) if count.dataset == dataset);
    ledger.records().iter().filter(|record| counted(&record.event)).count()
}

/// What each job took by now, as a researcher may know it too: what comes back does so when the outcome shows.
fn jobs(ledger: &Ledger, now: Timestamp) -> BTreeMap<DatasetId, Vec<JobCost>> {
    let mut jobs: BTreeMap<DatasetId, Vec<JobCost>> = BTreeMap::new();
    for record in ledger.records() {
        if let Event::Reserved(reservation) = &record.event {
            let cost = cost(ledger, reservation, record.time, now);
            jobs.entry(reservation.dataset).or_default().push(cost);
        }
    }
    jobs
}

fn cost(ledger: &Ledger, reservation: &Reservation, reserved_at: Timestamp, now: Timestamp) -> JobCost {
    let job = reservation.job;
    let returned = ledger.records().iter().find_map(|record| {
        let Event::Returned { job: j, rho, from } = &record.event else { return None };
        (*j == job && now >= *from).then_some(rho.to_f64())
    });
    let (returned, whole) = (returned.unwrap_or(0.0), reservation.charge.rho().unwrap_or_default().to_f64());
    let code = history::shown(ledger, &job, now).map_or(Code::Accepted, |finished| finished.code);
    let project = reservation.project.clone();
    JobCost { job, reserved_at, project, rho: whole - returned, returned, code }
}
