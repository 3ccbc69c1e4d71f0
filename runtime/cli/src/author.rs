//! What an algorithm's author does: keys, check, pack.

use crate::args::{Algorithm, Check, Key, Pack};
use crate::failure::{Exit, Failure};
use crate::input::{Input, read_bounded, read_text};
use crate::out::{Out, table};
use anyhow::Context;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use trocar_filter::{ExactPlan, Plan};
use trocar_manifest::keys::{PublicKey, SecretKey};
use trocar_manifest::{Manifest, Package, with_component, with_models};
use trocar_node::{Keys, Refusal, grant_of, system_random};
use trocar_policy::{Admitted, Authors, Decision, Policy, Request};
use trocar_terms::{Class, Digest, Name};
use trocar_worker::{CompileError, Grant, JobModels, Launcher, ModelFacts, ModelRuntime, check_model};

pub(crate) fn key(out: Out, home: &Path, verb: Key) -> Result<Exit, Failure> {
    let keys = Keys::of(home);
    match verb {
        Key::New { name } => {
            let key = keys.create(&name)?;
            out.result(&key_row(&name, &key), || format!("{name}  {key}"))?;
        }
        Key::List => {
            let all = keys.list()?;
            let rows: Vec<_> = all.iter().map(|(n, k)| key_row(n, k)).collect();
            out.result(&rows, || {
                table(&["name", "key"], all.iter().map(|(n, k)| vec![n.to_string(), k.to_string()]))
            })?;
        }
        Key::Export { name, output } => export(out, &keys, &name, output.as_deref())?,
    }
    Ok(Exit::Done)
}

fn key_row(name: &Name, key: &PublicKey) -> serde_json::Value {
    json!({"name": name, "key": key, "keyid": key.keyid()})
}

fn export(out: Out, keys: &Keys, name: &Name, output: Option<&Path>) -> Result<(), Failure> {
    let key = keys.get(name)?.public();
    let pem = key.to_pem().map_err(|e| Failure::plain(Exit::Failed, e))?;
    let mut row = key_row(name, &key);
    match output {
        Some(path) => {
            std::fs::write(path, &pem).with_context(|| format!("cannot write {}", path.display()))?;
            row["file"] = json!(path);
            out.result(&row, || format!("{}", path.display()))?;
        }
        None => out.result(&row, || pem.trim_end().to_owned())?,
    }
    Ok(())
}

pub(crate) fn check(out: Out, args: &Check) -> Result<Exit, Failure> {
    let (text, manifest, models) = read_algorithm(&args.algorithm)?;
    check_models(&models)?;
    let component = args.algorithm.component.as_deref().map(read_component).transpose()?;
    if let Some(component) = &component {
        check_component(component, &grant_of(&manifest))?;
    }
    let policy = args.policy.as_deref().map(read_policy).transpose()?;
    if let Some(policy) = &policy {
        decide(policy, &manifest, &BTreeMap::new(), None)?;
    }
    let rho = rho(&manifest, policy.as_ref())?;
    let component = component.as_deref().map(Digest::of);
    let digest = component.map(|c| packed_digest(&args.algorithm.manifest, &text, c)).transpose()?;
    let row =
        json!({"manifest": digest, "component": component, "rho": rho, "policy": policy.map(|p| p.digest())});
    out.result(&row, || {
        let digest =
            digest.map_or_else(|| "pack decides, it covers the component".to_owned(), |d| d.to_string());
        let (name, version) = (&manifest.name, &manifest.version);
        let rounds = match manifest.privacy.rounds {
            1 => String::new(),
            n => format!(", of which {n} rounds {:.4} each", manifest.round_rho()),
        };
        format!("{name} {version} is in order; one run costs rho {rho:.4}{rounds}\nmanifest digest: {digest}")
    })?;
    Ok(Exit::Done)
}

/// What one run costs: nothing that rho tells, where the result is exact.
fn rho(manifest: &Manifest, policy: Option<&Policy>) -> Result<f64, Failure> {
    match manifest.class {
        Class::AnyCode => Ok(plan(manifest, policy)?.charge().rho().unwrap_or_default().to_f64()),
        Class::ReviewedCode => exact_plan(manifest, policy).map(|_| 0.0),
    }
}

/// As `plan`, for reviewed code.
pub(crate) fn exact_plan(manifest: &Manifest, policy: Option<&Policy>) -> Result<ExactPlan, Failure> {
    let (k, n_pub) = policy.map_or((10, 500), |p| (p.k(), p.size_bound()));
    trocar_node::exact_plan_of(manifest, k, n_pub).map_err(|r| refused_in(manifest, &r))
}

/// The digest that the manifest will have in its package, with the component's written in.
fn packed_digest(path: &Path, text: &str, component: Digest) -> Result<Digest, Failure> {
    let name = path.display().to_string();
    let text = with_component(&name, text, component).map_err(|e| Failure::located(Exit::Refused, e))?;
    let manifest = Manifest::parse(&name, &text).map_err(|e| Failure::located(Exit::Refused, e))?;
    Ok(manifest.digest())
}

/// Makes a plan as a node with this policy would; without one, for 500 patients and k = 10.
pub(crate) fn plan(manifest: &Manifest, policy: Option<&Policy>) -> Result<Plan, Failure> {
    let (k, n_pub) = policy.map_or((10, 500), |p| (p.k(), p.size_bound()));
    trocar_node::plan_of(manifest, k, n_pub).map_err(|r| refused_in(manifest, &r))
}

/// Decides as a node would, for an author that the policy accepts.
pub(crate) fn decide(
    policy: &Policy,
    manifest: &Manifest,
    parameters: &BTreeMap<String, String>,
    where_: Option<&str>,
) -> Result<Admitted, Failure> {
    let request = Request { component_author: some_author(policy), parameters, where_ };
    match trocar_policy::decide(policy, manifest, &request) {
        Decision::Admit(admitted) => Ok(admitted),
        Decision::Deny { code, detail } => Err(refused(&Refusal::of(code, detail))),
    }
}

/// Check and rehearsal have no signature yet: they take an author that the policy accepts.
fn some_author(policy: &Policy) -> PublicKey {
    let new = || SecretKey::generate(&mut system_random()).public();
    match policy.authors() {
        Authors::Any => new(),
        Authors::Keys(keys) => keys.first().copied().unwrap_or_else(new),
    }
}

/// Refuses a component that imports anything outside its manifest's grant, by name.
pub(crate) fn check_component(
    component: &[u8],
    grant: &Grant,
) -> Result<trocar_worker::MachineCode, Failure> {
    let launcher = launcher()?;
    trocar_worker::compile(&launcher, component, grant).map_err(|error| {
        let words = match &error {
            CompileError::ImportRefused { name } => format!(
                "the component imports {name}, which its manifest does not ask for or the contract does not have: \
                 build for wasm32-unknown-unknown, and list what it needs under [capabilities]"
            ),
            CompileError::Invalid { why } => {
                format!("this is not a component of trocar:guest@0.1.1: build it with the SDK ({why})")
            }
            CompileError::Died => "the component could not be compiled within the limits of a node".to_owned(),
        };
        Failure::Plain(Exit::Refused, anyhow::anyhow!(words))
    })
}

pub(crate) fn launcher() -> Result<Launcher, Failure> {
    Launcher::this_binary().map_err(|e| Failure::plain(Exit::Failed, e))
}

/// A refusal as a failure: the constant sentence, what exactly, and the code.
pub(crate) fn refused(refusal: &Refusal) -> Failure {
    let Refusal { code, detail, .. } = refusal;
    Failure::Plain(Exit::Refused, anyhow::anyhow!("{} {detail} ({})", code.text(), code.code()))
}

/// As [`refused`], with line and caret where one thing of the manifest is refused.
pub(crate) fn refused_in(manifest: &Manifest, refusal: &Refusal) -> Failure {
    match &refusal.place {
        Some(place) => Failure::located(
            Exit::Refused,
            manifest.pointed(
                place,
                &refusal.detail,
                &format!("{} ({})", refusal.code.text(), refusal.code.code()),
            ),
        ),
        None => refused(refusal),
    }
}

pub(crate) fn pack(out: Out, home: &Path, args: &Pack) -> Result<Exit, Failure> {
    let (text, manifest, models) = read_algorithm(&args.algorithm)?;
    let component = required_component(&args.algorithm)?;
    check_component(&component, &grant_of(&manifest))?;
    check_models(&models)?;
    rho(&manifest, None)?;
    let key = Keys::of(home).get(&args.as_)?;
    let bytes =
        Package::pack(&text, &component, &models, &key).map_err(|e| Failure::plain(Exit::Failed, e))?;
    let package = Package::open(&bytes).map_err(|e| Failure::plain(Exit::Failed, e))?;
    std::fs::write(&args.output, &bytes)
        .with_context(|| format!("cannot write {}", args.output.display()))?;
    let row =
        json!({"package": args.output, "digest": package.digest(), "manifest": package.manifest.digest()});
    out.result(&row, || format!("{}  manifest {}", args.output.display(), package.manifest.digest()))?;
    Ok(Exit::Done)
}

pub(crate) fn required_component(algorithm: &Algorithm) -> Result<Vec<u8>, Failure> {
    match &algorithm.component {
        Some(path) => read_component(path),
        None => Err(Failure::Plain(Exit::Usage, anyhow::anyhow!("name the component with --component FILE"))),
    }
}

pub(crate) fn read_manifest(path: &Path) -> Result<(String, Manifest), Failure> {
    let text = read_text(path, Input::Manifest)?;
    let manifest = Manifest::parse(&path.display().to_string(), &text)
        .map_err(|e| Failure::located(Exit::Refused, e))?;
    Ok((text, manifest))
}

/// A manifest with the models that it names: their files give the digests that it does not say.
pub(crate) fn read_algorithm(algorithm: &Algorithm) -> Result<(String, Manifest, Models), Failure> {
    let located = |e| Failure::located(Exit::Refused, e);
    let path = &algorithm.manifest;
    let (name, text) = (path.display().to_string(), read_text(path, Input::Manifest)?);
    let mut models = Models::new();
    for (model, file) in &algorithm.models {
        models.insert(model.clone(), read_bounded(Path::new(file), Input::Model)?);
    }
    let digests = models.iter().map(|(model, bytes)| (model.clone(), Digest::of(bytes))).collect();
    let text = with_models(&name, &text, &digests).map_err(located)?;
    let manifest = Manifest::parse(&name, &text).map_err(located)?;
    if let Some(model) = models.keys().find(|m| !manifest.models.iter().any(|n| n.name.as_str() == *m)) {
        let words = format!("{name} names no model {model}: add it under [[models]]");
        return Err(Failure::Plain(Exit::Refused, anyhow::anyhow!(words)));
    }
    Ok((text, manifest, models))
}

/// Models by the names that the manifest gives them.
pub(crate) type Models = BTreeMap<String, Vec<u8>>;

/// Refuses a model that a node would refuse; gives what each takes and costs.
pub(crate) fn check_models(models: &Models) -> Result<BTreeMap<String, ModelFacts>, Failure> {
    let (launcher, runtime) = (launcher()?, ModelRuntime::embedded());
    let facts = |(name, bytes): (&String, &Vec<u8>)| {
        let checked = check_model(&launcher, bytes, &runtime);
        let facts =
            checked.map_err(|e| Failure::Plain(Exit::Refused, anyhow::anyhow!("the model {name}: {e}")))?;
        Ok((name.clone(), facts))
    };
    models.iter().map(facts).collect()
}

/// What a node with the embedded runtime would say of a model.
pub(crate) fn check_model_of(bytes: &[u8]) -> Result<ModelFacts, String> {
    let launcher = Launcher::this_binary().map_err(|error| error.to_string())?;
    check_model(&launcher, bytes, &ModelRuntime::embedded()).map_err(|error| error.to_string())
}

/// The models of a rehearsal: every one that the manifest names, checked.
pub(crate) fn job_models(manifest: &Manifest, models: &Models) -> Result<JobModels, Failure> {
    if let Some(model) = manifest.models.iter().find(|m| !models.contains_key(m.name.as_str())) {
        let words = format!("give the file of the model {} with --model {}=FILE", model.name, model.name);
        return Err(Failure::Plain(Exit::Usage, anyhow::anyhow!(words)));
    }
    check_models(models)?;
    let all = models.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    Ok(JobModels::new(all, ModelRuntime::embedded()).context("no memory for the models")?)
}

pub(crate) fn read_policy(path: &Path) -> Result<Policy, Failure> {
    let text = read_text(path, Input::Policy)?;
    Policy::parse(&path.display().to_string(), &text).map_err(|e| Failure::located(Exit::Failed, e))
}

/// Reads a component; a core module that the SDK built is encoded as one.
pub(crate) fn read_component(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = read_bounded(path, Input::Component)?;
    // The fifth to eighth byte tell a core module (version 1, layer 0) from a component (layer 1).
    if bytes.get(4..8) != Some(&[1, 0, 0, 0]) {
        return Ok(bytes);
    }
    let encoded =
        wit_component::ComponentEncoder::default().validate(true).module(&bytes).and_then(|e| e.encode());
    let words = || format!("{} cannot be made a component: build it with the SDK", path.display());
    Ok(encoded.with_context(words)?)
}
