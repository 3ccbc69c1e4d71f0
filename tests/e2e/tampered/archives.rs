//! Ways that change the archive.

use super::zip::{DESCRIPTOR, Entry, Zip};
use super::{Chance, Way};
use std::io::Write as _;

const DIFFERS: &[&str] = &["differs from its canonical form", "ends at byte", "not a Trocar bundle"];
const NAME: &[&str] = &["not a plain relative path"];
const TWICE: &[&str] = &["out of order", "collides", "differs from its canonical form"];

pub const WAYS: &[Way] = &[
    ("a bit anywhere", bit, &[]),
    ("a byte of a header", header, &[]),
    ("a byte of the directory", directory, &[]),
    ("cut", cut, DIFFERS),
    ("bytes taken out", taken_out, &[]),
    ("bytes put in", put_in, &[]),
    ("bytes before or behind", around, &[]),
    ("comments", comments, DIFFERS),
    ("declared bombs", declared, &[]),
    ("deflated bombs", deflated, &[]),
    ("stored bombs", stored, &[]),
    ("overlapping entries", overlapping, &[]),
    ("a name twice", twice, TWICE),
    ("another order", order, TWICE),
    ("paths that leave", traversal, NAME),
    ("absolute paths", absolute, NAME),
    ("odd names", odd_names, &[]),
    ("look-alike names", look_alike, NAME),
    ("another name in the directory", central_name, &[]),
    ("symbolic links and devices", links, &[]),
    ("encrypted", encrypted, &[]),
    ("zip64", zip64, &[]),
    ("data descriptors", descriptors, &[]),
    ("other methods and times", methods, &[]),
    ("counts and places that lie", ends, DIFFERS),
    ("an oversize directory", oversize, &[]),
    ("folders as entries", folders, &[]),
    ("a zip in a zip", nested, &[]),
];

fn bit(c: &mut Chance<'_>) -> Vec<u8> {
    let mut bytes = c.from.good.clone();
    let at = c.below(bytes.len());
    bytes[at] ^= 1 << c.below(8);
    bytes
}

/// Each byte class of a local header in turn, of any entry.
fn header(c: &mut Chance<'_>) -> Vec<u8> {
    let zip = c.zip();
    let which = c.below(zip.entries.len());
    let start: usize = zip.entries[..which].iter().map(|e| 30 + e.name.len() + e.contents.len()).sum();
    changed(c, start, 30 + zip.entries[which].name.len())
}

fn directory(c: &mut Chance<'_>) -> Vec<u8> {
    let zip = c.zip();
    let start: usize = zip.entries.iter().map(|e| 30 + e.name.len() + e.contents.len()).sum();
    changed(c, start, c.from.good.len() - start)
}

/// One byte among `length` from `start`, to any other value.
fn changed(c: &mut Chance<'_>, start: usize, length: usize) -> Vec<u8> {
    let mut bytes = c.from.good.clone();
    let at = start + c.below(length);
    bytes[at] ^= u8::try_from(1 + c.below(255)).unwrap();
    bytes
}

fn cut(c: &mut Chance<'_>) -> Vec<u8> {
    let length = c.below(c.from.good.len());
    c.from.good[..length].to_vec()
}

fn taken_out(c: &mut Chance<'_>) -> Vec<u8> {
    let from = c.below(c.from.good.len() - 1);
    let length = 1 + c.below((c.from.good.len() - from - 1).clamp(1, 4096));
    [&c.from.good[..from], &c.from.good[from + length..]].concat()
}

fn put_in(c: &mut Chance<'_>) -> Vec<u8> {
    let at = 1 + c.below(c.from.good.len() - 1);
    let length = 1 + c.below(4096);
    let middle = c.one(&[b' ', 0, b'P', 0xff]).to_owned();
    [&c.from.good[..at], &vec![middle; length], &c.from.good[at..]].concat()
}

fn around(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let extra = vec![*c.one(&[0, b' ', b'P', 0x4d]); 1 + c.below(300)];
    if c.below(2) == 0 {
        zip.after = extra
    } else {
        zip.before = extra
    }
    zip.bytes()
}

fn comments(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let words = vec![b'x'; 1 + c.below(60_000)];
    if c.below(2) == 0 {
        zip.comment = words;
    } else {
        let at = c.below(zip.entries.len());
        zip.entries[at].comment = words;
    }
    zip.bytes()
}

/// Sizes that nothing could hold, in one header or both.
fn declared(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = c.below(zip.entries.len());
    let lie = Some(*c.one(&[u32::MAX, u32::MAX - 1, 0x7fff_ffff, 0x8000_0000, 1_999_999_999]));
    let entry = &mut zip.entries[at];
    match c.below(3) {
        0 => entry.packed = lie,
        1 => entry.size = lie,
        _ => (entry.packed, entry.size) = (lie, lie),
    }
    match c.below(3) {
        0 => entry.lies_locally = false,
        1 => entry.lies_centrally = false,
        _ => {}
    }
    zip.bytes()
}

/// 64 MiB that take 64 KiB, rightly declared.
fn deflated(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = if c.below(2) == 0 { zip.position("data/padding") } else { c.payload(&zip) };
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    let zeros = vec![b' '; 1 << 20];
    let mebibytes = 16 + c.below(48);
    (0..mebibytes).for_each(|_| encoder.write_all(&zeros).unwrap());
    let entry = &mut zip.entries[at];
    entry.contents = encoder.finish().unwrap();
    entry.method = 8;
    entry.size = Some(u32::try_from(mebibytes << 20).unwrap());
    zip.bytes()
}

/// Spaces without end where a few belong. Most of a mebibyte, each tenth of a hundred.
fn stored(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = if c.below(2) == 0 { zip.position("data/padding") } else { c.payload(&zip) };
    let mebibytes = if c.below(10) == 0 { 100 } else { 1 + c.below(4) };
    zip.entries[at].set(vec![b' '; mebibytes << 20]);
    zip.bytes()
}

/// Two entries of the directory for one local header, or one entry whose contents hold the next.
fn overlapping(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = 1 + c.below(zip.entries.len() - 1);
    if c.below(2) == 0 {
        zip.entries[at].offset = Some(0);
        return zip.bytes();
    }
    let before = &zip.entries[at - 1];
    let length = before.contents.len() + 30 + zip.entries[at].name.len() + zip.entries[at].contents.len();
    let lie = Some(u32::try_from(length).unwrap());
    let before = &mut zip.entries[at - 1];
    (before.packed, before.size, before.lies_centrally) = (lie, lie, c.below(2) == 0);
    zip.bytes()
}

fn twice(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = c.below(zip.entries.len());
    let mut again = zip.entries[at].clone();
    if c.below(2) == 0 {
        again.set(b"other contents".to_vec());
    }
    if c.below(3) == 0 {
        again.name = again.text().to_uppercase().into_bytes();
    }
    let place = if c.below(2) == 0 { at } else { at + 1 };
    zip.entries.insert(place, again);
    zip.bytes()
}

fn order(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let (a, b) = (c.below(zip.entries.len() - 1), zip.entries.len() - 1);
    if c.below(2) == 0 {
        zip.entries.swap(a, b);
    } else {
        zip.order = (0..zip.entries.len()).collect();
        zip.order.swap(a, b);
    }
    zip.bytes()
}

/// One more entry of that name.
fn named(c: &mut Chance<'_>, name: &[u8]) -> Vec<u8> {
    let mut zip = c.zip();
    let mut entry = Entry::new("", b"x".to_vec());
    entry.name = name.to_vec();
    if c.below(2) == 0 {
        let at = c.below(zip.entries.len());
        entry.set(zip.entries[at].contents.clone());
        zip.entries[at] = entry;
    } else {
        zip.entries.push(entry);
    }
    if c.below(2) == 0 {
        zip.sort();
    }
    zip.bytes()
}

fn in_folder(c: &mut Chance<'_>, names: &[&str]) -> Vec<u8> {
    let folder = c.zip().folder();
    let name = c.one(names).replace("BAG/", &folder);
    named(c, name.as_bytes())
}

fn traversal(c: &mut Chance<'_>) -> Vec<u8> {
    const NAMES: &[&str] = &[
        "../evil",
        "BAG/../evil",
        "BAG/data/../../evil",
        "BAG/./data/results.json",
        "BAG/data/./x",
        "..",
        "BAG/data/..",
        "BAG//data/x",
        "..\\evil",
        "BAG\\..\\..\\evil",
        "BAG/data/....//x",
        "%2e%2e/evil",
    ];
    in_folder(c, NAMES)
}

fn absolute(c: &mut Chance<'_>) -> Vec<u8> {
    const NAMES: &[&str] = &[
        "/etc/passwd",
        "/BAG/data/results.json",
        "//host/share",
        "C:\\evil",
        "C:evil",
        "\\\\host\\share",
        "~/evil",
        "file:///etc/passwd",
    ];
    in_folder(c, NAMES)
}

fn odd_names(c: &mut Chance<'_>) -> Vec<u8> {
    let folder = c.zip().folder();
    let names: [Vec<u8>; 8] = [
        vec![],
        b"BAG/data/results.json\0.txt".to_vec(),
        vec![b'a'; 65_535],
        vec![b'a'; 201],
        vec![0xff, 0xfe],
        b"con".to_vec(),
        b"BAG/data/results.json ".to_vec(),
        b"BAG/data/results.json.".to_vec(),
    ];
    let name = c.one(&names).clone();
    let name = if name.starts_with(b"BAG/") { [folder.as_bytes(), &name[4..]].concat() } else { name };
    named(c, &name)
}

/// Letters that look like others, and a name that a unicode extra field gives (APPNOTE 4.6.9).
fn look_alike(c: &mut Chance<'_>) -> Vec<u8> {
    const NAMES: &[&str] = &[
        "BAG/data/results.j\u{455}on",
        "BAG/d\u{430}ta/results.json",
        "BAG/data/results\u{2024}json",
        "BAG/data/re\u{301}sults.json",
        "BAG/data/\u{202e}nosj.stluser",
        "BAG\u{2215}data\u{2215}results.json",
        "BAG/data/results.json\u{200b}",
        "\u{ff54}rocar/data/results.json",
    ];
    let bytes = in_folder(c, NAMES);
    // Bit 11: the name is UTF-8. Told or not, it is no plain name.
    if c.below(2) == 0 { bytes } else { with_flag(c, NAMES) }
}

fn with_flag(c: &mut Chance<'_>, names: &[&str]) -> Vec<u8> {
    let mut zip = c.zip();
    let name = c.one(names).replace("BAG", zip.folder().trim_end_matches('/'));
    let at = c.below(zip.entries.len());
    zip.entries[at].name = name.into_bytes();
    zip.entries[at].flags = 1 << 11;
    zip.bytes()
}

fn central_name(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = c.below(zip.entries.len());
    let other = zip.entries[c.below(zip.entries.len())].text();
    let names = ["../evil".to_owned(), "/etc/passwd".to_owned(), format!("{other}x"), String::new()];
    zip.entries[at].central_name = Some(c.one(&names).clone().into_bytes());
    zip.bytes()
}

/// Kinds of file in the upper half of the external attributes.
fn links(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = c.payload(&zip);
    let mode = *c.one(&[0o120_777, 0o120_644, 0o020_666, 0o060_660, 0o010_644, 0o104_755, 0o040_755, 0]);
    let target = *c.one(&["../../../etc/passwd", "/etc/passwd", "results.json"]);
    let entry = &mut zip.entries[at];
    entry.attributes = mode << 16;
    if c.below(2) == 0 {
        entry.set(target.as_bytes().to_vec());
    }
    zip.bytes()
}

fn encrypted(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let flags = *c.one(&[1_u16, 1 | 1 << 6, 1 << 13, 1 | 1 << 3]);
    let at = c.below(zip.entries.len());
    let whole = c.below(2) == 0;
    for (i, entry) in zip.entries.iter_mut().enumerate() {
        if whole || i == at {
            entry.flags = flags;
        }
    }
    zip.bytes()
}

/// APPNOTE 4.5.3, 4.3.14 and 4.3.15.
fn zip64(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = c.below(zip.entries.len());
    let length = zip.entries[at].contents.len() as u64;
    let told = *c.one(&[length, u64::MAX, 1 << 40]);
    if c.below(2) == 0 {
        let entry = &mut zip.entries[at];
        entry.extra = [&[1, 0, 16, 0][..], &told.to_le_bytes(), &told.to_le_bytes()].concat();
        (entry.packed, entry.size) = (Some(u32::MAX), Some(u32::MAX));
    }
    if c.below(2) == 0 {
        let record = [&b"PK\x06\x06"[..], &44_u64.to_le_bytes(), &[0; 12], &[0xff; 32]].concat();
        let locator = [&b"PK\x06\x07"[..], &[0; 4], &told.to_le_bytes(), &1_u32.to_le_bytes()].concat();
        zip.before_end = [record, locator].concat();
        (zip.count, zip.directory_at) = (Some(u16::MAX), Some(u32::MAX));
    } else if zip.entries[at].extra.is_empty() {
        zip.directory_size = Some(u32::MAX);
    }
    zip.bytes()
}

/// APPNOTE 4.3.9: sizes that come afterwards, true or not.
fn descriptors(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = c.below(zip.entries.len());
    let lie = u32::try_from(c.below(1 << 20)).unwrap();
    let entry = &mut zip.entries[at];
    let length = u32::try_from(entry.contents.len()).unwrap();
    let size = if c.below(2) == 0 { length } else { lie };
    let words = [entry.crc, size, size].map(u32::to_le_bytes).concat();
    entry.after = if c.below(2) == 0 { [&b"PK\x07\x08"[..], &words].concat() } else { words };
    entry.flags = DESCRIPTOR;
    if c.below(2) == 0 {
        (entry.packed, entry.size, entry.lies_centrally) = (Some(0), Some(0), false);
    }
    zip.bytes()
}

fn methods(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let at = c.below(zip.entries.len());
    if c.below(2) == 0 {
        zip.entries[at].method = *c.one(&[1, 8, 9, 12, 14, 93, 95, 98, 99, u16::MAX]);
    } else {
        zip.entries[at].date = u16::try_from(c.below(0x21)).unwrap();
    }
    zip.bytes()
}

fn ends(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let entries = u16::try_from(zip.entries.len()).unwrap();
    match c.below(3) {
        0 => zip.count = Some(*c.one(&[0, 1, entries - 1, entries + 1, u16::MAX])),
        1 => zip.directory_size = Some(*c.one(&[0, 1, u32::MAX, 1 << 30])),
        _ => zip.directory_at = Some(*c.one(&[0, 1, u32::MAX, 1 << 30])),
    }
    zip.bytes()
}

/// A directory of many entries for few files, or very many files.
fn oversize(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    if c.below(2) == 0 {
        let times = 10 + c.below(600);
        zip.order = (0..times).flat_map(|_| 0..zip.entries.len()).collect();
        return zip.bytes();
    }
    let folder = zip.folder();
    let many = 500 + c.below(10_000);
    zip.entries.extend((0..many).map(|i| Entry::new(&format!("{folder}zz/{i:05}"), Vec::new())));
    zip.bytes()
}

fn folders(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = c.zip();
    let folder = zip.folder();
    let names =
        [folder.clone(), format!("{folder}data/"), format!("{folder}data"), format!("{folder}data/plots")];
    let mut entry = Entry::new(c.one::<String>(&names), Vec::new());
    entry.attributes = 0o040_755 << 16;
    zip.entries.push(entry);
    zip.sort();
    zip.bytes()
}

fn nested(c: &mut Chance<'_>) -> Vec<u8> {
    let mut zip = Zip::default();
    let names = ["bundle.zip", "trocar-00000000000000000000000000000000/data/bundle.zip"];
    zip.entries.push(Entry::new(c.one::<&str>(&names), c.from.good.clone()));
    if c.below(2) == 0 {
        zip.after = c.from.good.clone();
    }
    zip.bytes()
}
