//! Ways that change the files and write a canonical archive of them: what is left is found by digests and signatures.

use super::bag::{self, LIST, PROVENANCE, TAGS};
use super::zip::{Entry, Zip};
use super::{Chance, Way};
use serde_json::Value;

const FOUND: &[&str] = &[
    "was changed",
    "is not as it was signed",
    "does not agree with the signed statement",
    "differs at byte",
    "cannot be read",
    "is missing",
    "does not belong",
];
const STRANGER: &[&str] =
    &["not a key you trust", "is not as it was signed", "does not agree with the signed statement"];

pub const WAYS: &[Way] = &[
    ("a file changed", changed, FOUND),
    ("a file changed and listed", changed_and_listed, FOUND),
    ("two files swapped", swapped, FOUND),
    ("a file of another bundle", foreign, FOUND),
    ("a file added", added, FOUND),
    ("a file removed", removed, FOUND),
    ("a file renamed", renamed, FOUND),
    ("a signed statement of another bundle", replayed, FOUND),
    ("all of another bundle but its name", moved, FOUND),
    ("signed by another key", stranger, STRANGER),
    ("another result, signed by another key", forged, STRANGER),
    ("signed by another key under the node's name", masked, FOUND),
    ("JSON in another order", reordered, FOUND),
    ("a statement spelled otherwise", respelled, FOUND),
    ("a list spelled otherwise", relisted, FOUND),
    ("padding", padded, FOUND),
    ("a signature more or less", signatures, FOUND),
];

/// Lists again or does not, and writes.
fn written(c: &mut Chance<'_>, mut zip: Zip) -> Vec<u8> {
    if c.below(2) == 0 {
        bag::relist(&mut zip);
    }
    zip.bytes()
}

/// Other contents of a file: a bit, a letter more, a letter less, none at all.
fn damaged(c: &mut Chance<'_>, contents: &[u8]) -> Vec<u8> {
    let mut bytes = contents.to_vec();
    match c.below(4) {
        0 if !bytes.is_empty() => {
            let at = c.below(bytes.len());
            bytes[at] ^= 1 << c.below(8);
        }
        1 if !bytes.is_empty() => drop(bytes.pop()),
        2 if !bytes.is_empty() => bytes.clear(),
        _ => bytes.push(*c.one(b" \n0\0")),
    }
    bytes
}

fn changed(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = c.below(zip.entries.len());
    let bytes = damaged(c, &zip.entries[at].contents);
    zip.entries[at].set(bytes);
    zip.bytes()
}

fn changed_and_listed(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = c.payload(&zip);
    let bytes = damaged(c, &zip.entries[at].contents);
    zip.entries[at].set(bytes);
    bag::relist(&mut zip);
    zip.bytes()
}

fn swapped(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let (a, mut b) = (c.payload(&zip), c.payload(&zip));
    while zip.entries[a].contents == zip.entries[b].contents {
        b = c.payload(&zip);
    }
    let (one, other) = (zip.entries[a].contents.clone(), zip.entries[b].contents.clone());
    zip.entries[a].set(other);
    zip.entries[b].set(one);
    written(c, zip)
}

fn foreign(c: &mut Chance<'_>) -> Vec<u8> {
    const PATHS: &[&str] = &[
        "data/results.json",
        "data/results.csv",
        "data/approval.dsse.json",
        "data/ro-crate-metadata.json",
        "data/ro-crate-preview.html",
        "bag-info.txt",
        "data/results.parquet",
    ];
    let (mut zip, other) = (c.zip(), c.other());
    let pair = |path: &&str| (zip.position(path), other.position(path));
    let differs = |(at, from): &(usize, usize)| zip.entries[*at].contents != other.entries[*from].contents;
    let pairs: Vec<(usize, usize)> = PATHS.iter().map(pair).filter(differs).collect();
    let (at, from) = *c.one(&pairs);
    zip.entries[at].set(other.entries[from].contents.clone());
    written(c, zip)
}

fn added(c: &mut Chance<'_>) -> Vec<u8> {
    const NAMES: &[&str] = &[
        "BAG/data/extra",
        "BAG/data/plots/extra.svg",
        "BAG/note.txt",
        "BAG/fetch.txt",
        "zzz",
        "BAG2/data/x",
        "BAG/data/results.json.bak",
        "BAG/manifest-md5.txt",
        "BAG/data/.hidden",
    ];
    let mut zip = c.zip();
    let folder = zip.folder();
    let name = c.one(NAMES).replace("BAG", folder.trim_end_matches('/'));
    let contents = vec![b'x'; c.below(50)];
    zip.entries.push(Entry::new(&name, contents));
    zip.sort();
    written(c, zip)
}

fn removed(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = c.below(zip.entries.len());
    zip.entries.remove(at);
    written(c, zip)
}

fn renamed(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = c.payload(&zip);
    let name = zip.entries[at].text();
    let names = [format!("{name}x"), name.replace("/data/", "/data/x/"), name.replace("/data/", "/")];
    zip.entries[at].name = c.one(&names).clone().into_bytes();
    zip.sort();
    written(c, zip)
}

/// A signature that is good, over something else.
fn replayed(c: &mut Chance<'_>) -> Vec<u8> {
    let (mut zip, other) = (c.zip(), c.other());
    let from = other.position(PROVENANCE);
    let at = zip.position(PROVENANCE);
    zip.entries[at].set(other.entries[from].contents.clone());
    bag::relist(&mut zip);
    zip.bytes()
}

/// Every file of the other bundle in the folder of this one.
fn moved(c: &mut Chance<'_>) -> Vec<u8> {
    let (folder, mut other) = (c.zip().folder(), c.other());
    let old = other.folder();
    for entry in &mut other.entries {
        entry.name = entry.text().replacen(&old, &folder, 1).into_bytes();
    }
    written(c, other)
}

/// All is right but for the key.
fn stranger(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = if c.below(2) == 0 { c.zip() } else { c.other() };
    bag::sign_anew(&mut zip, &c.from.stranger);
    zip.bytes()
}

/// Better numbers than the node's.
fn forged(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = zip.position("data/results.json");
    let mut results: Value = serde_json::from_slice(&zip.entries[at].contents).unwrap();
    results["patients"]["value"] = (1000 + c.below(9000)).into();
    let mut bytes = serde_json::to_vec_pretty(&results).unwrap();
    bytes.push(b'\n');
    // The padding takes up the difference: a careful forger keeps the length.
    let padding = zip.position("data/padding");
    let length =
        (zip.entries[at].contents.len() + zip.entries[padding].contents.len()).saturating_sub(bytes.len());
    zip.entries[padding].set(vec![b' '; length]);
    zip.entries[at].set(bytes);
    bag::sign_anew(&mut zip, &c.from.stranger);
    zip.bytes()
}

/// The stranger's signature beside the node's public key.
fn masked(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = zip.position("data/node.pub");
    let pem = zip.entries[at].contents.clone();
    bag::sign_anew(&mut zip, &c.from.stranger);
    zip.entries[at].set(pem);
    written(c, zip)
}

/// The same value: keys the other way round, or spaces elsewhere.
fn otherwise(c: &mut Chance<'_>, bytes: &[u8]) -> Vec<u8> {
    let value: Value = serde_json::from_slice(bytes).unwrap();
    let turned = |value: &Value| match value {
        Value::Object(map) => {
            let fields =
                map.iter().rev().map(|(key, field)| format!("{}:{field}", Value::from(key.as_str())));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    };
    let spellings = [turned(&value), format!("{value} "), format!(" {value}"), format!("{value:#}\n\n")];
    c.one(&spellings).clone().into_bytes()
}

fn reordered(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let json: Vec<usize> =
        (0..zip.entries.len()).filter(|i| zip.entries[*i].text().ends_with(".json")).collect();
    let at = *c.one(&json);
    let bytes = otherwise(c, &zip.entries[at].contents);
    zip.entries[at].set(bytes);
    bag::relist(&mut zip);
    zip.bytes()
}

fn respelled(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let signed: Vec<usize> =
        (0..zip.entries.len()).filter(|i| zip.entries[*i].text().ends_with(".dsse.json")).collect();
    let at = *c.one(&signed);
    let old = zip.entries[at].contents.clone();
    let said = otherwise(c, bag::payload(&old).to_string().as_bytes());
    zip.entries[at].set(bag::respelled(&old, |_| said.clone()));
    bag::relist(&mut zip);
    zip.bytes()
}

fn relisted(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let path = *c.one(&[LIST, TAGS]);
    let at = zip.position(path);
    let text = String::from_utf8(zip.entries[at].contents.clone()).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.reverse();
    let spellings = [
        text.to_uppercase(),
        text.replace('\n', "\r\n"),
        text.replace("  ", " *"),
        text.replace("  ", "\t"),
        format!("{}\n", lines.join("\n")),
        text.trim_end().to_owned(),
        format!("{text}\n"),
        text.repeat(2),
    ];
    zip.entries[at].set(c.one(&spellings).clone().into_bytes());
    if path == LIST && c.below(2) == 0 {
        bag::relist_tags(&mut zip);
    }
    zip.bytes()
}

fn padded(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = zip.position("data/padding");
    let mut bytes = zip.entries[at].contents.clone();
    match c.below(3) {
        0 => bytes.extend(vec![b' '; 1 + c.below(5000)]),
        1 => bytes.truncate(c.below(bytes.len())),
        _ => {
            let place = c.below(bytes.len());
            bytes[place] = *c.one(b"x\t\n\0");
        }
    }
    zip.entries[at].set(bytes);
    written(c, zip)
}

/// The envelope's own list of signatures: emptied, doubled, under another id, or cut.
fn signatures(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let signed: Vec<usize> =
        (0..zip.entries.len()).filter(|i| zip.entries[*i].text().ends_with(".dsse.json")).collect();
    let at = *c.one(&signed);
    let mut envelope: Value = serde_json::from_slice(&zip.entries[at].contents).unwrap();
    let first = envelope["signatures"][0].clone();
    match c.below(4) {
        0 => envelope["signatures"] = Value::Array(vec![]),
        1 => envelope["signatures"] = Value::Array(vec![first; 2 + c.below(70)]),
        2 => envelope["signatures"][0]["keyid"] = "0".repeat(64).into(),
        _ => envelope["signatures"][0]["sig"] = "AAAA".into(),
    }
    zip.entries[at].set(envelope.to_string().into_bytes());
    bag::relist(&mut zip);
    zip.bytes()
}
