use crate::{
    codec,
    dicom::part10,
    seed::{KINDS, Seed},
    syntax::Syntax,
};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::io::{Read, Write};

/// A file that is wrong, or was meant to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// What was done to it.
    pub family: &'static str,
    /// What it was.
    pub kind: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// The good files that mutants are made from, one of each kind, with the name of its kind.
#[must_use]
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    KINDS.iter().filter_map(|kind| Some((kind.name, Seed::new(*kind, 1)?.file()))).collect()
}

/// One mutant by its number. The same seed and number give the same bytes; each number is a patient of her own.
#[must_use]
pub fn mutant(seed: u64, number: u32) -> Mutant {
    let mut rng = stream(seed, number);
    // Neither is a multiple of the other: every family meets every kind.
    let kind = KINDS.get(number as usize % KINDS.len()).copied();
    let (family, change) = family(number);
    let Some((kind, mut made)) = kind.and_then(|kind| Some((kind, Seed::new(kind, number)?))) else {
        return Mutant { family: "none", kind: "none", bytes: Vec::new() };
    };
    if let Change::Header(change) = change {
        change(&mut rng, &mut made);
    }
    let mut bytes = made.file();
    if let Change::Bytes(change) = change {
        damage_inside(&mut rng, &mut bytes, change);
    }
    Mutant { family, kind: kind.name, bytes }
}

/// Damages any file, as [`mutant`] does its own.
#[must_use]
pub fn damaged(seed: u64, number: u32, mut bytes: Vec<u8>) -> (&'static str, Vec<u8>) {
    let mut rng = stream(seed, number);
    let all: Vec<_> = FAMILIES.iter().filter(|(_, change)| matches!(change, Change::Bytes(_))).collect();
    let Some((name, Change::Bytes(change))) = all.get(number as usize % all.len().max(1)) else {
        return ("none", bytes);
    };
    change(&mut rng, &mut bytes);
    (name, bytes)
}

fn stream(seed: u64, number: u32) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(u64::from(number));
    rng
}

/// How a file is changed: before it is written, in any transfer syntax, or after.
#[derive(Clone, Copy)]
enum Change {
    Header(fn(&mut ChaCha8Rng, &mut Seed)),
    Bytes(fn(&mut ChaCha8Rng, &mut Vec<u8>)),
}

const FAMILIES: &[(&str, Change)] = &[
    ("cut", Change::Bytes(cut)),
    ("flip", Change::Bytes(flip)),
    ("length", Change::Bytes(length)),
    ("tag", Change::Bytes(tag)),
    ("exchange", Change::Bytes(exchange)),
    ("nest", Change::Bytes(nest)),
    ("frames", Change::Header(frames)),
    ("size", Change::Header(size)),
    ("format", Change::Header(format)),
    ("number", Change::Header(number)),
    ("fragments", Change::Bytes(fragments)),
    ("rle", Change::Bytes(segments)),
    ("codestream", Change::Bytes(codestream)),
    ("block", Change::Bytes(block)),
    ("repeat", Change::Bytes(repeat)),
    ("syntax", Change::Bytes(syntax)),
    ("vr", Change::Bytes(representation)),
    ("tail", Change::Bytes(tail)),
    ("inflate", Change::Bytes(inflate)),
];

/// Costly ones are rare: a file that inflates to hundreds of megabytes every thousandth time.
fn family(number: u32) -> (&'static str, Change) {
    if number % 1_000 == 999 {
        return ("bomb", Change::Bytes(bomb));
    }
    FAMILIES.get(number as usize % FAMILIES.len()).copied().unwrap_or(("cut", Change::Bytes(cut)))
}

/// Half of the deflated files are damaged before they are deflated.
fn damage_inside(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>, change: fn(&mut ChaCha8Rng, &mut Vec<u8>)) {
    let deflated = find(bytes, Syntax::Deflated.uid().as_bytes()).is_some_and(|at| at < 400);
    let start = data_set(bytes);
    if !deflated || rng.random_bool(0.5) {
        return change(rng, bytes);
    }
    let mut data = Vec::new();
    let packed = bytes.split_off(start);
    let _ = flate2::read::DeflateDecoder::new(&packed[..]).read_to_end(&mut data);
    bytes.append(&mut data);
    change(rng, bytes);
    let changed = bytes.split_off(start.min(bytes.len()));
    bytes.append(&mut codec::deflate(&changed));
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Where the data set begins: behind preamble, `DICM` and the file meta group of a good file.
fn data_set(bytes: &[u8]) -> usize {
    let length = bytes.get(140..144).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_le_bytes(*b));
    144_usize.saturating_add(length as usize).min(bytes.len())
}

/// A place in the data set rather than the preamble, which nobody reads.
fn place(rng: &mut ChaCha8Rng, bytes: &[u8]) -> usize {
    if bytes.len() <= 132 { 0 } else { rng.random_range(128..bytes.len()) }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    bytes.iter_mut().skip(at).zip(with).for_each(|(to, from)| *to = *from);
}

fn cut(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let end = place(rng, bytes);
    bytes.truncate(end);
}

#[allow(clippy::ptr_arg, reason = "a family like the others, which change the length")]
fn flip(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.random_range(1..9) {
        let at = place(rng, bytes);
        let bit = rng.random_range(0..8);
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << bit;
        }
    }
}

/// The heads of the elements of an explicit little endian file, at whatever depth: `(place, place of the length, its width)`.
fn heads(bytes: &[u8]) -> Vec<(usize, usize, usize)> {
    let (mut found, mut at) = (Vec::new(), 132);
    while let Some(head) = bytes.get(at..at + 8) {
        let (group, vr) = (head.first_chunk::<2>().map_or(0, |b| u16::from_le_bytes(*b)), &head[4..6]);
        let (width, size) = match vr {
            _ if group == 0xFFFE => (4, 8),
            b"OB" | b"OW" | b"SQ" | b"UN" => (4, 12),
            _ if vr.iter().all(u8::is_ascii_uppercase) => (2, 8),
            _ => break,
        };
        found.push((at, at + size - width, width));
        let length = bytes.get(at + size - width..at + size).unwrap_or_default();
        let length = length.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        // What a sequence or an item holds is walked over too.
        let inside = group == 0xFFFE || vr == b"SQ" || length == 0xFFFF_FFFF;
        at += size + if inside { 0 } else { length };
    }
    found
}

fn any_head(rng: &mut ChaCha8Rng, bytes: &[u8]) -> Option<(usize, usize, usize)> {
    let all = heads(bytes);
    let last = all.len().checked_sub(1)?;
    // The pixel data and what is just before it are as interesting as all the others together.
    let at = if rng.random_bool(0.3) {
        last - rng.random_range(0..=last.min(3))
    } else {
        rng.random_range(0..=last)
    };
    all.get(at).copied()
}

fn length(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let Some((_, at, width)) = any_head(rng, bytes) else { return flip(rng, bytes) };
    let bombs = [u32::MAX, u32::MAX - 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF, 0xFFFE, 1, 3, 0, 1 << 20, 1 << 28];
    let bomb = bombs.get(rng.random_range(0..bombs.len())).copied().unwrap_or_default();
    overwrite(bytes, at, bomb.to_le_bytes().get(..width).unwrap_or_default());
}

fn tag(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let Some((at, _, _)) = any_head(rng, bytes) else { return flip(rng, bytes) };
    let tags: [u32; 10] = [
        0xE000_FFFE,
        0xE00D_FFFE,
        0xE0DD_FFFE,
        0x0010_7FE0,
        0x0008_0028,
        0x9230_5200,
        0x0039_3006,
        0,
        u32::MAX,
        0xFFFC_FFFC,
    ];
    let tag = tags.get(rng.random_range(0..tags.len())).copied().unwrap_or_default();
    overwrite(bytes, at, &tag.to_le_bytes());
}

/// Swaps the tags of two elements.
fn exchange(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let (Some((a, ..)), Some((b, ..))) = (any_head(rng, bytes), any_head(rng, bytes)) else {
        return flip(rng, bytes);
    };
    let tag = |at: usize| bytes.get(at..at + 4).map(<[u8]>::to_vec).unwrap_or_default();
    let (first, second) = (tag(a), tag(b));
    overwrite(bytes, a, &second);
    overwrite(bytes, b, &first);
}

/// Sequences in sequences before everything else of the data set: explicit, implicit, and of stated length.
fn nest(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let depths = [31, 33, 100, 1_700, 1_700, 10_000, 10_000, 40];
    let depth = depths.get(rng.random_range(0..depths.len())).copied().unwrap_or(33);
    let at = data_set(bytes);
    let close = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0".repeat(depth);
    let nested = match rng.random_range(0..4) {
        0 => [b"\x08\0\x06\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff".repeat(depth), close].concat(),
        1 => [b"\x08\0\x06\0UN\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff".repeat(depth), close]
            .concat(),
        2 => stated(depth),
        _ => [b"\x08\0\x06\0SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff".repeat(depth), close]
            .concat(),
    };
    bytes.splice(at..at, nested);
}

/// Each sequence and item states what is left.
fn stated(depth: usize) -> Vec<u8> {
    let left = |level: usize, behind: usize| u32::try_from((depth - level) * 20 - behind).unwrap_or(u32::MAX);
    let one = |level: usize| {
        let (sequence, item) = (left(level, 12).to_le_bytes(), left(level, 20).to_le_bytes());
        [&b"\x08\0\x06\0SQ\0\0"[..], &sequence, b"\xfe\xff\0\xe0", &item].concat()
    };
    (0..depth).flat_map(one).collect()
}

fn text_of(rng: &mut ChaCha8Rng) -> String {
    let odd =
        ["65535", "4294967295", "-1", "0", "99999999999999999999", "1e9", "", "\\", "NaN", "2147483648"];
    odd.get(rng.random_range(0..odd.len())).copied().unwrap_or_default().to_owned()
}

fn frames(rng: &mut ChaCha8Rng, seed: &mut Seed) {
    let text = if rng.random_bool(0.4) { "65535".to_owned() } else { text_of(rng) };
    seed.image.data.text((0x0028, 0x0008), *b"IS", &text);
    if rng.random_bool(0.3) {
        seed.image.data.remove((0x5200, 0x9230));
    }
}

fn size(rng: &mut ChaCha8Rng, seed: &mut Seed) {
    let sizes = [0, 1, 7, 9, 512, 4_096, 32_768, 65_535];
    let mut pick = || sizes.get(rng.random_range(0..sizes.len())).copied().unwrap_or_default();
    let (rows, columns) = (pick(), pick());
    seed.image.data.short((0x0028, 0x0010), rows).short((0x0028, 0x0011), columns);
}

fn format(rng: &mut ChaCha8Rng, seed: &mut Seed) {
    let (elements, values) =
        ([0x0100, 0x0101, 0x0102, 0x0103, 0x0002], [0, 1, 8, 12, 16, 24, 32, 64, 65_535]);
    for _ in 0..rng.random_range(1..4) {
        let element = elements.get(rng.random_range(0..elements.len())).copied().unwrap_or(0x0100);
        let value = values.get(rng.random_range(0..values.len())).copied().unwrap_or_default();
        seed.image.data.short((0x0028, element), value);
    }
    let kinds = ["MONOCHROME1", "RGB", "PALETTE COLOR", "YBR_FULL_422", "YBR_ICT", "", "MONOCHROME2\\RGB"];
    if rng.random_bool(0.3) {
        let kind = kinds.get(rng.random_range(0..kinds.len())).copied().unwrap_or_default();
        seed.image.data.text((0x0028, 0x0004), *b"CS", kind);
    }
}

/// Numbers that are long, many, or none.
fn number(rng: &mut ChaCha8Rng, seed: &mut Seed) {
    let tags = [
        (0x0028, 0x1053),
        (0x0028, 0x1052),
        (0x0020, 0x0032),
        (0x0020, 0x0037),
        (0x0028, 0x0030),
        (0x0018, 0x0050),
        (0x0010, 0x0020),
        (0x0008, 0x0060),
        (0x0028, 0x0008),
        (0x0010, 0x1030),
        (0x0062, 0x000E),
        (0x0020, 0x0052),
    ];
    let tag = tags.get(rng.random_range(0..tags.len())).copied().unwrap_or((0x0028, 0x1053));
    // Ten megabytes in one of fifty.
    let repeats = if rng.random_bool(0.02) { 5_000_000 } else { rng.random_range(0..20_000) };
    let text = match rng.random_range(0..5) {
        0 => text_of(rng),
        1 => "9".repeat(repeats * 2),
        2 => "1\\".repeat(repeats),
        3 => format!("0.{}1", "0".repeat(repeats)),
        _ => ["1e400", "-1e400", "1e-400", "inf", "0x10", "1,5", "\u{7f}\u{1}"]
            .get(repeats % 7)
            .copied()
            .unwrap_or_default()
            .to_owned(),
    };
    seed.image.data.text(tag, *b"DS", &text);
}

/// The offset table and the fragments behind it.
fn fragments(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let Some(at) = find(bytes, b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff") else { return length(rng, bytes) };
    let (table, wild) = (at + 12, rng.next_u32());
    match rng.random_range(0..6) {
        // An offset outside, or between fragments.
        0 => overwrite(bytes, table + 8, &wild.to_le_bytes()),
        1 => overwrite(bytes, table + 12, &wild.to_le_bytes()),
        // A table of another length.
        2 => overwrite(bytes, table + 4, &[3, 5, 8, 64, 255][rng.random_range(0..5)..][..1]),
        3 => overwrite(bytes, table + 4, &u32::MAX.to_le_bytes()),
        // A thousand empty fragments, or one without end.
        4 => {
            let empty = b"\xfe\xff\0\xe0\0\0\0\0".repeat(1_000);
            bytes.splice(table..table, empty);
        }
        _ => {
            let fragment = find(&bytes[table + 4..], b"\xfe\xff\0\xe0").map_or(table, |i| table + 4 + i);
            overwrite(bytes, fragment + 4, &u32::MAX.to_le_bytes());
        }
    }
}

/// The header of RLE segments, or the runs behind it.
fn segments(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let Some(at) = find(bytes, b"\x02\0\0\0\x40\0\0\0") else { return fragments(rng, bytes) };
    let words = [0, 1, 3, 15, 16, 63, 65, 0x1000, u32::MAX, 0x7FFF_FFFF];
    let word = words.get(rng.random_range(0..words.len())).copied().unwrap_or_default();
    match rng.random_range(0..4) {
        0 => overwrite(bytes, at, &word.to_le_bytes()),
        1 => overwrite(bytes, at + 4, &word.to_le_bytes()),
        2 => overwrite(bytes, at + 8, &word.to_le_bytes()),
        _ => {
            let run = at + 64 + rng.random_range(0..16);
            overwrite(bytes, run, &[[0, 127, 128, 129, 255][rng.random_range(0..5)]]);
        }
    }
}

/// The header of a JPEG, JPEG-LS or JPEG 2000 frame, or any byte of it.
fn codestream(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let begin = find(bytes, b"\xff\xd8\xff").or_else(|| find(bytes, b"\xff\x4f\xff\x51"));
    let Some(begin) = begin else { return segments(rng, bytes) };
    let head = rng.random_bool(0.7);
    let end = if head { (begin + 96).min(bytes.len()) } else { bytes.len() };
    for _ in 0..rng.random_range(1..5) {
        let at = rng.random_range(begin..end.max(begin + 1));
        let byte = [0, 1, 0x7F, 0x80, 0xFF, rng.random()][rng.random_range(0..6)];
        overwrite(bytes, at, &[byte]);
    }
}

fn block(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let at = place(rng, bytes);
    let end = (at + rng.random_range(1..64)).min(bytes.len());
    match rng.random_range(0..3) {
        0 => drop(bytes.drain(at..end)),
        1 => bytes.iter_mut().take(end).skip(at).for_each(|byte| *byte = 0xFF),
        _ => {
            let mut wild = [0; 32];
            rng.fill_bytes(&mut wild);
            bytes.splice(at..at, wild);
        }
    }
}

fn repeat(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let (from, to) = (place(rng, bytes), place(rng, bytes));
    let part =
        bytes.get(from..(from + rng.random_range(8..512)).min(bytes.len())).unwrap_or_default().to_vec();
    bytes.splice(to..to, part);
}

/// Another transfer syntax of the same length in the meta group: the data set is then read as what it is not.
fn syntax(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let (from, to): (&[u8], [&[u8]; 3]) = if find(bytes, b"1.2.840.10008.1.2.4.").is_some() {
        (b"1.2.840.10008.1.2.4.", [b"1.2.840.10008.1.2.4.", b"1.2.840.10008.1.2.1.", b"1.2.840.10008.1.2.9."])
    } else {
        (b"1.2.840.10008.1.2.", [b"1.2.840.10008.1.2.", b"1.2.840.10008.1.9.", b"1.2.840.10008.1.2\0"])
    };
    let Some(at) = find(bytes, from) else { return flip(rng, bytes) };
    overwrite(bytes, at, to[rng.random_range(0..3)]);
    let last = b"0123456789"[rng.random_range(0..10)];
    overwrite(bytes, at + from.len() + rng.random_range(0..2), &[last]);
}

fn representation(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let Some((at, _, _)) = any_head(rng, bytes) else { return flip(rng, bytes) };
    let all = [b"UN", b"SQ", b"OB", b"OW", b"UT", b"DS", b"FD", b"AT", b"\0\0", b"XX", b"IS", b"OV"];
    let vr = all.get(rng.random_range(0..all.len())).copied().unwrap_or(b"UN");
    overwrite(bytes, at + 4, vr);
}

/// More behind the end: padding, a second file, or noise.
fn tail(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let more = match rng.random_range(0..3) {
        0 => vec![0; rng.random_range(1..4_096)],
        1 => bytes.clone(),
        _ => (0..rng.random_range(1..256)).map(|_| rng.random()).collect(),
    };
    bytes.extend(more);
}

/// A data set that is written as it is and said to be deflated, or deflated and said not to be.
fn inflate(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let at = data_set(bytes);
    let data = bytes.split_off(at);
    let names = ("1.2.840.10008.5.1.4.1.1.2", "2.25.1");
    *bytes = match rng.random_range(0..3) {
        0 => part10(Syntax::Deflated.uid(), names, data),
        1 => part10(Syntax::Deflated.uid(), names, codec::deflate(&codec::deflate(&data))),
        _ => part10(Syntax::ExplicitLittle.uid(), names, codec::deflate(&data)),
    };
}

/// A data set that inflates to 64 to 320 MiB: zeros, or a header and then zeros.
fn bomb(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let at = data_set(bytes);
    let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    let begun = if rng.random_bool(0.5) { bytes.get(at..).unwrap_or_default() } else { &[] };
    // Memory takes what is written to it.
    let _ = packed.write_all(begun).and_then(|()| packed.flush());
    let start = packed.get_ref().len();
    let _ = packed.write_all(&vec![0; 1 << 20]).and_then(|()| packed.flush());
    let mut data = packed.get_ref().clone();
    // A flush ends at a byte, so that the block can be repeated.
    let block = data.get(start..).unwrap_or_default().to_vec();
    data.extend(block.repeat(rng.random_range(64..320)));
    data.extend([3, 0]);
    *bytes = part10(Syntax::Deflated.uid(), ("1.2.840.10008.5.1.4.1.1.2", "2.25.1"), data);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_mutant_is_the_same_each_time_and_every_family_and_kind_occurs() {
        assert_eq!(mutant(1, 17), mutant(1, 17));
        let all: Vec<Mutant> = (0..400).map(|number| mutant(1, number)).collect();
        let families: BTreeSet<_> = all.iter().map(|m| m.family).collect();
        let kinds: BTreeSet<_> = all.iter().map(|m| m.kind).collect();
        assert_eq!((families.len(), kinds.len()), (FAMILIES.len(), KINDS.len()), "{families:?} {kinds:?}");
    }

    #[test]
    fn there_is_a_seed_of_every_kind_and_all_are_small() {
        let seeds = seeds();
        assert_eq!(seeds.len(), KINDS.len());
        let bytes: usize = seeds.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes < 100_000, "{bytes}");
    }

    #[test]
    fn the_heads_of_an_explicit_file_are_found_at_every_depth() {
        let (_, file) = seeds().into_iter().find(|(name, _)| *name == "enhanced-explicit").unwrap();
        let found = heads(&file);
        assert!(found.len() > 80, "{}", found.len());
        assert_eq!(found.last().map(|(at, ..)| file[*at..*at + 4].to_vec()), Some(vec![0xE0, 0x7F, 0x10, 0]));
    }
}
