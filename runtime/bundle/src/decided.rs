//! The only way of an exact result into a bundle: beside an output checker's signed word on this job.

use crate::error::BundleError;
use trocar_filter::ExactReleased;
use trocar_manifest::dsse::Envelope;
use trocar_manifest::keys::PublicKey;
use trocar_manifest::{Decision, Verdict, verify_decision};

/// A result with the decision on it. It is made of a signature that verifies and of nothing else:
/// ```compile_fail,E0451
/// fn without_a_checker(released: trocar_filter::ExactReleased) -> trocar_bundle::Decided {
///     trocar_bundle::Decided { released: Some(released), ..unreachable!() }
/// }
/// ```
/// An exact result is no outcome of `any-code`, so that no bundle of that class can hold it:
/// ```compile_fail,E0308
/// fn as_any_code<'a>(released: &'a trocar_filter::ExactReleased, job: trocar_bundle::Content<'a>) -> trocar_bundle::Content<'a> {
///     trocar_bundle::Content { outcome: released, ..job }
/// }
/// ```
#[derive(Debug)]
pub struct Decided {
    decision: Decision,
    checker: PublicKey,
    envelope: Envelope,
    released: Option<ExactReleased>,
}

impl Decided {
    /// A result that leaves.
    ///
    /// # Errors
    /// `Undecided` unless one of `checkers` signed that this job's result leaves.
    pub fn release(
        released: ExactReleased,
        envelope: &Envelope,
        checkers: &[PublicKey],
    ) -> Result<Self, BundleError> {
        let decided = Self::read(envelope, checkers, Verdict::Release)?;
        if decided.decision.job != released.job() {
            return Err(BundleError::Undecided);
        }
        Ok(Self { released: Some(released), ..decided })
    }

    /// A result that stays; it is not handed over.
    ///
    /// # Errors
    /// `Undecided` unless one of `checkers` signed that the job's result stays.
    pub fn withhold(envelope: &Envelope, checkers: &[PublicKey]) -> Result<Self, BundleError> {
        Self::read(envelope, checkers, Verdict::Withhold)
    }

    fn read(envelope: &Envelope, checkers: &[PublicKey], verdict: Verdict) -> Result<Self, BundleError> {
        let (decision, checker) = verify_decision(envelope, checkers).map_err(|_| BundleError::Undecided)?;
        if decision.verdict != verdict {
            return Err(BundleError::Undecided);
        }
        Ok(Self { decision, checker, envelope: envelope.clone(), released: None })
    }

    /// What was signed.
    #[must_use]
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Who signed it.
    #[must_use]
    pub const fn checker(&self) -> PublicKey {
        self.checker
    }

    pub(crate) const fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    pub(crate) const fn released(&self) -> Option<&ExactReleased> {
        self.released.as_ref()
    }
}
