//! Whether the key that signed is one that the reader trusts, for the time of this bundle.

use crate::crate_metadata::Described;
use crate::error::VerifyError;
use crate::trail::Trail;
use trocar_manifest::key_history::{KeyHistory, Standing};
use trocar_manifest::keys::PublicKey;

/// Whom a reader trusts to sign bundles.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// Keys that the reader knows from elsewhere.
    pub pinned: &'a [PublicKey],
    /// What the nodes have published about their keys.
    pub history: &'a KeyHistory,
    /// The key of the node's log, where it has published one: who has stolen the key of its bundles alone cannot date a
    /// bundle back past this log.
    pub log: Option<&'a str>,
}

/// Whether a key that the reader trusts signed, in its time.
pub(crate) fn trusted(
    trust: &Trust<'_>,
    signer: &PublicKey,
    said: &Described<'_>,
    trail: &mut Trail,
) -> Result<bool, VerifyError> {
    if trust.pinned.is_empty() {
        // Nobody is trusted, but a key that its own node has taken back is worse than an unknown one.
        in_time(&trust.history.of(signer), signer, said).or_else(|e| trail.step(Err(e)))?;
        trail.open("no key was given: intact, signer unknown");
        return Ok(false);
    }
    let standing = trust.history.standing(trust.pinned, signer);
    let standing = standing.ok_or_else(|| VerifyError::OtherSigner(Box::new(*signer)));
    trail.step(standing.and_then(|standing| in_time(&standing, signer, said))).map(|()| true)
}

/// A key signs for what was admitted in its time. What could first be fetched, or was decided, after a revocation may have
/// been signed after it.
fn in_time(standing: &Standing, signer: &PublicKey, said: &Described<'_>) -> Result<(), VerifyError> {
    let (admitted, out) = (said.request.admitted_at, said.request.release_at);
    let last = said.decision.map_or(out, |decision| decision.decided_at.max(out)).max(admitted);
    match standing {
        Standing { revoked: Some(at), .. } if last >= *at => {
            Err(VerifyError::Revoked { key: Box::new(*signer), at: *at })
        }
        Standing { until: Some(at), .. } if admitted >= *at => {
            Err(VerifyError::Retired { key: Box::new(*signer), at: *at })
        }
        Standing { .. } => Ok(()),
    }
}
