//! Received -> Admitted: from package, policy and request alone. No patient's data is looked at here.

use super::path::JobPlan;
use crate::error::NodeError;
use crate::models::AdmittedModels;
use crate::node::Node;
use crate::store::Dataset;
use std::collections::BTreeMap;
use trocar_filter::{Admission, ExactAdmission, ExactPlan, Plan};
use trocar_manifest::{Manifest, Package, Place};
use trocar_policy::{Decision, Policy, Request};
use trocar_terms::{Class, Code, Digest, Name};
use trocar_worker::{CompileError, Grant, MachineCode};

/// What a researcher asks for.
#[derive(Debug, Clone)]
pub struct SubmitRequest {
    /// The dataset.
    pub dataset: Name,
    /// Parameters as given.
    pub parameters: BTreeMap<String, String>,
    /// What narrows the cohort.
    pub where_: Option<String>,
    /// Whose share of the year this is charged to.
    pub project: Name,
}

/// A refusal that depends on no patient: it may say in full what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable code.
    pub code: Code,
    /// What exactly, in words; it comes from manifest, policy and request alone.
    pub detail: String,
    /// Where in the manifest that stands, if it is one thing.
    pub place: Option<Place>,
    /// The compiler's process died: the next try may end otherwise.
    pub died: bool,
}

impl Refusal {
    /// A refusal for this reason.
    #[must_use]
    pub fn of(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), place: None, died: false }
    }
}

/// A package whose digests and signature hold, for a dataset that exists.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) package: Package,
    pub(crate) digest: Digest,
    pub(crate) dataset: Dataset,
    pub(crate) request: SubmitRequest,
}

/// A job that the policy allows and the filter can release.
pub(crate) struct Admitted {
    pub(crate) received: Received,
    pub(crate) policy: Policy,
    pub(crate) decision: trocar_policy::Admitted,
    pub(crate) plan: JobPlan,
    pub(crate) grant: Grant,
    pub(crate) code: MachineCode,
    pub(crate) models: AdmittedModels,
}

impl Node {
    /// Opens a package and keeps it.
    ///
    /// # Errors
    /// The package is damaged or its signature does not verify, or the dataset does not exist.
    pub(crate) async fn receive(&self, bytes: &[u8], request: SubmitRequest) -> Result<Received, NodeError> {
        let package = Package::open(bytes)?;
        let dataset = self.store().dataset(&request.dataset).await?;
        let digest = package.digest();
        self.home().keep_package(&digest, bytes)?;
        Ok(Received { package, digest, dataset, request })
    }

    /// Decides. The component's imports are read in a process of their own.
    ///
    /// # Errors
    /// The policy or the cache cannot be read. A refusal is a value.
    pub(crate) fn admit(&self, received: Received) -> Result<Result<Admitted, Refusal>, NodeError> {
        let policy = self.policy(&received.dataset.name)?;
        self.admit_under(policy, received)
    }

    /// As `admit`, under a policy of the caller's: a restarted job goes on under the one that admitted it.
    pub(crate) fn admit_under(
        &self,
        policy: Policy,
        received: Received,
    ) -> Result<Result<Admitted, Refusal>, NodeError> {
        self.contained(&policy)?;
        let decision = match decided(&policy, &received) {
            Ok(decision) => decision,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let plan = match path_of(&received.package.manifest, &policy) {
            Ok(plan) => plan,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if self.workers_within(&received.package.manifest.limits).is_none() {
            let words = "limits.memory_mib is more than this node's memory holds for one worker";
            return Ok(Err(Refusal::of(Code::NotGrantable, words)));
        }
        let grant = grant_of(&received.package.manifest);
        let models = match self.models(&policy, &received.package)? {
            Ok(models) => models,
            Err(refusal) => return Ok(Err(refusal)),
        };
        Ok(match self.machine_code(&received.package, &grant)? {
            Ok(code) => Ok(Admitted { received, policy, decision, plan, grant, code, models }),
            Err(error) => Err(component_refusal(error)),
        })
    }
}

fn decided(policy: &Policy, received: &Received) -> Result<trocar_policy::Admitted, Refusal> {
    let request = Request {
        component_author: received.package.author,
        parameters: &received.request.parameters,
        where_: received.request.where_.as_deref(),
    };
    match trocar_policy::decide(policy, &received.package.manifest, &request) {
        Decision::Admit(admitted) => Ok(admitted),
        Decision::Deny { code, detail } => Err(Refusal::of(code, detail)),
    }
}

/// The plan of the manifest's class.
fn path_of(manifest: &Manifest, policy: &Policy) -> Result<JobPlan, Refusal> {
    let (k, n_pub) = (policy.k(), policy.size_bound());
    match manifest.class {
        Class::AnyCode => plan_of(manifest, k, n_pub).map(JobPlan::Noised),
        Class::ReviewedCode => exact_plan_of(manifest, k, n_pub).map(JobPlan::Exact),
    }
}

/// What the disclosure rules may let out of a `reviewed-code` manifest with these figures of a policy.
///
/// # Errors
/// The outputs break a rule that no patient is needed for.
pub fn exact_plan_of(manifest: &Manifest, k: u32, n_pub: u32) -> Result<ExactPlan, Refusal> {
    if manifest.privacy.rounds != 1 {
        let refusal = Refusal::of(Code::FilterRefuses, "reviewed code runs one round: write `rounds = 1`");
        return Err(Refusal { place: Some(Place::Rounds), ..refusal });
    }
    let admission = ExactAdmission {
        outputs: &manifest.outputs,
        derived: &manifest.derived,
        k,
        n_pub,
        parametrised: !manifest.parameters.is_empty(),
    };
    ExactPlan::admit(&admission).map_err(|e| filter_refuses(&e))
}

/// What the filter may release for this manifest with these figures of a policy, and what it costs: the numeric
/// admission of PRIVACY.md section 3, step 1.
///
/// # Errors
/// The outputs break a rule of the filter.
pub fn plan_of(manifest: &Manifest, k: u32, n_pub: u32) -> Result<Plan, Refusal> {
    let admission = Admission {
        outputs: &manifest.outputs,
        derived: &manifest.derived,
        gate_rho: manifest.privacy.gate_rho,
        gate_delta: manifest.privacy.gate_delta,
        rounds: manifest.privacy.rounds,
        k,
        n_pub,
    };
    Plan::admit(&admission).map_err(|e| filter_refuses(&e))
}

fn filter_refuses(refusal: &trocar_filter::Refusal) -> Refusal {
    use trocar_filter::Refusal as Broken;
    let place = match refusal {
        Broken::SameName { output } => Some(Place::Output(output.clone())),
        Broken::NumberOfRounds | Broken::Unchargeable => Some(Place::Rounds),
        Broken::GateRho => Some(Place::GateRho),
        Broken::GateDelta => Some(Place::GateDelta),
        Broken::Noise { output, .. } => Some(Place::Rho(output.clone())),
        Broken::Output { output, .. } => Some(Place::Output(output.clone())),
        Broken::Derived { derived, .. } => Some(Place::Derived(derived.clone())),
        Broken::NumberOfOutputs | Broken::TooLong | Broken::SmallK | Broken::NoSizeBound => None,
    };
    Refusal { place, ..Refusal::of(Code::FilterRefuses, refusal.to_string()) }
}

/// What the manifest asks for: on a node, what the policy has just allowed.
#[must_use]
pub fn grant_of(manifest: &Manifest) -> Grant {
    let asked = &manifest.capabilities;
    Grant {
        modalities: asked.modalities.clone(),
        pixels: asked.pixels,
        masks: asked.masks.clone(),
        attributes: asked.attributes.clone(),
        columns: asked.columns.iter().map(ToString::to_string).collect(),
        models: !manifest.models.is_empty(),
    }
}

fn component_refusal(error: CompileError) -> Refusal {
    match error {
        CompileError::ImportRefused { name } => {
            Refusal::of(Code::ImportRefused, format!("it imports {name}"))
        }
        CompileError::Invalid { why } => Refusal::of(Code::ComponentRefused, why),
        CompileError::Died => Refusal {
            died: true,
            ..Refusal::of(Code::ComponentRefused, "it could not be compiled within its limits")
        },
    }
}
