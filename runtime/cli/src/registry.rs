//! `trocar push` and `trocar pull`: packages to and from an OCI registry.

use crate::failure::{Exit, Failure};
use crate::input::{Input, read_bounded};
use crate::out::{Out, say};
use anyhow::Context;
use clap::Args;
use serde_json::json;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use trocar_registry::{Login, Options, Pushed, Reference, Registry, RegistryError, docker_path};

#[derive(Debug, Args)]
pub(crate) struct Push {
    /// The package.
    package: PathBuf,
    /// Where to: HOST[:PORT]/REPOSITORY:TAG.
    reference: Reference,
    /// Give the tag to this package where it names another one already.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// What: HOST[:PORT]/REPOSITORY:TAG, or for one package for ever HOST[:PORT]/REPOSITORY@sha256:DIGEST.
    reference: Reference,
    /// The package to write.
    #[arg(short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    access: Access,
}

// How a registry is reached. Without a file the environment (TROCAR_REGISTRY_USER, TROCAR_REGISTRY_PASSWORD) and what `docker
// login` keeps are looked at.
#[derive(Debug, Args)]
struct Access {
    /// A file that only you can read, with one line USER:PASSWORD.
    #[arg(long, value_name = "FILE")]
    basic_file: Option<PathBuf>,
    /// A file that only you can read, with a bearer token.
    #[arg(long, value_name = "FILE", conflicts_with = "basic_file")]
    token_file: Option<PathBuf>,
    /// PEM file of the only certificates to trust; the system's by default.
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    ca: Option<PathBuf>,
    /// Another host that the registry may send you to, for tokens and what it stores elsewhere.
    #[arg(long, value_name = "HOST")]
    via: Vec<String>,
    /// Plain HTTP to another machine, without credentials. What is pulled is verified all the same.
    #[arg(long)]
    insecure: bool,
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        let exit = match &error {
            error if error.is_unverified() => Exit::Unverified,
            RegistryError::Reference | RegistryError::PushToDigest => Exit::Usage,
            RegistryError::TagTaken => Exit::Refused,
            _ => Exit::Failed,
        };
        Self::plain(exit, error)
    }
}

impl Access {
    fn open(&self, reference: &Reference) -> Result<Registry, RegistryError> {
        let login = self.login(&reference.host)?;
        let (ca, via, insecure) = (self.ca.clone(), self.via.clone(), self.insecure);
        Registry::of(reference, Options { insecure, ca, login, via, ..Options::default() })
    }

    fn login(&self, host: &str) -> Result<Option<Login>, RegistryError> {
        if let Some(path) = &self.basic_file {
            return Login::basic_file(path).map(Some);
        }
        if let Some(path) = &self.token_file {
            return Login::token_file(path).map(Some);
        }
        let of = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (user, password) = (of("TROCAR_REGISTRY_USER"), of("TROCAR_REGISTRY_PASSWORD"));
        if let Some(login) = Login::of_user(user.as_deref(), password.as_deref()) {
            return Ok(Some(login));
        }
        let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        match docker_path(folder("DOCKER_CONFIG"), folder("HOME")) {
            Some(path) => Login::of_docker(&path, host),
            None => Ok(None),
        }
    }
}

pub(crate) async fn push(out: Out, args: &Push) -> Result<Exit, Failure> {
    let bytes = read_bounded(&args.package, Input::Package)?;
    let mut registry = args.access.open(&args.reference)?;
    let spinner = out.spinner("pushing");
    let pushed = trocar_registry::push(&mut registry, &args.reference, &bytes, args.replace).await?;
    drop(spinner);
    let Pushed { artefact, layer, package, referrers } = pushed;
    let pinned = pinned(&args.reference, artefact);
    let row = json!({"reference": pinned, "artefact": artefact, "layer": layer, "package": package,
        "referrers": referrers.word()});
    out.result(&row, || format!("{pinned}\nlayer (what an approval names)  {layer}"))?;
    say("A tag can be given away: hand on the reference above, which is this package for ever.");
    Ok(Exit::Done)
}

pub(crate) async fn pull(out: Out, args: &Pull) -> Result<Exit, Failure> {
    let mut registry = args.access.open(&args.reference)?;
    let spinner = out.spinner("pulling");
    let pulled = trocar_registry::pull(&mut registry, &args.reference).await?;
    drop(spinner);
    write(&args.output, &pulled.bytes)?;
    let package = &pulled.package;
    let (name, version) = (&package.manifest.name, &package.manifest.version);
    let pinned = pinned(&args.reference, pulled.artefact);
    let row = json!({"package": args.output, "digest": package.digest(), "manifest": package.manifest.digest(),
        "name": name, "version": version, "author": package.author, "reference": pinned,
        "artefact": pulled.artefact, "layer": pulled.layer});
    out.result(&row, || {
        format!(
            "{}: {name} {version}, signed by {}\nreference  {pinned}\nmanifest   {}\nlayer      {}",
            args.output.display(),
            package.author,
            package.manifest.digest(),
            pulled.layer
        )
    })?;
    say("Signed by its author, whom you may or may not trust. Next: `trocar submit`.");
    Ok(Exit::Done)
}

/// By digest: what the tag means today.
fn pinned(reference: &Reference, artefact: trocar_terms::Digest) -> String {
    let (host, repository) = (reference.host.clone(), reference.repository.clone());
    let place = trocar_registry::Place::Digest(artefact);
    Reference { host, repository, place }.to_string()
}

/// Whole or not at all: under another name first.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let words = || format!("cannot write {}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let part = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder);
    let mut part = part.with_context(words)?;
    part.write_all(bytes).and_then(|()| part.as_file().sync_all()).with_context(words)?;
    part.persist(path).with_context(words)?;
    Ok(())
}
