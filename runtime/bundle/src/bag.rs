//! BagIt 1.0 (RFC 8493): the folder, its lists of SHA-512 and what a second reading of them must give.
//!
//! Every tag file but the signed statement follows from the payload, so `verify` makes them again and compares.

use crate::content::Request;
use sha2::{Digest as _, Sha512};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Files by their path inside the bag.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

pub(crate) const DECLARATION: &str = "bagit.txt";
pub(crate) const DECLARED: &[u8] = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
pub(crate) const INFO: &str = "bag-info.txt";
pub(crate) const MANIFEST: &str = "manifest-sha512.txt";
pub(crate) const TAG_MANIFEST: &str = "tagmanifest-sha512.txt";
/// The signed statement, a tag file.
pub(crate) const PROVENANCE: &str = "provenance.dsse.json";
/// Where the payload begins.
pub(crate) const DATA: &str = "data/";

/// Adds declaration, info and payload manifest; the statement signs these and the payload.
pub(crate) fn add_tags(files: &mut Files, request: &Request) {
    files.insert(DECLARATION.into(), DECLARED.to_vec());
    files.insert(INFO.into(), info(files, request).into_bytes());
    files.insert(MANIFEST.into(), digests(payload(files)).into_bytes());
}

/// Lists again what is there, as one would who changed it.
#[cfg(test)]
pub(crate) fn add_lists(files: &mut Files) {
    files.insert(MANIFEST.into(), digests(payload(files)).into_bytes());
    add_tag_manifest(files);
}

/// Adds the list of all tag files: last, since it covers the statement too.
pub(crate) fn add_tag_manifest(files: &mut Files) {
    let list = digests(tags(files));
    files.insert(TAG_MANIFEST.into(), list.into_bytes());
}

/// The tag files but the list of them.
pub(crate) fn tags(files: &Files) -> impl Iterator<Item = (&String, &Vec<u8>)> {
    files.iter().filter(|(path, _)| !path.starts_with(DATA) && *path != TAG_MANIFEST)
}

/// The one top folder of the archive (RFC 8493 section 4), so that two bundles never unpack into one another.
pub(crate) fn folder(request: &Request) -> String {
    format!("trocar-{}/", request.job)
}

/// The payload files.
pub(crate) fn payload(files: &Files) -> impl Iterator<Item = (&String, &Vec<u8>)> {
    files.iter().filter(|(path, _)| path.starts_with(DATA))
}

/// RFC 8493 section 2.2.2; times are those of the admission, so that nothing tells how long the job took.
pub(crate) fn info(files: &Files, request: &Request) -> String {
    let octets: usize = payload(files).map(|(_, bytes)| bytes.len()).sum();
    let date: String = request.admitted_at.to_string().chars().take(10).collect();
    // A label's value ends with its line, so a name of several lines becomes one.
    let node = request.node_name.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text = format!("Source-Organization: {node}\n");
    let _ = writeln!(text, "External-Identifier: urn:uuid:{}", uuid(&request.job.to_string()));
    let _ = writeln!(text, "Bagging-Date: {date}");
    let _ = writeln!(text, "Bag-Software-Agent: trocar {}", request.trocar_version);
    let _ = writeln!(text, "Payload-Oxum: {octets}.{}", payload(files).count());
    text
}

/// The 32 hex digits of an id in the groups of RFC 9562.
pub(crate) fn uuid(id: &str) -> String {
    let groups = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    groups.iter().filter_map(|(from, to)| id.get(*from..*to)).collect::<Vec<_>>().join("-")
}

pub(crate) fn digests<'a>(files: impl Iterator<Item = (&'a String, &'a Vec<u8>)>) -> String {
    files.map(|(path, bytes)| format!("{}  {path}\n", sha512(bytes))).collect()
}

/// Lower-case hex.
pub(crate) fn sha512(bytes: &[u8]) -> String {
    hex::encode(Sha512::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_as_a_uuid() {
        assert_eq!(uuid("00112233445566778899aabbccddeeff"), "00112233-4455-6677-8899-aabbccddeeff");
    }

    #[test]
    fn a_list_of_digests_has_one_line_a_file_in_order() {
        let files: Files = [("b".to_owned(), b"abc".to_vec()), ("a".to_owned(), Vec::new())].into();
        let list = digests(files.iter());
        let lines: Vec<_> = list.lines().collect();
        assert!(lines[0].ends_with("  a") && lines[0].starts_with("cf83e1357eefb8bd"));
        // FIPS 180-4, the digest of "abc".
        assert!(lines[1].starts_with("ddaf35a193617abacc417349ae204131") && lines[1].ends_with("  b"));
    }
}
