//! Who we are to a registry: from a file, the environment or docker's configuration; never from a flag, which shows in the list
//! of processes.

use crate::error::RegistryError;
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use reqwest::header::HeaderValue;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Tokens are a few kilobytes at most.
const MAX_SECRET: u64 = 64 << 10;
/// A docker configuration with many registries.
const MAX_CONFIG: u64 = 1 << 20;

/// A header that names us; `Debug` hides it.
#[derive(Clone)]
pub struct Login {
    pub(crate) header: HeaderValue,
    /// A bearer token is sent as it is; a user and password may also buy one.
    pub(crate) is_basic: bool,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login(..)")
    }
}

impl Login {
    /// The file's only line is `USER:PASSWORD`; only its owner may read it.
    ///
    /// # Errors
    /// The file cannot be read, can be read by others, or holds no such line.
    pub fn basic_file(path: &Path) -> Result<Self, RegistryError> {
        let what = "one line USER:PASSWORD";
        let pair = secret(path)?;
        Self::basic(&pair).ok_or(RegistryError::NoSecret { path: path.to_owned(), what })
    }

    /// The file's only word is a bearer token.
    ///
    /// # Errors
    /// As of `basic_file`.
    pub fn token_file(path: &Path) -> Result<Self, RegistryError> {
        let what = "one bearer token";
        let token = secret(path)?;
        let plain = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        let header = plain.then(|| sensitive(&format!("Bearer {token}"))).flatten();
        let header = header.ok_or(RegistryError::NoSecret { path: path.to_owned(), what })?;
        Ok(Self { header, is_basic: false })
    }

    /// A user and a password of the environment; `None` where one is not there.
    #[must_use]
    pub fn of_user(user: Option<&str>, password: Option<&str>) -> Option<Self> {
        let (user, password) = (user?, password?);
        Self::basic(&format!("{user}:{password}")).filter(|_| !user.contains(':'))
    }

    /// What `docker login` has kept for this host; `None` where there is no file or nothing in it for the host.
    ///
    /// # Errors
    /// The file is no such configuration, others can read a secret in it, or a helper program keeps the secret.
    pub fn of_docker(path: &Path, host: &str) -> Result<Option<Self>, RegistryError> {
        let Some((text, exposed)) = docker_config(path)? else { return Ok(None) };
        let what = "docker's configuration as JSON";
        let no = || RegistryError::NoSecret { path: path.to_owned(), what };
        let config: Docker = serde_json::from_str(&text).map_err(|_| no())?;
        let kept = config.auths.get(host).and_then(|entry| entry.auth.as_deref()).filter(|a| !a.is_empty());
        let Some(kept) = kept else {
            let helped = config.helpers.contains_key(host)
                || (config.store.is_some() && config.auths.contains_key(host));
            return if helped { Err(RegistryError::Helper(path.to_owned())) } else { Ok(None) };
        };
        if exposed {
            return Err(RegistryError::Exposed(path.to_owned()));
        }
        let pair = BASE64.decode(kept).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        pair.and_then(|pair| Self::basic(&pair)).map(Some).ok_or_else(no)
    }

    fn basic(pair: &str) -> Option<Self> {
        let whole = pair.contains(':') && !pair.contains(char::is_control);
        let header = whole.then(|| sensitive(&format!("Basic {}", BASE64.encode(pair)))).flatten()?;
        Some(Self { header, is_basic: true })
    }
}

/// A header that logs and `Debug` do not show.
pub(crate) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn secret(path: &Path) -> Result<String, RegistryError> {
    let (text, exposed) = read(path, MAX_SECRET)?;
    if exposed {
        return Err(RegistryError::Exposed(path.to_owned()));
    }
    Ok(text.trim_matches(['\r', '\n', ' ']).to_owned())
}

fn docker_config(path: &Path) -> Result<Option<(String, bool)>, RegistryError> {
    match read(path, MAX_CONFIG) {
        Err(RegistryError::File { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// A text, and whether others than its owner can read it.
fn read(path: &Path, most: u64) -> Result<(String, bool), RegistryError> {
    let failed = |source| RegistryError::File { path: path.to_owned(), source };
    let input = File::open(path).map_err(failed)?;
    let exposed = input.metadata().map_err(failed)?.mode() & 0o077 != 0;
    let mut text = String::new();
    input.take(most).read_to_string(&mut text).map_err(failed)?;
    Ok((text, exposed))
}

#[derive(Debug, Deserialize)]
struct Docker {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Auth {
    auth: Option<String>,
}

/// Where docker keeps it: `DOCKER_CONFIG`, else `.docker` of the person's folder.
#[must_use]
pub fn docker_path(config: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    Some(config.or_else(|| Some(home?.join(".docker")))?.join("config.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    struct Kept(tempfile::TempDir);

    impl Kept {
        fn put(&self, text: &str, mode: u32) -> PathBuf {
            let path = self.0.path().join("secret");
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        }
    }

    fn kept() -> Kept {
        Kept(tempfile::tempdir().unwrap())
    }

    #[test]
    fn a_secret_that_others_can_read_or_that_is_none_is_refused() {
        let kept = kept();
        assert_eq!(Login::token_file(&kept.put("token\n", 0o600)).unwrap().header, "Bearer token");
        assert_eq!(Login::basic_file(&kept.put("me:x", 0o600)).unwrap().header, "Basic bWU6eA==");
        assert!(matches!(Login::basic_file(&kept.put("me:x", 0o640)), Err(RegistryError::Exposed(_))));
        assert!(matches!(Login::basic_file(&kept.put("me", 0o600)), Err(RegistryError::NoSecret { .. })));
        assert!(matches!(Login::basic_file(&kept.put("a:b\nc", 0o600)), Err(RegistryError::NoSecret { .. })));
        assert!(matches!(Login::token_file(&kept.put("a b", 0o600)), Err(RegistryError::NoSecret { .. })));
        assert!(matches!(Login::token_file(&kept.put(" \n", 0o600)), Err(RegistryError::NoSecret { .. })));
        let login = Login::of_user(Some("me"), Some("x")).unwrap();
        assert_eq!(format!("{login:?} {:?}", login.header), "Login(..) Sensitive");
        assert!(Login::of_user(Some("me"), None).is_none());
    }

    #[test]
    fn docker_s_own_file_is_read_for_this_host_alone() {
        let kept = kept();
        let text =
            r#"{"auths": {"localhost:5000": {"auth": "bWU6eA=="}, "empty.example": {}}, "HttpHeaders": {}}"#;
        let path = kept.put(text, 0o600);
        let of = |host: &str| Login::of_docker(&path, host).unwrap();
        assert_eq!(of("localhost:5000").unwrap().header, "Basic bWU6eA==");
        assert!(of("localhost:5001").is_none() && of("empty.example").is_none());
        assert!(Login::of_docker(&path.with_extension("absent"), "localhost:5000").unwrap().is_none());
        let path = kept.put(text, 0o644);
        assert!(matches!(Login::of_docker(&path, "localhost:5000"), Err(RegistryError::Exposed(_))));
        let path = kept.put(r#"{"auths": {"a.example": {}}, "credsStore": "pass"}"#, 0o600);
        assert!(matches!(Login::of_docker(&path, "a.example"), Err(RegistryError::Helper(_))));
        assert!(Login::of_docker(&path, "b.example").unwrap().is_none());
        let path = kept.put("no json", 0o600);
        assert!(matches!(Login::of_docker(&path, "a.example"), Err(RegistryError::NoSecret { .. })));
    }

    #[test]
    fn docker_s_file_lies_where_docker_says() {
        let at = |a: Option<&str>, b: Option<&str>| docker_path(a.map(PathBuf::from), b.map(PathBuf::from));
        assert_eq!(at(Some("/c"), Some("/h")).unwrap(), Path::new("/c/config.json"));
        assert_eq!(at(None, Some("/h")).unwrap(), Path::new("/h/.docker/config.json"));
        assert_eq!(at(None, None), None);
    }
}
