//! What waits for the operator, and what the operator said: every answer is a signed line in the ledger.

use crate::error::{NodeError, ask};
use crate::history::{self, answers};
use crate::job::{Admitted, Refusal};
use crate::node::Node;
use crate::reviews::{REVIEWS, reviews_of};
use crate::store::Dataset;
use serde::Serialize;
use std::collections::BTreeMap;
use trocar_ledger::{Event, Ledger};
use trocar_manifest::dsse::Envelope;
use trocar_manifest::keys::PublicKey;
use trocar_manifest::{Approval, Package, Permit, verify_approval};
use trocar_policy::Policy;
use trocar_terms::{Class, Code, DatasetId, Decimal, Digest, Name, Timestamp};

/// A package that waits for an answer.
#[derive(Debug, Serialize)]
pub struct Pending {
    /// The manifest's digest: what `show`, `approve` and `reject` take.
    pub digest: Digest,
    /// The component's digest: in a registry, that of the artefact's layer.
    pub component: Digest,
    /// For which dataset.
    pub dataset: Name,
    /// The algorithm's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Who signed it.
    pub author: PublicKey,
    /// The assurance class that it asks for.
    pub class: Class,
    /// How many of the dataset's reviewers have signed its code.
    pub reviews: usize,
}

/// An approval that holds for a job.
#[derive(Debug, Clone)]
pub(crate) struct HeldApproval {
    pub(crate) seq: u64,
    pub(crate) envelope: Envelope,
    pub(crate) approval: Approval,
    pub(crate) approver: PublicKey,
    /// Who else signed it.
    pub(crate) co_approvers: Vec<PublicKey>,
}

/// An approval as it now stands.
#[derive(Debug)]
pub struct Approved {
    /// What is allowed.
    pub approval: Approval,
    /// How many operators have signed it.
    pub signed: usize,
    /// How many must, before anything runs.
    pub needed: u32,
}

/// What the operator says when approving.
#[derive(Debug)]
pub struct ApproveRequest {
    /// The manifest's digest.
    pub manifest: Digest,
    /// The dataset.
    pub dataset: Name,
    /// Whose key signs.
    pub as_: Name,
    /// How many runs.
    pub runs: u32,
    /// How many days it holds.
    pub days: u32,
    /// Largest rho of one run; the policy's rho_job by default.
    pub rho_max: Option<Decimal>,
    /// For which project; any by default.
    pub project: Option<Name>,
    /// The permit to use the data, and for whom, as every bundle then names them.
    pub permit: Permit,
    /// Words that go into every bundle.
    pub conditions: Vec<String>,
}

impl Node {
    /// Packages that the policy allows and nobody has answered yet.
    ///
    /// # Errors
    /// The ledger or a kept package cannot be read.
    pub async fn pending(&self) -> Result<Vec<Pending>, NodeError> {
        let ledger = self.home().ledger()?;
        let names: BTreeMap<DatasetId, Name> =
            self.store().datasets().await?.into_iter().map(|d| (d.id, d.name)).collect();
        let mut waiting = Vec::new();
        for (dataset, package) in self.submitted(&ledger)? {
            let manifest = package.manifest.digest();
            if let Some(name) = names.get(&dataset).filter(|_| self.is_pending(&ledger, dataset, manifest)) {
                waiting.push(Pending {
                    digest: manifest,
                    component: package.component_digest(),
                    dataset: name.clone(),
                    name: package.manifest.name.to_string(),
                    version: package.manifest.version.clone(),
                    author: package.author,
                    class: package.manifest.class,
                    reviews: reviews_of(&ledger, &package, self.policy(name)?.reviewers()).len(),
                });
            }
        }
        Ok(waiting)
    }

    /// The kept package with this manifest digest.
    ///
    /// # Errors
    /// Nobody has submitted one.
    pub fn submitted_package(&self, manifest: &Digest) -> Result<Package, NodeError> {
        let all = self.submitted(&self.home().ledger()?)?;
        match all.into_iter().map(|(_, p)| p).find(|p| p.manifest.digest() == *manifest) {
            Some(package) => Ok(package),
            None => ask(format!("nobody has submitted {manifest}: see `trocar node pending`")),
        }
    }

    fn submitted(&self, ledger: &Ledger) -> Result<Vec<(DatasetId, Package)>, NodeError> {
        let mut all: BTreeMap<(DatasetId, Digest), Package> = BTreeMap::new();
        for (dataset, package) in history::submissions(ledger) {
            let package = self.home().package(&package)?;
            all.insert((dataset, package.manifest.digest()), package);
        }
        Ok(all.into_iter().map(|((dataset, _), package)| (dataset, package)).collect())
    }

    pub(crate) fn is_pending(&self, ledger: &Ledger, dataset: DatasetId, manifest: Digest) -> bool {
        let mut waiting = false;
        for record in ledger.records() {
            if let Event::Submitted { dataset: d, package, .. } = &record.event {
                let opened = self.home().package(package);
                waiting |= *d == dataset && opened.is_ok_and(|p| p.manifest.digest() == manifest);
            } else if answers(&record.event, dataset, manifest) {
                waiting &= self.lacks_signatures(ledger, record, dataset);
            }
        }
        waiting
    }

    /// Whether an answer is an approval that another operator must sign too.
    fn lacks_signatures(&self, ledger: &Ledger, record: &trocar_ledger::Record, dataset: DatasetId) -> bool {
        let named = history::datasets(ledger).remove(&dataset);
        let policy = named.and_then(|(name, _)| self.policy(&name).ok());
        policy.is_some_and(|policy| {
            let signed = signed(record, &policy);
            signed.is_some_and(|(_, signers, _)| signers.len() < policy.approvers() as usize)
        })
    }

    /// Approves a submitted package for a dataset: signed, and written into the ledger. Where the policy asks for more than
    /// one operator, the next one signs what the first one wrote, and its terms hold.
    ///
    /// # Errors
    /// It was never submitted, the key is not among the policy's operators or has signed already, or two reviewers have
    /// not signed code that answers exactly.
    pub async fn approve(&self, request: &ApproveRequest) -> Result<Approved, NodeError> {
        let package = self.submitted_package(&request.manifest)?;
        let dataset = self.store().dataset(&request.dataset).await?;
        let policy = self.policy(&request.dataset)?;
        let signer = &request.as_;
        let key = self.home().keys().get(signer)?;
        if !policy.operators().contains(&key.public()) {
            return ask(format!(
                "the key {signer} is not among `operators` in the policy of {}",
                dataset.name
            ));
        }
        let mut ledger = self.home().ledger()?;
        self.check_reviews(&ledger, &package, &policy)?;
        let (approval, envelope) =
            match unfinished(&ledger, (&dataset, &package, &policy), request.project.as_ref()) {
                Some((approval, envelope)) => {
                    (approval, trocar_manifest::countersign_approval(&envelope, &key)?)
                }
                None => {
                    let approval = self.new_approval(request, &package, &dataset, &policy)?;
                    let envelope = approval.sign(&key)?;
                    (approval, envelope)
                }
            };
        let event = Event::Approved {
            dataset: dataset.id,
            manifest: approval.manifest,
            component: approval.component,
            envelope: serde_json::to_value(&envelope)?,
        };
        self.keep_policy(&policy)?;
        ledger.append(self.now(), event)?;
        Ok(Approved { approval, signed: envelope.signatures.len(), needed: policy.approvers() })
    }

    fn check_reviews(&self, ledger: &Ledger, package: &Package, policy: &Policy) -> Result<(), NodeError> {
        if package.manifest.class == Class::AnyCode {
            return Ok(());
        }
        let signed = reviews_of(ledger, package, policy.reviewers()).len();
        if signed >= REVIEWS {
            return Ok(());
        }
        Err(NodeError::Forbidden(format!(
            "code that answers exactly needs {REVIEWS} reviewers of the dataset's policy, and {signed} signed: see `trocar node review`"
        )))
    }

    fn new_approval(
        &self,
        request: &ApproveRequest,
        package: &Package,
        dataset: &Dataset,
        policy: &Policy,
    ) -> Result<Approval, NodeError> {
        let rho_max = request.rho_max.unwrap_or_else(|| policy.rho_job());
        if rho_max > policy.rho_job() {
            return ask(format!("--rho-max is at most {}, the policy's rho_job", policy.rho_job()));
        }
        if !request.permit.is_plain() {
            return ask("each text of a permit is one line of 1 to 200 letters");
        }
        let now = self.now();
        Ok(Approval {
            dataset: dataset.id,
            manifest: request.manifest,
            component: package.component_digest(),
            models: package.manifest.models.iter().map(|m| m.digest).collect(),
            class: package.manifest.class,
            policy: policy.digest(),
            project: request.project.as_ref().map_or_else(|| "any".to_owned(), ToString::to_string),
            runs: request.runs,
            rho_max,
            permit: request.permit.clone().named(),
            conditions: request.conditions.clone(),
            approved_at: now,
            expires: now.plus(i64::from(request.days).saturating_mul(86_400)),
        })
    }

    /// Rejects a submitted package for a dataset, or takes an approval back. Jobs already reserved run on.
    ///
    /// # Errors
    /// It was never submitted, or the ledger cannot be written.
    pub async fn reject(&self, manifest: &Digest, dataset: &Name, revoke: bool) -> Result<(), NodeError> {
        let _ = self.submitted_package(manifest)?;
        let dataset = self.store().dataset(dataset).await?.id;
        let event = if revoke {
            Event::Revoked { dataset, manifest: *manifest }
        } else {
            Event::Rejected { dataset, manifest: *manifest }
        };
        self.home().ledger()?.append(self.now(), event)?;
        Ok(())
    }

    /// The approval that a reserved job was granted under.
    pub(crate) fn approval_at(
        &self,
        seq: u64,
        admitted: &Admitted,
    ) -> Result<Option<HeldApproval>, NodeError> {
        let ledger = self.home().ledger()?;
        Ok(ledger.records().iter().find(|r| r.seq == seq).and_then(|r| held(r, &admitted.policy)))
    }
}

impl HeldApproval {
    /// Whether it has time and runs left.
    pub(crate) fn is_live(&self, ledger: &Ledger, now: Timestamp) -> bool {
        self.approval.expires > now && ledger.runs_of(self.seq) < u64::from(self.approval.runs)
    }
}

/// The approvals that bind exactly this job and that enough operators signed, oldest first; at least one.
///
/// Code that answers exactly must be reviewed as well, by reviewers of the policy as it is now.
pub(crate) fn approvals_for(ledger: &Ledger, admitted: &Admitted) -> Result<Vec<HeldApproval>, Refusal> {
    let package = &admitted.received.package;
    let dataset = &admitted.received.dataset;
    let manifest = admitted.received.package.manifest.digest();
    let standing = standing(ledger, dataset.id, manifest)?;
    let held = standing.iter().filter_map(|r| held(r, &admitted.policy));
    let binding: Vec<HeldApproval> = held.filter(|h| binds(&h.approval, admitted)).collect();
    if binding.is_empty() {
        return Err(Refusal::of(Code::NotApproved, not_approved_words(manifest, &dataset.name)));
    }
    let reviewed = || reviews_of(ledger, package, admitted.policy.reviewers()).len() >= REVIEWS;
    if package.manifest.class == Class::ReviewedCode && !reviewed() {
        return Err(Refusal::of(Code::NotReviewed, "a reviewer signs with `trocar node review`"));
    }
    Ok(binding)
}

fn not_approved_words(manifest: Digest, dataset: &Name) -> String {
    format!(
        "the node operator can look at it with `trocar node show {manifest}` and approve it for {dataset}"
    )
}

/// The approvals that no later rejection or revocation took back.
fn standing(
    ledger: &Ledger,
    dataset: DatasetId,
    manifest: Digest,
) -> Result<Vec<trocar_ledger::Record>, Refusal> {
    let mut standing = Vec::new();
    let mut last = Code::NotApproved;
    for record in ledger.records().iter().filter(|r| answers(&r.event, dataset, manifest)) {
        if matches!(record.event, Event::Approved { .. }) {
            standing.push(record.clone());
        } else {
            standing.clear();
            last = if matches!(record.event, Event::Rejected { .. }) {
                Code::Rejected
            } else {
                Code::NotApproved
            };
        }
    }
    if standing.is_empty() && last == Code::Rejected {
        return Err(Refusal::of(last, "the researcher can ask the operator why"));
    }
    Ok(standing)
}

fn held(record: &trocar_ledger::Record, policy: &Policy) -> Option<HeldApproval> {
    let (approval, signers, envelope) = signed(record, policy)?;
    let (approver, others) = signers.split_first()?;
    let (approver, co_approvers) = (*approver, others.to_vec());
    let enough = signers.len() >= policy.approvers() as usize;
    enough.then_some(HeldApproval { seq: record.seq, envelope, approval, approver, co_approvers })
}

/// An approval in the ledger with those of the policy's operators who signed it. A signature of anyone else, such as
/// an operator who left, makes it another operator's to give again.
fn signed(record: &trocar_ledger::Record, policy: &Policy) -> Option<(Approval, Vec<PublicKey>, Envelope)> {
    let Event::Approved { envelope, .. } = &record.event else { return None };
    let envelope: Envelope = serde_json::from_value(envelope.clone()).ok()?;
    let (approval, signers) = verify_approval(&envelope, policy.operators()).ok()?;
    (signers.len() == envelope.signatures.len()).then_some((approval, signers, envelope))
}

/// The newest standing approval that waits for another operator's signature.
fn unfinished(
    ledger: &Ledger,
    (dataset, package, policy): (&Dataset, &Package, &Policy),
    project: Option<&Name>,
) -> Option<(Approval, Envelope)> {
    let manifest = package.manifest.digest();
    let standing = standing(ledger, dataset.id, manifest).ok()?;
    let (approval, signers, envelope) = standing
        .iter()
        .rev()
        .find_map(|r| signed(r, policy).filter(|(a, ..)| a.project == project.map_or("any", Name::as_str)))?;
    let open = signers.len() < policy.approvers() as usize && approval.policy == policy.digest();
    open.then_some((approval, envelope))
}

pub(crate) fn binds(approval: &Approval, admitted: &Admitted) -> bool {
    let received = &admitted.received;
    let manifest = &received.package.manifest;
    approval.dataset == received.dataset.id
        && approval.manifest == manifest.digest()
        && approval.component == received.package.component_digest()
        && approval.models.iter().eq(manifest.models.iter().map(|m| &m.digest))
        && approval.class == manifest.class
        && approval.policy == admitted.policy.digest()
        && (approval.project == "any" || approval.project == received.request.project.as_str())
}

/// Time that a person reads as a date.
#[must_use]
pub fn date(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}
