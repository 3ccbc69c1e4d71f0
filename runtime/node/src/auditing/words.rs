//! The ledger in plain words, a line a record. For the operator: it names cohorts and the seconds at which jobs were done.

use crate::error::NodeError;
use crate::job::Details;
use crate::node::Node;
use serde::Serialize;
use trocar_ledger::{Event, Reservation};
use trocar_terms::Timestamp;

/// One record.
#[derive(Debug, Serialize)]
pub struct AuditRow {
    /// Its place.
    pub seq: u64,
    /// Ledger time.
    pub time: Timestamp,
    /// What happened.
    pub what: String,
    /// The record as it stands.
    pub event: Event,
}

impl Node {
    /// Every record of the ledger.
    ///
    /// # Errors
    /// The ledger is damaged.
    pub fn audit_rows(&self) -> Result<Vec<AuditRow>, NodeError> {
        let ledger = self.home().ledger()?;
        let row = |record: &trocar_ledger::Record| AuditRow {
            seq: record.seq,
            time: record.time,
            what: words(&record.event),
            event: record.event.clone(),
        };
        Ok(ledger.records().iter().map(row).collect())
    }
}

fn words(event: &Event) -> String {
    match event {
        Event::Genesis { version } => format!("the ledger begins, version {version}"),
        Event::DatasetAdded { dataset, name, home, .. } => {
            format!("dataset {name} is added by the home {home}: {dataset}")
        }
        Event::Limited { dataset, limits } => format!(
            "dataset {dataset} may spend rho {:.4} a year and {:.4} ever",
            limits.year.to_f64(),
            limits.lifetime.to_f64()
        ),
        Event::Pooled { datasets } => {
            let ids: Vec<String> = datasets.iter().map(ToString::to_string).collect();
            format!("datasets {} have a patient in common: one pool", ids.join(" and "))
        }
        Event::Submitted { job, dataset, package } => {
            format!("package {package} is handed in for dataset {dataset} as {job}")
        }
        Event::Approved { dataset, manifest, .. } => {
            format!("manifest {manifest} is approved for dataset {dataset}")
        }
        Event::Rejected { dataset, manifest } => {
            format!("manifest {manifest} is rejected for dataset {dataset}")
        }
        Event::Revoked { dataset, manifest } => {
            format!("approvals of manifest {manifest} for dataset {dataset} are taken back")
        }
        Event::Refused { job, code } => format!("job {job} is refused: {code}"),
        Event::Reserved(reservation) => reserved(reservation),
        Event::Reviewed { manifest, .. } => format!("the code of manifest {manifest} is reviewed"),
        Event::Held { job } => format!("job {job} waits in the airlock"),
        Event::Decided { job, release: true, .. } => format!("an output checker lets job {job} out"),
        Event::Decided { job, release: false, .. } => format!("an output checker keeps job {job}"),
        Event::Charged { job } => {
            format!("job {job} has mapped its patients; its noise is about to be drawn")
        }
        Event::Returned { job, rho, from } => {
            format!("job {job} gives back rho {:.4} from {from} on", rho.to_f64())
        }
        Event::Finished { job, code, .. } => format!("job {job} is over: {code}"),
        Event::Counted(count) => format!(
            "count {} on dataset {} costs rho {:.4} and shows at {}",
            count.count,
            count.dataset,
            count.rho.to_f64(),
            count.answer_at
        ),
        Event::Answered { count } => format!("count {count} is answered"),
        Event::Moment => "a head is about to be shown".to_owned(),
    }
}

fn reserved(reservation: &Reservation) -> String {
    let cohort = Details::of(reservation).and_then(|details| details.cohort);
    let where_ = cohort.map_or_else(String::new, |cohort| format!(", where {cohort}"));
    format!(
        "job {} on dataset {} for project {} costs rho {:.4}{where_}; it shows at {}",
        reservation.job,
        reservation.dataset,
        reservation.project,
        reservation.charge.rho().unwrap_or_default().to_f64(),
        reservation.release_at
    )
}
