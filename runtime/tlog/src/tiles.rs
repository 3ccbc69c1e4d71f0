//! The files in which a log is published (C2SP tlog-tiles).

use crate::tree::{Hash, Tree, root};

/// Leaves, or hashes of a lower level, that one tile has.
const WIDTH: usize = 256;
/// The largest entry that a bundle of entries can hold.
pub const MOST_ENTRY_BYTES: usize = u16::MAX as usize;

/// Every tile and every bundle of entries over all of `entries`, each with its path below the log's prefix; `None` where an entry
/// is too long.
#[must_use]
pub fn tiles(entries: &[Vec<u8>]) -> Option<Vec<(String, Vec<u8>)>> {
    let tree = Tree::over(entries.iter().map(Vec::as_slice));
    let bundles = entries
        .chunks(WIDTH)
        .enumerate()
        .map(|(n, some)| Some((path("entries", n, some.len()), bundle(some)?)));
    let mut files = bundles.collect::<Option<Vec<_>>>()?;
    let (mut level, mut hashes) = (0_u32, tree.leaves().to_vec());
    while !hashes.is_empty() {
        let tile = |(n, some): (usize, &[Hash])| (path(&level.to_string(), n, some.len()), some.concat());
        files.extend(hashes.chunks(WIDTH).enumerate().map(tile));
        // A partial tile is not hashed into the level above.
        hashes = hashes.chunks_exact(WIDTH).map(root).collect();
        level = level.saturating_add(1);
    }
    Some(files)
}

/// `tile/LEVEL/N[.p/WIDTH]`, where N is written in groups of three digits, all but the last behind an x.
fn path(level: &str, n: usize, width: usize) -> String {
    let (mut number, mut rest) = (format!("{:03}", n % 1000), n / 1000);
    while rest > 0 {
        number = format!("x{:03}/{number}", rest % 1000);
        rest /= 1000;
    }
    let partial = if width < WIDTH { format!(".p/{width}") } else { String::new() };
    format!("tile/{level}/{number}{partial}")
}

/// Entries behind their lengths in two bytes, big-endian.
fn bundle(entries: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend_from_slice(&u16::try_from(entry.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_of_seventy_thousand_entries_are_those_of_the_specification() {
        let entries: Vec<Vec<u8>> = (0..70_000_u32).map(|i| i.to_be_bytes().to_vec()).collect();
        let files = tiles(&entries).unwrap();
        let count = |start: &str, partial: bool| {
            files.iter().filter(|(p, _)| p.starts_with(start) && p.contains(".p/") == partial).count()
        };
        assert_eq!((count("tile/0/", false), count("tile/0/", true)), (273, 1));
        assert_eq!((count("tile/1/", false), count("tile/1/", true)), (1, 1));
        assert_eq!((count("tile/2/", false), count("tile/2/", true), count("tile/3/", true)), (0, 1, 0));
        let names: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        for name in
            ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"]
        {
            assert!(names.contains(&name), "there is no {name}");
        }
        let tree = Tree::over(entries.iter().map(Vec::as_slice));
        let top = &files.iter().find(|(path, _)| path == "tile/2/000.p/1").unwrap().1;
        assert_eq!(top.as_slice(), tree.root(65_536).unwrap());
    }

    #[test]
    fn a_long_index_is_written_in_groups() {
        assert_eq!(path("0", 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(path("entries", 67, 1), "tile/entries/067.p/1");
    }

    #[test]
    fn an_entry_that_no_bundle_can_hold_is_refused() {
        assert!(tiles(&[vec![0; MOST_ENTRY_BYTES]]).is_some());
        assert_eq!(tiles(&[vec![0; MOST_ENTRY_BYTES + 1]]), None);
    }
}
