//! Object stores: `s3://BUCKET/PREFIX` and `file:///FOLDER`, through object_store.
//!
//! A file's name is the digest of the object's location and that of its version (etag and size): one that has not changed
//! is not fetched again, and one that has takes the place of its older self.

use crate::arrival::{Arrival, Expected, Form};
use crate::error::IntakeError;
use crate::folder::Incoming;
use crate::refusal::Refusal;
use crate::report::{Kept, Report, Tally};
use futures_util::future::ready;
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Location;
use object_store::{ClientOptions, GetOptions, ObjectMeta, ObjectStore, RetryConfig};
use reqwest::Url;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;
use trocar_terms::Digest;

/// Objects fetched at once.
const AT_ONCE: usize = 4;
/// How often a request is tried again.
const RETRIES: usize = 4;
/// The longest that is tried.
const TRYING: Duration = Duration::from_secs(120);
/// The longest answer.
const ANSWER: Duration = Duration::from_secs(3600);
const CONNECT: Duration = Duration::from_secs(10);

/// Pulls every DICOM file below the URL that is not there yet into the folder.
///
/// Credentials, region and endpoint of an S3-shaped store are read from the environment (`AWS_ACCESS_KEY_ID`,
/// `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT`, and `AWS_ALLOW_HTTP=true` for one without TLS).
///
/// # Errors
/// The URL is of another kind, or the store cannot be listed. What came in before stays, and is not fetched again.
pub async fn pull_store(url: &Url, incoming: &Arc<Incoming>) -> Result<Report, IntakeError> {
    let Opened { store, prefix, folder } = open(url)?;
    let pull = Pull { store, folder, incoming, tally: Tally::default(), older: incoming.versions() };
    let is_ending = AtomicBool::new(false);
    let listed = pull.store.list(prefix.as_ref()).take_while(|_| ready(!is_ending.load(SeqCst)));
    let mut outcomes = listed
        .map(|meta| async { pull.object(&meta.map_err(|_| Stop::Unlisted)?).await })
        .buffer_unordered(AT_ONCE);
    let mut ending = Ok(());
    while let Some(outcome) = outcomes.next().await {
        if outcome.is_err() && ending.is_ok() {
            // What has begun is finished and counted; nothing else is begun.
            is_ending.store(true, SeqCst);
            ending = outcome;
        }
    }
    drop(outcomes);
    match ending {
        Ok(()) | Err(Stop::Full) => Ok(pull.tally.report()),
        Err(Stop::Unlisted) => Err(IntakeError::Store),
    }
}

struct Opened {
    store: Box<dyn ObjectStore>,
    prefix: Option<Location>,
    /// Where it is a folder of this machine.
    folder: Option<PathBuf>,
}

fn open(url: &Url) -> Result<Opened, IntakeError> {
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    match url.scheme() {
        "s3" if bare && url.has_host() => {
            let options = ClientOptions::new().with_timeout(ANSWER).with_connect_timeout(CONNECT);
            let retry = RetryConfig { max_retries: RETRIES, retry_timeout: TRYING, ..RetryConfig::default() };
            let named = AmazonS3Builder::from_env().with_url(url.as_str()).with_retry(retry);
            let allow_http = std::env::var("AWS_ALLOW_HTTP").is_ok_and(|value| value == "true");
            let store = named.with_client_options(options.with_allow_http(allow_http)).build();
            let prefix = Location::from_url_path(url.path()).map_err(|_| IntakeError::Url)?;
            let store = Box::new(store.map_err(|_| IntakeError::Store)?);
            Ok(Opened { store, prefix: Some(prefix), folder: None })
        }
        "file" if bare => {
            let folder: PathBuf = url.to_file_path().map_err(|()| IntakeError::Url)?;
            let store = LocalFileSystem::new_with_prefix(&folder).map_err(|_| IntakeError::Store)?;
            Ok(Opened { store: Box::new(store), prefix: None, folder: Some(folder) })
        }
        _ => Err(IntakeError::Url),
    }
}

struct Pull<'a> {
    store: Box<dyn ObjectStore>,
    /// Of a folder of this machine: object_store follows links in it.
    folder: Option<PathBuf>,
    incoming: &'a Arc<Incoming>,
    tally: Tally,
    /// What was there before, by the digest of its location.
    older: BTreeMap<String, PathBuf>,
}

/// Why a pull ends before its end.
enum Stop {
    /// A quota or the disk is full, which the report says.
    Full,
    Unlisted,
}

/// Digest of the location, digest of the version.
fn name_of(meta: &ObjectMeta) -> (String, String) {
    let version = format!("{}\n{}", meta.size, meta.e_tag.as_deref().unwrap_or_default());
    let version = Digest::of(version.as_bytes()).hex();
    (Digest::of(meta.location.as_ref().as_bytes()).hex(), version.chars().take(16).collect())
}

impl Pull<'_> {
    async fn object(&self, meta: &ObjectMeta) -> Result<(), Stop> {
        let (place, version) = name_of(meta);
        let name = format!("{place}-{version}");
        let outcome = if self.incoming.has(&name) { Ok(Kept::Already) } else { self.fetch(meta, name).await };
        self.tally.count(outcome);
        if let Ok(Kept::New(_)) = outcome {
            self.older.get(&place).into_iter().for_each(|older| self.incoming.remove(older));
        }
        if outcome.is_err_and(Refusal::stops) { Err(Stop::Full) } else { Ok(()) }
    }

    async fn fetch(&self, meta: &ObjectMeta, name: String) -> Result<Kept, Refusal> {
        if self.folder.as_ref().is_some_and(|folder| is_linked(folder, &meta.location)) {
            return Err(Refusal::Link);
        }
        if meta.size > self.incoming.quotas().object_bytes {
            return Err(Refusal::TooLarge);
        }
        // The version that was listed: what is written under its name must be it.
        let same = GetOptions { if_match: meta.e_tag.clone(), ..GetOptions::default() };
        let got = self.store.get_opts(&meta.location, same).await.map_err(|_| Refusal::Unavailable)?;
        let mut bytes = got.into_stream();
        let mut arrival = Arrival::begin(self.incoming, name, Form::File, Expected::Any)?;
        let mut length = 0_u64;
        while let Some(chunk) = bytes.try_next().await.map_err(|_| Refusal::Unavailable)? {
            length = length.saturating_add(chunk.len() as u64);
            arrival.write(&chunk)?;
        }
        if length == meta.size { arrival.keep().await } else { Err(Refusal::BadAnswer) }
    }
}

/// Whether a component of a location below its folder is a symbolic link, or cannot be looked at.
fn is_linked(folder: &Path, location: &Location) -> bool {
    let mut place = folder.to_owned();
    location.parts().any(|part| {
        place.push(part.as_ref());
        std::fs::symlink_metadata(&place).map_or(true, |seen| seen.is_symlink())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_schemes_and_secrets_in_the_url_are_refused() {
        for bad in ["gs://bucket/x", "http://host/x", "s3://key:secret@bucket/x", "file://host/x"] {
            assert!(open(&Url::parse(bad).unwrap()).is_err(), "{bad}");
        }
    }
}
