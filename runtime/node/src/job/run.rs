//! The two ends of a job on a node: a package is accepted or refused, and accepted jobs are run until none is open.
//!
//! They hold different locks: how long another job runs must not be seen by whoever hands in the next.

use super::admit::{Admitted, SubmitRequest};
use super::grant::{Details, Grant, Granted};
use super::map::Progress;
use super::status::JobStatus;
use super::{Received, Refusal};
use crate::approvals::{HeldApproval, binds};
use crate::error::{NodeError, ask};
use crate::history;
use crate::node::Node;
use std::time::SystemTime;
use trocar_ledger::Reservation;
use trocar_terms::JobId;

/// What became of the accepted jobs of a node.
#[derive(Debug, Default)]
pub struct Ran {
    /// How many ended, in whatever way.
    pub finished: usize,
    /// Those that cannot go on now and stay accepted, each with its reason.
    pub stuck: Vec<(JobId, NodeError)>,
}

impl Node {
    /// Takes a package from its bytes to an accepted job or a refusal. Runs nothing.
    ///
    /// # Errors
    /// The package is damaged, the dataset unknown, or the node's own files cannot be used.
    pub async fn accept(&self, bytes: &[u8], request: SubmitRequest) -> Result<JobStatus, NodeError> {
        let _lock = self.home().lock("admission.lock")?;
        let received = self.receive(bytes, request).await?;
        let dataset = received.dataset.id;
        let (package, manifest) = (received.digest, received.package.manifest.digest());
        let refusal = match self.admit(received)? {
            Err(refusal) => refusal,
            Ok(admitted) => match self.grant(admitted).await? {
                Grant::New(granted) => return self.status(&granted.job).await,
                Grant::Cached(job) => return self.status(&job).await,
                Grant::Refused(refusal) => refusal,
            },
        };
        self.refuse(dataset, package, manifest, refusal)
    }

    /// Runs every accepted job that is not finished, oldest first. A restarted node goes on here.
    ///
    /// A job that cannot go on now stays accepted, does not stop the others, and is told with its reason.
    ///
    /// # Errors
    /// The ledger cannot be read or the lock not be taken.
    pub async fn run_accepted(&self, progress: Progress<'_>) -> Result<Ran, NodeError> {
        let _lock = self.home().lock("jobs.lock")?;
        let mut ran = Ran::default();
        for reservation in self.unfinished()? {
            match self.run(&reservation, progress).await {
                Ok(()) => ran.finished = ran.finished.saturating_add(1),
                Err(error) => ran.stuck.push((reservation.job, error)),
            }
        }
        Ok(ran)
    }

    async fn run(&self, reservation: &Reservation, progress: Progress<'_>) -> Result<(), NodeError> {
        if self.end_if_wished(&reservation.job)? {
            return Ok(());
        }
        match self.carry_out(reservation, progress).await {
            Err(NodeError::Cancelled) => self.end_if_wished(&reservation.job).map(drop),
            other => other,
        }
    }

    async fn carry_out(&self, reservation: &Reservation, progress: Progress<'_>) -> Result<(), NodeError> {
        let granted = match self.regrant(reservation).await {
            Ok(granted) => granted,
            Err(error) if error.is_lost() => return self.fail(&reservation.job),
            Err(error) => return Err(error),
        };
        if history::decided(&self.home().ledger()?, &reservation.job).is_some() {
            // The node stopped between an output checker's word and the bundle.
            let _lock = self.home().common_lock("airlock.lock")?;
            return self.conclude(granted);
        }
        // With the reservation under it: from here on nobody can take it back unseen.
        self.countersign(&granted.admitted.policy).await?;
        let begun = SystemTime::now();
        let mut mapped = tokio::task::block_in_place(|| self.map(granted, progress))?;
        let later = mapped.later(begun);
        match self.charge(mapped)? {
            Ok(charged) => tokio::task::block_in_place(|| self.release(charged, progress))?,
            Err((granted, sums)) => self.hold(&granted, sums)?,
        }
        // The job is finished whatever becomes of this.
        let _ = tokio::task::block_in_place(|| self.keep_volumes(&later));
        Ok(())
    }

    /// The granted job again, from the ledger and the kept files alone. Where they no longer agree with what was
    /// reserved, it is lost: nothing is mapped or drawn.
    pub(crate) async fn regrant(&self, reservation: &Reservation) -> Result<Granted, NodeError> {
        let details = Details::of(reservation).ok_or(NodeError::Lost("its details"))?;
        let admitted = self.admitted_again(reservation, &details).await?;
        let snapshot = self.store().snapshot(reservation.snapshot).await?;
        let approval = self.approval_again(reservation, &admitted)?;
        if snapshot.commitment != reservation.commitment {
            return Err(NodeError::Lost("its snapshot"));
        }
        if admitted.plan.charge() != reservation.charge {
            return Err(NodeError::Lost("its price"));
        }
        let (job, release_at) = (reservation.job, reservation.release_at);
        Ok(Granted { job, admitted, approval, snapshot, details, release_at })
    }

    async fn admitted_again(
        &self,
        reservation: &Reservation,
        details: &Details,
    ) -> Result<Admitted, NodeError> {
        let package = self.home().package(&details.package).map_err(|e| e.or_lost("its package"))?;
        let policy = self.policy_copy(&details.policy).map_err(|e| e.or_lost("its policy"))?;
        let all = self.store().datasets().await?;
        let Some(dataset) = all.into_iter().find(|d| d.id == reservation.dataset) else {
            return ask("its dataset is not in the index (index.db): restore the index");
        };
        let request = SubmitRequest {
            dataset: dataset.name.clone(),
            parameters: details.parameters.clone(),
            where_: details.cohort.clone(),
            project: details.project.clone(),
        };
        let received = Received { package, digest: details.package, dataset, request };
        match self.admit_under(policy, received)? {
            Ok(admitted) => Ok(admitted),
            // The compiler's process may have been out of memory; nothing is said against the component.
            Err(Refusal { died: true, .. }) => ask("the component cannot be compiled now"),
            Err(_) => Err(NodeError::Lost("its admission")),
        }
    }

    fn approval_again(
        &self,
        reservation: &Reservation,
        admitted: &Admitted,
    ) -> Result<HeldApproval, NodeError> {
        let held = self.approval_at(reservation.approval, admitted)?;
        held.filter(|h| binds(&h.approval, admitted)).ok_or(NodeError::Lost("its approval"))
    }
}
