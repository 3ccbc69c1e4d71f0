//! An output checker's word on a held result: the rules are held against it once more, the word is signed and written
//! down, and only then is a bundle made.

use super::store::{Airlock, Reason};
use crate::error::{NodeError, ask};
use crate::history;
use crate::job::{Granted, JobStatus};
use crate::keys::random_bytes;
use crate::node::Node;
use trocar_filter::{Checked, Members, Refinement, SmallAtom, rules};
use trocar_ledger::{Event, Ledger};
use trocar_manifest::keys::SecretKey;
use trocar_manifest::{Decision, Verdict};
use trocar_terms::{Digest, JobId, Name};

/// What an output checker says.
#[derive(Debug, Clone)]
pub struct AirlockRequest {
    /// On which job.
    pub job: JobId,
    /// Whose key signs.
    pub as_: Name,
    /// Why; it stays on the node.
    pub why: String,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// What became of it.
#[derive(Debug)]
pub enum AirlockAnswer {
    /// It is decided; the researcher sees it as the status does.
    Decided(JobStatus),
    /// A rule does not let it out. It waits on, and can only be withheld.
    Refused {
        /// Whether the cohort is below k.
        too_few: bool,
        /// What earlier releases leave of it too small.
        small: Vec<SmallAtom>,
    },
}

impl Node {
    /// Releases or withholds a held result under an operator's signature.
    ///
    /// # Errors
    /// It does not wait, the key is no operator's or is the author's, the reason is empty, or the disk refuses.
    pub async fn decide(&self, request: &AirlockRequest) -> Result<AirlockAnswer, NodeError> {
        let _lock = self.home().common_lock("airlock.lock")?;
        let mut ledger = self.home().ledger()?;
        let granted = self.waiting(&ledger, &request.job).await?;
        let key = self.checker(&granted, &request.as_)?;
        let airlock = Airlock::of(self.home())?;
        if request.verdict == Verdict::Release
            && let Some(refused) = self.refused(&airlock, &ledger, &request.job)?
        {
            return Ok(refused);
        }
        let decision = self.decision(&airlock, &granted, request, &key)?;
        if request.verdict == Verdict::Release {
            airlock.count_released(&airlock.members(&request.job)?)?;
        }
        let envelope = serde_json::to_value(decision.sign(&key)?)?;
        self.keep_policy(&self.policy(&granted.admitted.received.dataset.name)?)?;
        let (job, release) = (request.job, request.verdict == Verdict::Release);
        ledger.append(self.now(), Event::Decided { job, release, envelope })?;
        self.conclude(granted)?;
        Ok(AirlockAnswer::Decided(self.status(&job).await?))
    }

    /// The granted job of a result that waits.
    async fn waiting(&self, ledger: &Ledger, job: &JobId) -> Result<Granted, NodeError> {
        let reservation = history::reservations(ledger).find(|r| r.job == *job);
        match reservation.filter(|_| history::waits(ledger, job)) {
            Some(reservation) => self.regrant(reservation).await,
            None => ask(format!("no result of job {job} waits: see `trocar node airlock list`")),
        }
    }

    /// The key of an operator who did not write the package.
    fn checker(&self, granted: &Granted, as_: &Name) -> Result<SecretKey, NodeError> {
        let received = &granted.admitted.received;
        let (name, key) = (&received.dataset.name, self.home().keys().get(as_)?);
        if !self.policy(name)?.operators().contains(&key.public()) {
            return ask(format!("the key {as_} is not among `operators` in the policy of {name}"));
        }
        if key.public() == received.package.author {
            return ask(format!("the key {as_} signed the package: another operator must check its output"));
        }
        Ok(key)
    }

    /// The rules once more, with everything that was released since the result was held.
    fn refused(
        &self,
        airlock: &Airlock,
        ledger: &Ledger,
        job: &JobId,
    ) -> Result<Option<AirlockAnswer>, NodeError> {
        let too_few = airlock.held(job)?.evidence().cohort != rules::Verdict::Shown;
        let small = match against_all(airlock, ledger, &airlock.members(job)?)? {
            Ok(_) => Vec::new(),
            Err(small) => small,
        };
        Ok((too_few || !small.is_empty()).then_some(AirlockAnswer::Refused { too_few, small }))
    }

    fn decision(
        &self,
        airlock: &Airlock,
        granted: &Granted,
        request: &AirlockRequest,
        key: &SecretKey,
    ) -> Result<Decision, NodeError> {
        let why = request.why.trim();
        if why.is_empty() || why.chars().count() > MOST_WORDS || why.chars().any(char::is_control) {
            return ask(format!("say why on one line of at most {MOST_WORDS} letters: --why TEXT"));
        }
        let opening: [u8; 32] = random_bytes();
        let reason = Reason {
            verdict: request.verdict,
            checker: key.public(),
            why: why.to_owned(),
            opening: hex::encode(opening),
        };
        airlock.keep_reason(&request.job, &reason)?;
        let received = &granted.admitted.received;
        Ok(Decision {
            job: request.job,
            dataset: received.dataset.id,
            manifest: received.package.manifest.digest(),
            component: received.package.component_digest(),
            verdict: request.verdict,
            reason: Digest::of(&[&opening[..], why.as_bytes()].concat()),
            decided_at: self.now().max(granted.details.admitted_at),
        })
    }
}

const MOST_WORDS: usize = 500;

/// Against every release that the ledger knows, and every one that was counted before a crash.
///
/// A release whose members are gone stops all others: nobody can say what differs from it.
pub(super) fn against_all(
    airlock: &Airlock,
    ledger: &Ledger,
    members: &Members,
) -> Result<Result<Checked, Vec<SmallAtom>>, NodeError> {
    let mut jobs = history::exact_releases(ledger, None);
    jobs.extend(airlock.counted()?);
    against(airlock, jobs.into_iter().filter(|job| *job != members.job()), members)
}

/// Against these releases.
pub(super) fn against(
    airlock: &Airlock,
    jobs: impl Iterator<Item = JobId>,
    members: &Members,
) -> Result<Result<Checked, Vec<SmallAtom>>, NodeError> {
    let mut all = Refinement::default();
    for job in jobs {
        all.add(&airlock.released(&job)?);
    }
    Ok(all.check(members))
}
