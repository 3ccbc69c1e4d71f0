//! The models of a package: each is checked in a process of its own before anything runs, and its run has a price.

use crate::error::{NodeError, file};
use crate::job::Refusal;
use crate::node::Node;
use std::path::Path;
use trocar_manifest::Package;
use trocar_policy::{InstalledRuntime, Policy};
use trocar_terms::{Code, Digest, Limits};
use trocar_worker::{JobModels, ModelFacts, ModelRefused, ModelRuntime, check_model, engine_id, engine_name};

/// The models of an admitted job.
pub(crate) struct AdmittedModels {
    /// Handed to each worker.
    pub(crate) files: JobModels,
    /// The runtime that computes them, with its version; none where there is no model.
    pub(crate) runtime: Option<String>,
}

impl AdmittedModels {
    /// What ran the job, for its bundle.
    pub(crate) fn engine(&self) -> String {
        self.beside(engine_name())
    }

    /// Names what the sums depend on beside the job: results of one id are of no use under another.
    pub(crate) fn engine_id(&self) -> String {
        self.beside(engine_id())
    }

    fn beside(&self, engine: String) -> String {
        self.runtime.as_ref().map_or_else(|| engine.clone(), |runtime| format!("{engine}, {runtime}"))
    }
}

impl Node {
    /// Holds the package's models against the runtime that the policy names. The outer error is the node's, the inner one the
    /// package's or the policy's.
    pub(crate) fn models(
        &self,
        policy: &Policy,
        package: &Package,
    ) -> Result<Result<AdmittedModels, Refusal>, NodeError> {
        if package.models.is_empty() {
            return Ok(Ok(AdmittedModels { files: JobModels::default(), runtime: None }));
        }
        let runtime = match policy.inference().map_or(Ok(ModelRuntime::embedded()), installed) {
            Ok(runtime) => runtime,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut name = None;
        for (model, bytes) in &package.models {
            let checked = check_model(self.launcher(), bytes, &runtime);
            match checked.map_err(|error| refused(model, &error)).and_then(|facts| {
                affordable(model, &facts, &package.manifest.limits)?;
                Ok(facts.runtime)
            }) {
                Ok(runtime) => name = Some(runtime),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        let all = package.models.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let files =
            JobModels::new(all, runtime).map_err(file("make a copy in memory of", Path::new("models")))?;
        Ok(Ok(AdmittedModels { files, runtime: name }))
    }
}

fn refused(model: &str, error: &ModelRefused) -> Refusal {
    let died = *error == ModelRefused::Died;
    Refusal { died, ..Refusal::of(Code::ModelRefused, format!("the model {model}: {error}")) }
}

fn affordable(model: &str, facts: &ModelFacts, limits: &Limits) -> Result<(), Refusal> {
    if facts.fuel <= limits.fuel() {
        return Ok(());
    }
    let words =
        format!("one run of the model {model} costs {} fuel, limits.fuel is {}", facts.fuel, limits.fuel());
    Err(Refusal::of(Code::ModelRefused, words))
}

/// The library that the policy names, in a copy that nobody can change between here and the last worker.
fn installed(named: &InstalledRuntime) -> Result<ModelRuntime, Refusal> {
    // The path is the operator's own word, so it is not a researcher's to read.
    let words =
        |what: &str| Refusal::of(Code::ModelRefused, format!("the node's library of onnxruntime {what}"));
    let bytes = std::fs::read(&named.library).map_err(|_| words("cannot be read"))?;
    if Digest::of(&bytes) != named.digest {
        return Err(words("is not the one that its policy names"));
    }
    ModelRuntime::library(&bytes).map_err(|_| words("does not fit into memory"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_taken_by_its_digest_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"library").unwrap();
        let named = |path: &str, bytes: &[u8]| InstalledRuntime {
            library: path.to_owned(),
            digest: Digest::of(bytes),
        };
        let path = file.path().display().to_string();
        assert!(installed(&named(&path, b"library")).is_ok());
        let other = installed(&named(&path, b"another")).unwrap_err();
        assert!(other.detail.ends_with("is not the one that its policy names"), "{}", other.detail);
        let absent = installed(&named("/nowhere/lib.so", b"library")).unwrap_err();
        assert!(absent.detail.ends_with("cannot be read") && !absent.detail.contains("nowhere"));
    }

    #[test]
    fn what_ran_names_the_runtime_only_where_there_are_models() {
        let models = |runtime: Option<&str>| AdmittedModels {
            files: JobModels::default(),
            runtime: runtime.map(str::to_owned),
        };
        assert_eq!(models(None).engine(), engine_name());
        assert_eq!(models(None).engine_id(), engine_id());
        assert!(models(Some("tract-onnx 0.23.9")).engine().ends_with(", tract-onnx 0.23.9"));
        assert_ne!(models(Some("a")).engine_id(), models(Some("b")).engine_id());
    }
}
