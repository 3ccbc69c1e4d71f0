//! Checks a bundle offline and says what that proved.

use crate::bag::{self, Files};
use crate::content::Request;
use crate::crate_algorithm::ALGORITHM;
use crate::crate_metadata::METADATA;
use crate::error::VerifyError;
use crate::logged::{self, ENTRY, PROOF};
use crate::padding::PADDING;
use crate::statement::{self, PAYLOAD_TYPE, Predicate, Status};
use crate::trail::{Check, Trail};
use crate::trust::{self, Trust};
use crate::write::{APPROVAL, COLUMNS, KEYS, MANIFEST, PACKAGE, REPORT, RESULTS, SCHEMA, TABLE};
use crate::write::{plot_path, spec_path};
use crate::{allowed, compared, consistent, proof, reviewed};
use serde_json::Value;
use std::collections::BTreeSet;
use trocar_manifest::dsse::{self, Envelope};
use trocar_manifest::key_history::KeyHistory;
use trocar_manifest::keys::PublicKey;
use trocar_manifest::{Approval, Manifest, archive};

/// What a bundle that verifies proves.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Verification {
    /// Whether a pinned key signed it. False where no key was pinned: intact, signer unknown.
    pub trusted: bool,
    /// The node's key.
    pub signer: PublicKey,
    /// Released or withheld.
    pub status: Status,
    /// What was asked, as the node signed it.
    pub request: Request,
    /// results.json.
    pub results: Value,
    /// What is proved, in plain sentences.
    pub proved: Vec<String>,
    /// What no bundle can prove, so that nobody reads it into the first list.
    pub not_proved: Vec<&'static str>,
}

/// A bundle that was looked at: every check, and what came of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Examined {
    /// The tree of checks.
    pub checks: Vec<Check>,
    /// What they prove together, or the first that does not hold.
    pub verified: Result<Verification, VerifyError>,
}

/// Checks every byte: archive, lists of digests, signatures, and that the parts say the same.
///
/// With no `trusted` key the bundle can be intact, yet its signer is unknown.
///
/// # Errors
/// `VerifyError` says where; `OtherSigner` where keys are pinned and none of them signed.
pub fn verify(bytes: &[u8], trusted: &[PublicKey]) -> Result<Verification, VerifyError> {
    examine(bytes, &Trust { pinned: trusted, history: &KeyHistory::default(), log: None }).verified
}

/// As [`verify`], with each check by itself, and with the histories of keys.
#[must_use]
pub fn examine(bytes: &[u8], trust: &Trust<'_>) -> Examined {
    let mut trail = Trail::default();
    let verified = walk(bytes, trust, &mut trail);
    Examined { checks: trail.tree(), verified }
}

/// The checks in the order of the trail's plan.
fn walk(bytes: &[u8], trust: &Trust<'_>, trail: &mut Trail) -> Result<Verification, VerifyError> {
    let (entries, folder, files) = trail.step(unpacked(bytes))?;
    trail.step(check_lists(&files))?;
    let [node, ..] = KEYS;
    let (signer, Predicate { status, request }) =
        trail.step(key(&files, node).and_then(|signer| Ok((signer, signed(&files, &signer)?))))?;
    trail.step(check_bag(&files, &folder, &request))?;
    let manifest = trail.step(manifest(&files, &request))?;
    trail.step(check_names(&files, &manifest, &request))?;
    trail.step(allowed::check_author(&files, &request, &manifest))?;
    let approval = trail.step(allowed::check_approval(&files, &request, &manifest))?;
    let answerable = trail.step(reviewed::check(&files, &request, status))?;
    trail.step(logged::check_entry(&files, &request))?;
    trail.step(logged::check_proof(&files, &request, trust.log))?;
    let results = trail.step(results(&files, &request, status, &approval))?;
    trail.step(compared::check(&files, &results))?;
    let said = consistent::described((&request, &manifest, &approval), answerable.as_ref(), status);
    trail.step(consistent::crates(&files, &said))?;
    trail.step(consistent::five_safes(&entries, &files, &request))?;
    let pinned = trust::trusted(trust, &signer, &said, trail)?;
    let mut proved = proof::sentences(&files, &request, &approval, &signer, status, pinned);
    proved.extend(answerable.map(|answerable| proof::answerable(&answerable)));
    let not_proved = proof::NOT.to_vec();
    Ok(Verification { trusted: pinned, signer, status, request, results, proved, not_proved })
}

/// The names of all entries, the one top folder, and the files in it.
fn unpacked(bytes: &[u8]) -> Result<(Vec<String>, String, Files), VerifyError> {
    let entries = archive::read(bytes)?;
    let names = entries.keys().cloned().collect();
    let (folder, files) = out_of_folder(entries)?;
    Ok((names, folder, files))
}

/// Takes the files out of their one top folder.
fn out_of_folder(entries: Files) -> Result<(String, Files), VerifyError> {
    let first = entries.keys().next().and_then(|path| path.split_once('/'));
    let (folder, _) = first.ok_or_else(|| VerifyError::Missing("the folder of the bag".into()))?;
    let folder = format!("{folder}/");
    let strip = |(path, bytes): (String, Vec<u8>)| match path.strip_prefix(&folder) {
        Some(inside) => Ok((inside.to_owned(), bytes)),
        None => Err(VerifyError::Extra(path)),
    };
    let files = entries.into_iter().map(strip).collect::<Result<Files, _>>()?;
    Ok((folder, files))
}

/// Both lists name exactly the files that are there, with their digests.
fn check_lists(files: &Files) -> Result<(), VerifyError> {
    check_list(files, bag::TAG_MANIFEST, bag::tags(files).map(|(path, _)| path.as_str()))?;
    check_list(files, bag::MANIFEST, bag::payload(files).map(|(path, _)| path.as_str()))?;
    same(files, bag::TAG_MANIFEST, bag::digests(bag::tags(files)).as_bytes())?;
    same(files, bag::MANIFEST, bag::digests(bag::payload(files)).as_bytes())
}

/// The first file that the list knows differently, before the list is compared as a whole: the better place to name.
fn check_list<'f>(
    files: &Files,
    list: &'static str,
    there: impl Iterator<Item = &'f str>,
) -> Result<(), VerifyError> {
    let text = text(files, list)?;
    let mut missing: BTreeSet<&str> =
        text.lines().filter_map(|l| l.split_once("  ")).map(|(_, p)| p).collect();
    for path in there {
        if !missing.remove(path) {
            return Err(VerifyError::Extra(path.to_owned()));
        }
        let line = format!("{}  {path}", bag::sha512(get(files, path)?));
        if !text.lines().any(|l| l == line) {
            return Err(VerifyError::Digest { path: path.to_owned(), list });
        }
    }
    missing.first().map_or(Ok(()), |path| Err(VerifyError::Missing((*path).to_owned())))
}

/// The node's statement, over exactly these files.
fn signed(files: &Files, signer: &PublicKey) -> Result<Predicate, VerifyError> {
    let path = bag::PROVENANCE;
    let payload = envelope(files, path, signer)?;
    let said = statement::read(&payload).map_err(|e| VerifyError::unreadable(path, e))?;
    let again = statement::bytes(files, &said, signer).map_err(|e| VerifyError::unreadable(path, e))?;
    if again != payload {
        return Err(VerifyError::disagrees(path, "it was signed for other files"));
    }
    Ok(said)
}

/// The payload of an envelope that `signer` signed, the envelope in its one spelling with one signature.
pub(crate) fn envelope(files: &Files, path: &str, signer: &PublicKey) -> Result<Vec<u8>, VerifyError> {
    let bad = |e| VerifyError::Signature { path: path.to_owned(), source: Box::new(e) };
    let envelope = Envelope::from_json(get(files, path)?).map_err(bad)?;
    let verified = dsse::verify(&envelope, PAYLOAD_TYPE, &[*signer]).map_err(bad)?;
    same(files, path, &envelope.to_json().map_err(bad)?)?;
    if envelope.signatures.len() != 1 {
        return Err(VerifyError::unreadable(path, "it has more than one signature"));
    }
    Ok(verified.payload)
}

/// Folder, declaration, info and padding are those that the request makes.
fn check_bag(files: &Files, folder: &str, request: &Request) -> Result<(), VerifyError> {
    if folder != bag::folder(request) {
        return Err(VerifyError::disagrees(folder, "the folder is named after another job"));
    }
    same(files, bag::DECLARATION, bag::DECLARED)?;
    same(files, bag::INFO, bag::info(files, request).as_bytes())?;
    let odd = get(files, PADDING)?.iter().position(|byte| *byte != b' ');
    odd.map_or(Ok(()), |offset| Err(VerifyError::Tag { path: PADDING.to_owned(), offset }))
}

fn manifest(files: &Files, request: &Request) -> Result<Manifest, VerifyError> {
    let manifest = Manifest::parse(MANIFEST, text(files, MANIFEST)?);
    let manifest = manifest.map_err(|e| VerifyError::unreadable(MANIFEST, e))?;
    if manifest.digest() != request.manifest || manifest.component != Some(request.component) {
        return Err(VerifyError::disagrees(MANIFEST, "another manifest or component"));
    }
    Ok(manifest)
}

/// The files are those that a bundle of this manifest has.
fn check_names(files: &Files, manifest: &Manifest, request: &Request) -> Result<(), VerifyError> {
    let fixed = [
        RESULTS, SCHEMA, TABLE, COLUMNS, REPORT, MANIFEST, PACKAGE, APPROVAL, ALGORITHM, METADATA, PADDING,
        ENTRY, PROOF,
    ];
    let fixed = fixed.into_iter().chain(KEYS).map(str::to_owned);
    let names = manifest.outputs.iter().map(|o| &o.name).chain(manifest.derived.iter().map(|d| &d.name));
    let plots = names.flat_map(|name| [plot_path(name), spec_path(name)]);
    let mut expected: BTreeSet<String> = fixed.collect();
    match &request.airlock {
        None => expected.extend(plots),
        Some(airlock) => {
            expected.insert(reviewed::DECISION.to_owned());
            expected.extend((1..=airlock.reviewers.len()).map(reviewed::review_path));
        }
    }
    let there: BTreeSet<String> = bag::payload(files).map(|(path, _)| path.clone()).collect();
    if let Some(path) = expected.difference(&there).next() {
        return Err(VerifyError::Missing(path.clone()));
    }
    let tags = [bag::DECLARATION, bag::INFO, bag::MANIFEST, bag::PROVENANCE];
    let odd_tag = bag::tags(files).map(|(path, _)| path).find(|path| !tags.contains(&path.as_str()));
    let extra = there.difference(&expected).next().or(odd_tag);
    extra.map_or(Ok(()), |path| Err(VerifyError::Extra(path.clone())))
}

fn results(
    files: &Files,
    request: &Request,
    status: Status,
    approval: &Approval,
) -> Result<Value, VerifyError> {
    let results: Value =
        serde_json::from_slice(get(files, RESULTS)?).map_err(|e| VerifyError::unreadable(RESULTS, e))?;
    allowed::check_results(&results, request, status, approval)?;
    Ok(results)
}

pub(crate) fn key(files: &Files, path: &str) -> Result<PublicKey, VerifyError> {
    let key = PublicKey::from_pem(text(files, path)?).map_err(|e| VerifyError::unreadable(path, e))?;
    let pem = key.to_pem().map_err(|e| VerifyError::unreadable(path, e))?;
    same(files, path, pem.as_bytes()).map(|()| key)
}

pub(crate) fn get<'f>(files: &'f Files, path: &str) -> Result<&'f [u8], VerifyError> {
    files.get(path).map(Vec::as_slice).ok_or_else(|| VerifyError::Missing(path.to_owned()))
}

pub(crate) fn text<'f>(files: &'f Files, path: &str) -> Result<&'f str, VerifyError> {
    std::str::from_utf8(get(files, path)?).map_err(|e| VerifyError::unreadable(path, e))
}

pub(crate) fn same(files: &Files, path: &str, expected: &[u8]) -> Result<(), VerifyError> {
    let found = get(files, path)?;
    if found == expected {
        return Ok(());
    }
    let differs = found.iter().zip(expected).position(|(a, b)| a != b);
    let offset = differs.unwrap_or_else(|| found.len().min(expected.len()));
    Err(VerifyError::Tag { path: path.to_owned(), offset })
}
