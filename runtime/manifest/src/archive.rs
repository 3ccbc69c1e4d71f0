//! The canonical zip of packages and bundles: one set of files has exactly one archive.
//!
//! Stored entries in byte order of their names, one fixed date, no extra fields, comments or zip64. `read` walks the local
//! headers, writes the archive again from what it found and compares byte for byte, so whatever is not canonical, in a
//! header or behind the last byte, is an error that says where.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write as _};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// The largest archive: below 2 GiB no zip64 field is ever needed.
pub const MAX_BYTES: usize = 2_000_000_000;
/// The most files in an archive.
pub const MAX_ENTRIES: usize = 10_000;
/// What is kept free beyond the copies of files: statements, lists of digests, words.
const SLACK: usize = 16 << 20;
/// APPNOTE 4.3.7: the fixed part of a local header, and where in it checksum, size and length of the name stand.
const LOCAL: usize = 30;
const LOCAL_MAGIC: [u8; 4] = *b"PK\x03\x04";
/// APPNOTE 4.3.16: how an archive without entries begins.
const EMPTY_MAGIC: [u8; 4] = *b"PK\x05\x06";
const CRC: std::ops::Range<usize> = 14..18;
/// APPNOTE 4.3.12: the fixed part of a header in the directory, its checksum, and the place of the local header.
const CENTRAL: usize = 46;
const CENTRAL_CRC: usize = 16;
const CENTRAL_OFFSET: usize = 42;
/// APPNOTE 4.3.16: where in the last record the place of the directory stands.
const END_OFFSET: usize = 16;

/// Why bytes are not a canonical archive, or files cannot make one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// Something else altogether.
    #[error("its first bytes are not those of a zip")]
    NotZip,
    /// A name that is not a plain relative path.
    #[error(
        "{0:?} is not a plain relative path: a-z A-Z 0-9 . _ - and /, at most 200 characters, no . or .. part"
    )]
    Path(String),
    /// Two names that are one file on some system, or a file that is also a folder.
    #[error("{0:?} collides with another name of the archive")]
    Collision(String),
    /// Too large.
    #[error("an archive holds at most {MAX_ENTRIES} files and {MAX_BYTES} bytes")]
    TooLarge,
    /// There is not the memory to hold it.
    #[error("memory is too short for its files")]
    Memory,
    /// The bytes end inside an entry.
    #[error("the archive ends at byte {offset}, inside {place}")]
    Truncated {
        /// Where.
        offset: usize,
        /// Which header or entry.
        place: String,
    },
    /// The first byte that differs from the canonical archive.
    #[error("the archive differs from its canonical form at byte {offset}, in {place}")]
    Differs {
        /// Where.
        offset: usize,
        /// Which header or entry.
        place: String,
    },
    /// The zip library refused to write.
    #[error("the archive cannot be written: {0}")]
    Write(String),
}

/// Writes the one archive of these files.
///
/// # Errors
/// `Path`, `Collision` or `TooLarge`.
pub fn write(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, ArchiveError> {
    check_names(files.keys().map(String::as_str))?;
    check_size(files.values().map(Vec::len))?;
    encode(files).map_err(|e| ArchiveError::Write(e.to_string()))
}

fn encode(files: &BTreeMap<String, Vec<u8>>) -> zip::result::ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in files {
        zip.start_file(name.as_str(), options)?;
        zip.write_all(contents)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// Reads an archive that `write` could have written; any other is refused.
///
/// No file is copied before the whole is known to be canonical, and then once: memory is twice the archive at most.
///
/// # Errors
/// `NotZip` where it does not begin as one; `Differs` or `Truncated` say at which byte and in which entry; `Path`, `Collision` and `TooLarge` as for `write`; `Memory` where it cannot be held.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
    if bytes.len() > MAX_BYTES {
        return Err(ArchiveError::TooLarge);
    }
    if ![LOCAL_MAGIC, EMPTY_MAGIC].iter().any(|magic| bytes.starts_with(magic)) {
        return Err(ArchiveError::NotZip);
    }
    let entries = walk(bytes)?;
    check_order(&entries)?;
    check_names(entries.iter().map(|entry| entry.name.as_str()))?;
    check_size(entries.iter().map(|entry| entry.contents.len()))?;
    if let Some(offset) = not_canonical(bytes, &entries)? {
        return Err(ArchiveError::Differs { offset, place: place(&entries, bytes.len(), offset) });
    }
    room(&entries)?;
    entries.iter().map(|entry| Ok((entry.name.clone(), copied(entry.contents)?))).collect()
}

/// Whether memory is there for all copies and for what is done with them, asked once: a limit that is met halfway aborts.
fn room(entries: &[Entry<'_>]) -> Result<(), ArchiveError> {
    let copies: usize = entries.iter().map(|entry| entry.contents.len()).sum();
    Vec::<u8>::new().try_reserve_exact(copies.saturating_add(SLACK)).map_err(|_| ArchiveError::Memory)
}

/// Memory that is not there is an error and no abort.
fn copied(contents: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(contents.len()).map_err(|_| ArchiveError::Memory)?;
    copy.extend_from_slice(contents);
    Ok(copy)
}

/// Names rise, so that none is there twice.
fn check_order(entries: &[Entry<'_>]) -> Result<(), ArchiveError> {
    let falls = entries.iter().zip(entries.iter().skip(1)).find(|(before, after)| before.name >= after.name);
    falls.map_or(Ok(()), |(_, entry)| {
        let place = format!("the header of {}, which is out of order", entry.name);
        Err(ArchiveError::Differs { offset: entry.header, place })
    })
}

/// The first byte that is not canonical. The archive of the same names without contents is written; with lengths, checksums
/// and places filled in, its headers are those that the archive must have.
fn not_canonical(bytes: &[u8], entries: &[Entry<'_>]) -> Result<Option<usize>, ArchiveError> {
    let names = entries.iter().map(|entry| (entry.name.clone(), Vec::new())).collect();
    let mut frame = encode(&names).map_err(|e| ArchiveError::Write(e.to_string()))?;
    let mut directory: usize = entries.iter().map(|entry| LOCAL.saturating_add(entry.name.len())).sum();
    let mut at = 0_usize;
    for entry in entries {
        let facts = Facts::of(entry);
        facts.put(&mut frame, at.saturating_add(CRC.start));
        let header = slice(&frame, at, LOCAL.saturating_add(entry.name.len())).unwrap_or_default();
        let found = bytes.get(entry.header..entry.start()).unwrap_or_default();
        if let Some(offset) = first_difference(found, header) {
            return Ok(Some(entry.header.saturating_add(offset)));
        }
        at = at.saturating_add(header.len());
        facts.put(&mut frame, directory.saturating_add(CENTRAL_CRC));
        put(&mut frame, directory.saturating_add(CENTRAL_OFFSET), entry.header);
        directory = directory.saturating_add(CENTRAL).saturating_add(entry.name.len());
    }
    let end = entries.last().map_or(0, Entry::end);
    put(&mut frame, directory.saturating_add(END_OFFSET), end);
    let rest = bytes.get(end..).unwrap_or_default();
    Ok(first_difference(rest, frame.get(at..).unwrap_or_default()).map(|offset| end.saturating_add(offset)))
}

/// Checksum and size of an entry, the size twice since nothing is compressed: APPNOTE 4.4.7 to 4.4.9, side by side in both
/// kinds of header.
struct Facts {
    checksum: u32,
    size: usize,
}

impl Facts {
    fn of(entry: &Entry<'_>) -> Self {
        let mut checksum = flate2::Crc::new();
        checksum.update(entry.contents);
        Self { checksum: checksum.sum(), size: entry.contents.len() }
    }

    fn put(&self, frame: &mut [u8], at: usize) {
        put(frame, at, self.checksum as usize);
        put(frame, at.saturating_add(4), self.size);
        put(frame, at.saturating_add(8), self.size);
    }
}

/// A number of four bytes; none of ours has more, for no archive is larger than `MAX_BYTES`.
fn put(frame: &mut [u8], at: usize, number: usize) {
    let four = u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let place = frame.get_mut(at..at.saturating_add(4)).into_iter().flatten();
    place.zip(four).for_each(|(byte, four)| *byte = four);
}

/// One local entry as it stands in the bytes.
struct Entry<'a> {
    name: String,
    header: usize,
    contents: &'a [u8],
}

impl Entry<'_> {
    fn start(&self) -> usize {
        self.header.saturating_add(LOCAL).saturating_add(self.name.len())
    }

    fn end(&self) -> usize {
        self.start().saturating_add(self.contents.len())
    }
}

/// Follows the local headers until something else begins: the central directory, if the archive is whole.
fn walk(bytes: &[u8]) -> Result<Vec<Entry<'_>>, ArchiveError> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut at = 0;
    while bytes.get(at..).is_some_and(|rest| rest.starts_with(&LOCAL_MAGIC)) {
        if entries.len() >= MAX_ENTRIES {
            return Err(ArchiveError::TooLarge);
        }
        let entry = entry(bytes, at)?;
        at = entry.end();
        entries.push(entry);
    }
    Ok(entries)
}

fn entry(bytes: &[u8], header: usize) -> Result<Entry<'_>, ArchiveError> {
    let cut = |place: String| ArchiveError::Truncated { offset: bytes.len(), place };
    let fixed = slice(bytes, header, LOCAL).ok_or_else(|| cut(format!("the header at byte {header}")))?;
    let name_length = usize::from(u16::from_le_bytes(array(fixed, 26)));
    let size = u32::from_le_bytes(array(fixed, 18)) as usize;
    let name_at = header.saturating_add(LOCAL);
    let name =
        slice(bytes, name_at, name_length).ok_or_else(|| cut(format!("the header at byte {header}")))?;
    let name = String::from_utf8_lossy(name).into_owned();
    if !plain(&name) {
        return Err(ArchiveError::Path(name));
    }
    let contents =
        slice(bytes, name_at.saturating_add(name_length), size).ok_or_else(|| cut(name.clone()))?;
    Ok(Entry { name, header, contents })
}

fn slice(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(length)?)
}

/// `N` bytes of a header whose length was checked; zero where it is too short.
fn array<const N: usize>(header: &[u8], at: usize) -> [u8; N] {
    slice(header, at, N).and_then(|s| s.try_into().ok()).unwrap_or([0; N])
}

fn first_difference(left: &[u8], right: &[u8]) -> Option<usize> {
    let same = left.iter().zip(right).position(|(a, b)| a != b);
    same.or_else(|| (left.len() != right.len()).then(|| left.len().min(right.len())))
}

/// In words, where `offset` lies.
fn place(entries: &[Entry<'_>], length: usize, offset: usize) -> String {
    let Some(entry) = entries.iter().find(|e| offset < e.end()) else {
        return if offset < length {
            "the directory at the end".into()
        } else {
            "what is missing at the end".into()
        };
    };
    let name = &entry.name;
    if CRC.contains(&offset.saturating_sub(entry.header)) {
        return format!("the checksum of {name}: it or the contents were changed");
    }
    if offset < entry.start() { format!("the header of {name}") } else { format!("the contents of {name}") }
}

fn check_size(sizes: impl Iterator<Item = usize> + Clone) -> Result<(), ArchiveError> {
    // Two headers of 30 and 46 bytes and twice the name for each entry: 600 covers them.
    let total = sizes.clone().map(|size| size.saturating_add(600)).fold(600, usize::saturating_add);
    if sizes.count() > MAX_ENTRIES || total > MAX_BYTES { Err(ArchiveError::TooLarge) } else { Ok(()) }
}

fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), ArchiveError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !plain(name) {
            return Err(ArchiveError::Path(name.to_owned()));
        }
        // Some file systems hold A and a for one name.
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(ArchiveError::Collision(name.to_owned()));
        }
    }
    for name in &seen {
        let mut folders = name.match_indices('/').filter_map(|(at, _)| name.get(..at));
        if folders.any(|folder| seen.contains(folder)) {
            return Err(ArchiveError::Collision(name.clone()));
        }
    }
    Ok(())
}

fn plain(name: &str) -> bool {
    let letters = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/');
    let parts = || name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    !name.is_empty() && name.len() <= 200 && name.bytes().all(letters) && parts()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        names.iter().map(|(n, c)| ((*n).to_owned(), c.as_bytes().to_vec())).collect()
    }

    #[test]
    fn an_archive_is_read_as_it_was_written() {
        for set in
            [files(&[]), files(&[("a", "")]), files(&[("b/c.txt", "two"), ("a", "one"), ("B-2", "three")])]
        {
            assert_eq!(read(&write(&set).unwrap()).unwrap(), set);
        }
    }

    #[test]
    fn the_same_files_give_the_same_bytes_and_another_library_reads_them() {
        let set = files(&[("z", "26"), ("a/b", "12")]);
        let bytes = write(&set).unwrap();
        assert_eq!(bytes, write(&set).unwrap());
        let zip = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
        let names: Vec<_> = zip.file_names().map(Result::unwrap).collect();
        assert_eq!(names, ["a/b", "z"]);
    }

    #[test]
    fn every_change_of_a_single_byte_is_refused() {
        let bytes = write(&files(&[("a/one.txt", "first file"), ("b", "x"), ("c", "")])).unwrap();
        for at in 0..bytes.len() {
            for change in 1..=255_u8 {
                let mut other = bytes.clone();
                other[at] ^= change;
                assert!(read(&other).is_err(), "byte {at} xor {change:#x} was accepted");
            }
        }
    }

    #[test]
    fn every_cut_and_every_appended_byte_is_refused() {
        let bytes = write(&files(&[("a", "first"), ("b", "second")])).unwrap();
        for length in 1..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "cut to {length} bytes was accepted");
        }
        assert!(read(&[bytes.as_slice(), b"x"].concat()).is_err(), "a byte behind the end was accepted");
        assert!(read(&[b"x", bytes.as_slice()].concat()).is_err(), "a byte before the start was accepted");
        assert!(read(b"").is_err(), "nothing was accepted as an archive");
    }

    #[test]
    fn entries_that_are_there_twice_or_out_of_order_are_refused_with_their_name() {
        let entry = |name: &str| {
            let whole = write(&files(&[(name, "x")])).unwrap();
            whole[..LOCAL + name.len() + 1].to_vec()
        };
        for pair in [["b", "a"], ["a", "a"]] {
            let error = read(&pair.map(entry).concat()).unwrap_err().to_string();
            assert!(error.contains("the header of a, which is out of order"), "{error}");
        }
    }

    #[test]
    fn what_does_not_begin_as_a_zip_is_said_to_be_none() {
        for other in [&b""[..], b"P", b"\0asm\x01\0\0\0", b"schema = 1"] {
            assert_eq!(read(other), Err(ArchiveError::NotZip), "{other:?}");
        }
    }

    #[test]
    fn the_error_says_where() {
        let bytes = write(&files(&[("a", "first"), ("b", "second")])).unwrap();
        let flipped = |at: usize| {
            let mut other = bytes.clone();
            other[at] ^= 1;
            read(&other).unwrap_err().to_string()
        };
        assert!(flipped(5).contains("byte 5, in the header of a"), "{}", flipped(5));
        assert!(flipped(33).contains("the checksum of a"), "{}", flipped(33));
        assert!(flipped(bytes.len() - 1).contains("the directory at the end"));
        assert!(read(&bytes[..40]).unwrap_err().to_string().contains("ends at byte 40"));
    }

    #[test]
    fn names_that_could_leave_the_folder_or_collide_are_refused() {
        for bad in ["", "/a", "a/", "a//b", "../a", "a/./b", "a\\b", "c:a", "a b", "\u{e9}", &"a".repeat(201)]
        {
            let error = write(&files(&[(bad, "")])).unwrap_err();
            assert_eq!(error, ArchiveError::Path(bad.to_owned()));
        }
        for bad in [[("a", ""), ("A", "")], [("a", ""), ("a/b", "")], [("x/A", ""), ("x/a", "")]] {
            assert!(matches!(write(&files(&bad)), Err(ArchiveError::Collision(_))), "{bad:?} was written");
        }
    }
}
