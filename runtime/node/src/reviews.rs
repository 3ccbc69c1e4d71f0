//! Reviews of code that answers exactly: each is a reviewer's signed line in the ledger.

use crate::error::{NodeError, ask};
use crate::node::Node;
use trocar_ledger::{Event, Ledger};
use trocar_manifest::dsse::Envelope;
use trocar_manifest::keys::PublicKey;
use trocar_manifest::{Package, Review, verify_review};
use trocar_terms::{Digest, Name};

/// Fewest reviewers, none of them the author (PRIVACY.md section 1).
pub(crate) const REVIEWS: usize = 2;

/// A review that holds for a package.
#[derive(Debug, Clone)]
pub(crate) struct HeldReview {
    pub(crate) reviewer: PublicKey,
    pub(crate) envelope: Envelope,
}

impl Node {
    /// Signs that the code of a submitted package was read and may answer exactly.
    ///
    /// # Errors
    /// It was never submitted, or the key is among no dataset's reviewers, or it is the author's, or has signed already.
    pub async fn review(&self, manifest: &Digest, as_: &Name) -> Result<(Review, usize), NodeError> {
        let package = self.submitted_package(manifest)?;
        let key = self.home().keys().get(as_)?;
        if !self.reviewers().await?.contains(&key.public()) {
            return ask(format!("the key {as_} is among `reviewers` in no dataset's policy"));
        }
        if key.public() == package.author {
            return ask(format!("the key {as_} signed the package: another person must review it"));
        }
        let mut ledger = self.home().ledger()?;
        let mine = [key.public()];
        if !reviews_of(&ledger, &package, &mine).is_empty() {
            return ask(format!("the key {as_} has signed this review already"));
        }
        let review = Review {
            manifest: *manifest,
            component: package.component_digest(),
            models: package.manifest.models.iter().map(|m| m.digest).collect(),
            reviewed_at: self.now(),
        };
        let envelope = serde_json::to_value(review.sign(&key)?)?;
        let event = Event::Reviewed { manifest: review.manifest, component: review.component, envelope };
        self.keep_policies().await?;
        ledger.append(self.now(), event)?;
        let all = reviews_of(&ledger, &package, &self.reviewers().await?).len();
        Ok((review, all))
    }

    /// Who has reviewed a package, of the reviewers of the datasets' policies as they are now.
    ///
    /// # Errors
    /// The ledger, the index or a policy cannot be read.
    pub async fn reviewed_by(&self, package: &Package) -> Result<Vec<PublicKey>, NodeError> {
        let held = reviews_of(&self.home().ledger()?, package, &self.reviewers().await?);
        Ok(held.into_iter().map(|review| review.reviewer).collect())
    }

    /// An audit holds the review against the reviewers of today.
    async fn keep_policies(&self) -> Result<(), NodeError> {
        for dataset in self.store().datasets().await? {
            self.keep_policy(&self.policy(&dataset.name)?)?;
        }
        Ok(())
    }

    async fn reviewers(&self) -> Result<Vec<PublicKey>, NodeError> {
        let mut all = Vec::new();
        for dataset in self.store().datasets().await? {
            all.extend(self.policy(&dataset.name)?.reviewers());
        }
        Ok(all)
    }
}

/// The reviews of exactly this component under this manifest: one of each of `reviewers` but the author, oldest first.
pub(crate) fn reviews_of(ledger: &Ledger, package: &Package, reviewers: &[PublicKey]) -> Vec<HeldReview> {
    let (manifest, component) = (package.manifest.digest(), package.component_digest());
    let trusted: Vec<PublicKey> = reviewers.iter().copied().filter(|key| *key != package.author).collect();
    let mut held: Vec<HeldReview> = Vec::new();
    for record in ledger.records() {
        let Event::Reviewed { envelope, .. } = &record.event else { continue };
        let Ok(envelope) = serde_json::from_value::<Envelope>(envelope.clone()) else { continue };
        let Ok((review, reviewer)) = verify_review(&envelope, &trusted) else { continue };
        let binds = review.manifest == manifest && review.component == component;
        if binds && held.iter().all(|other| other.reviewer != reviewer) {
            held.push(HeldReview { reviewer, envelope });
        }
    }
    held
}
