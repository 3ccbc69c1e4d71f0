//! What a dataset has left to give.

use crate::error::NodeError;
use crate::node::Node;
use serde::Serialize;
use trocar_terms::{Decimal, Name, RhoUnits};

/// The budget of one dataset, for the operator.
#[derive(Debug, Serialize)]
pub struct Budget {
    /// Dataset.
    pub dataset: Name,
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
    /// Of the year, by the project of the approval.
    pub projects: Vec<ProjectBudget>,
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

impl Node {
    /// The budgets of all datasets.
    ///
    /// # Errors
    /// The ledger or a policy cannot be read.
    pub async fn budgets(&self) -> Result<Vec<Budget>, NodeError> {
        let ledger = self.home().ledger()?;
        let mut budgets = Vec::new();
        for dataset in self.store().datasets().await? {
            let policy = self.policy(&dataset.name)?;
            let spent = ledger.spent(dataset.id, self.now());
            let project = |(project, rho): (&String, &RhoUnits)| ProjectBudget {
                project: project.clone(),
                rho_year: rho.to_f64(),
                rho_year_cap: policy.project_rho_year().to_f64(),
            };
            budgets.push(Budget {
                projects: spent.by_project.iter().map(project).collect(),
                dataset: dataset.name,
                rho_year: spent.year.to_f64(),
                rho_year_cap: policy.rho_year(),
                rho_lifetime: spent.lifetime.to_f64(),
                rho_lifetime_cap: policy.rho_lifetime(),
                delta_year: spent.delta_year.to_f64(),
                delta_year_cap: policy.gate_delta_year(),
                epsilon_year: trocar_filter::epsilon(spent.year.to_f64(), 1e-6 - spent.delta_year.to_f64()),
            });
        }
        Ok(budgets)
    }
}
