//! Held -> Released | Withheld: a decided result becomes its bundle. A node that stopped after the decision ends here too.

use super::decide::against;
use super::store::Airlock;
use crate::error::NodeError;
use crate::files;
use crate::history;
use crate::job::{Granted, Seals, Summed, asked, sealed};
use crate::node::Node;
use crate::reviews::{HeldReview, reviews_of};
use trocar_bundle::{Decided, ReviewedContent};
use trocar_filter::{ExactReleased, ExactSums};
use trocar_ledger::{Event, Ledger};
use trocar_manifest::dsse::Envelope;
use trocar_manifest::keys::PublicKey;
use trocar_terms::{Code, Digest, JobId, RhoUnits};

impl Node {
    /// Applies the rules to a job's exact sums and leaves the result to an output checker.
    pub(crate) fn hold(&self, granted: &Granted, sums: ExactSums) -> Result<(), NodeError> {
        let (held, members) = sums.hold(granted.job);
        let mut seals = Seals::of(self.home(), granted.job)?;
        seals.add(&[], &Summed::held(&held, &members)?);
        seals.keep(self.home(), self.random_bytes(), granted.admitted.models.engine_id())?;
        Airlock::of(self.home())?.hold(&held, &members)?;
        self.home().ledger()?.append(self.now(), Event::Held { job: granted.job })?;
        Ok(())
    }

    /// Makes the bundle of a decided job and ends it.
    pub(crate) fn conclude(&self, granted: Granted) -> Result<(), NodeError> {
        let job = granted.job;
        let ledger = self.home().ledger()?;
        let decided = match self.decided(&ledger, &granted) {
            Err(error) if error.is_lost() => return self.fail(&job),
            other => other?,
        };
        let code = match decided.decision().verdict {
            trocar_manifest::Verdict::Release => Code::Released,
            trocar_manifest::Verdict::Withhold => Code::HeldBack,
        };
        let bundle = self.reviewed_bundle(&ledger, &granted, &decided)?;
        files::write_durably(&self.home().bundle_path(&job), &bundle)?;
        self.finish(&job, code, (Some(Digest::of(&bundle)), sealed(self.home(), &job)), RhoUnits(0))
    }

    /// The decision in the ledger with, where it lets the result out, the result.
    fn decided(&self, ledger: &Ledger, granted: &Granted) -> Result<Decided, NodeError> {
        let Some((release, envelope)) = decision_in(ledger, &granted.job) else {
            return Err(NodeError::Lost("the decision on it"));
        };
        let checkers = self.operators_of(granted)?;
        if release {
            Ok(Decided::release(self.exact(ledger, &granted.job)?, &envelope, &checkers)?)
        } else {
            Ok(Decided::withhold(&envelope, &checkers)?)
        }
    }

    /// Held against what was released before it was decided; later releases were held against it.
    fn exact(&self, ledger: &Ledger, job: &JobId) -> Result<ExactReleased, NodeError> {
        let airlock = Airlock::of(self.home())?;
        let earlier = history::exact_releases(ledger, Some(job));
        let checked = against(&airlock, earlier.into_iter(), &airlock.members(job)?)?;
        let released = checked.ok().and_then(|checked| airlock.held(job).ok()?.released(checked));
        released.ok_or(NodeError::Lost("its held result"))
    }

    /// Who may decide: operators of the policy as it is now and as it was when the job was admitted.
    fn operators_of(&self, granted: &Granted) -> Result<Vec<PublicKey>, NodeError> {
        let mut keys = granted.admitted.policy.operators().to_vec();
        keys.extend(self.policy(&granted.admitted.received.dataset.name)?.operators());
        keys.retain(|key| *key != granted.admitted.received.package.author);
        Ok(keys)
    }

    fn reviewed_bundle(
        &self,
        ledger: &Ledger,
        granted: &Granted,
        decided: &Decided,
    ) -> Result<Vec<u8>, NodeError> {
        let package = &granted.admitted.received.package;
        let held = reviews_of(ledger, package, granted.admitted.policy.reviewers());
        let reviewers = held.iter().map(|review| review.reviewer).collect();
        let airlock = Some(trocar_bundle::Airlock { reviewers, checker: decided.checker() });
        let request = trocar_bundle::Request { airlock, ..self.request(granted)? };
        let reviews: Vec<Envelope> = held.into_iter().map(|HeldReview { envelope, .. }| envelope).collect();
        let logged = self.logged(&granted.job)?;
        let content =
            ReviewedContent { decided, asked: asked(granted, &request, &logged), reviews: &reviews };
        Ok(trocar_bundle::write_reviewed(&content, &self.home().node_key()?)?)
    }
}

fn decision_in(ledger: &Ledger, job: &JobId) -> Option<(bool, Envelope)> {
    ledger.records().iter().find_map(|record| {
        let Event::Decided { job: decided, release, envelope } = &record.event else { return None };
        let envelope = serde_json::from_value(envelope.clone()).ok();
        envelope.filter(|_| decided == job).map(|envelope| (*release, envelope))
    })
}
