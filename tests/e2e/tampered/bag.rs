//! What one who changes a bundle can do beyond the zip: list every file again, and sign with a key of one's own.

use super::zip::{Entry, Zip};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest as _, Sha512};
use trocar_manifest::canonical;
use trocar_manifest::dsse::{self, Envelope};
use trocar_manifest::keys::SecretKey;
use trocar_terms::Digest;

pub const PROVENANCE: &str = "provenance.dsse.json";
pub const LIST: &str = "manifest-sha512.txt";
pub const TAGS: &str = "tagmanifest-sha512.txt";
const IN_TOTO: &str = "application/vnd.in-toto+json";

fn inside(entry: &Entry) -> String {
    let name = entry.text();
    name.split_once('/').map_or(name.clone(), |(_, inside)| inside.to_owned())
}

fn lines(zip: &Zip, of: impl Fn(&str) -> bool) -> Vec<u8> {
    let files = zip.entries.iter().map(|entry| (inside(entry), &entry.contents));
    let line =
        |(path, bytes): (String, &Vec<u8>)| format!("{}  {path}\n", hex::encode(Sha512::digest(bytes)));
    files.filter(|(path, _)| of(path)).map(line).collect::<String>().into_bytes()
}

/// Both lists again, over what is there now.
pub fn relist(zip: &mut Zip) {
    put(zip, LIST, |zip| lines(zip, |path| path.starts_with("data/")));
    relist_tags(zip);
}

pub fn relist_tags(zip: &mut Zip) {
    put(zip, TAGS, |zip| lines(zip, |path| !path.starts_with("data/") && path != TAGS));
}

fn put(zip: &mut Zip, path: &str, bytes: impl Fn(&Zip) -> Vec<u8>) {
    let there = zip.entries.iter().position(|entry| inside(entry) == path);
    if let Some(at) = there {
        let bytes = bytes(zip);
        zip.entries[at].set(bytes);
    }
}

/// Signs over what is there now with another key, whose public half takes the place of the node's.
pub fn sign_anew(zip: &mut Zip, key: &SecretKey) {
    let pem = key.public().to_pem().unwrap().into_bytes();
    let at = zip.position("data/node.pub");
    zip.entries[at].set(pem);
    put(zip, LIST, |zip| lines(zip, |path| path.starts_with("data/")));
    let at = zip.position(PROVENANCE);
    let mut said = payload(&zip.entries[at].contents);
    for subject in said["subject"].as_array_mut().unwrap() {
        let place = zip.position(subject["name"].as_str().unwrap());
        subject["digest"]["sha256"] = Digest::of(&zip.entries[place].contents).hex().into();
    }
    let builder = format!("urn:trocar:node:{}", key.public().keyid());
    said["predicate"]["runDetails"]["builder"]["id"] = builder.into();
    let envelope = dsse::sign(IN_TOTO, &canonical::json(&said).unwrap(), key);
    zip.entries[at].set(envelope.to_json().unwrap());
    relist_tags(zip);
}

/// What an envelope holds, signed by whomever.
pub fn payload(envelope: &[u8]) -> Value {
    let envelope = Envelope::from_json(envelope).unwrap();
    serde_json::from_slice(&STANDARD.decode(envelope.payload).unwrap()).unwrap()
}

/// The same envelope with another spelling of what it holds, the signature as it was.
pub fn respelled(envelope: &[u8], spell: impl Fn(&Value) -> Vec<u8>) -> Vec<u8> {
    let said = spell(&payload(envelope));
    let envelope = Envelope { payload: STANDARD.encode(said), ..Envelope::from_json(envelope).unwrap() };
    envelope.to_json().unwrap()
}
