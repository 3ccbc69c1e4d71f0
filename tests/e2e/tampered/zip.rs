//! Zip archives field by field, so that each can lie: APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.

/// Bit 3 of the flags: sizes and checksum follow the contents.
pub const DESCRIPTOR: u16 = 1 << 3;

/// One entry. A field that is `None` is what it should be.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: Vec<u8>,
    /// As they stand in the archive: compressed, if `method` says so.
    pub contents: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub date: u16,
    pub crc: u32,
    /// Declared sizes, compressed and not.
    pub packed: Option<u32>,
    pub size: Option<u32>,
    /// In the local header, in the directory, or in both.
    pub lies_locally: bool,
    pub lies_centrally: bool,
    pub attributes: u32,
    pub extra: Vec<u8>,
    pub comment: Vec<u8>,
    pub central_name: Option<Vec<u8>>,
    pub offset: Option<u32>,
    /// What follows the contents.
    pub after: Vec<u8>,
}

/// An archive and the record at its end.
#[derive(Debug, Clone, Default)]
pub struct Zip {
    pub before: Vec<u8>,
    pub entries: Vec<Entry>,
    /// The order of the directory; as the entries stand where it is empty.
    pub order: Vec<usize>,
    pub before_end: Vec<u8>,
    pub count: Option<u16>,
    pub directory_size: Option<u32>,
    pub directory_at: Option<u32>,
    pub comment: Vec<u8>,
    pub after: Vec<u8>,
}

impl Entry {
    pub fn new(name: &str, contents: Vec<u8>) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            crc: crc(&contents),
            contents,
            flags: 0,
            method: 0,
            date: 0x21,
            packed: None,
            size: None,
            lies_locally: true,
            lies_centrally: true,
            // A plain file, rw-r--r--.
            attributes: 0o100_644 << 16,
            extra: Vec::new(),
            comment: Vec::new(),
            central_name: None,
            offset: None,
            after: Vec::new(),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }

    /// Other contents, rightly declared.
    pub fn set(&mut self, contents: Vec<u8>) {
        self.crc = crc(&contents);
        self.contents = contents;
    }

    /// Version, flags, method, time, date, checksum and sizes: in both headers the same twenty-two bytes.
    fn facts(&self, lies: bool) -> Vec<u8> {
        let length = u32::try_from(self.contents.len()).unwrap();
        let told = |lie: Option<u32>| lie.filter(|_| lies).unwrap_or(length);
        let short = [10, self.flags, self.method, 0, self.date];
        let long = [self.crc, told(self.packed), told(self.size)];
        [short.map(u16::to_le_bytes).concat(), long.map(u32::to_le_bytes).concat()].concat()
    }

    fn local(&self) -> Vec<u8> {
        let lengths = [self.name.len(), self.extra.len()].map(two).concat();
        let parts = [
            &b"PK\x03\x04"[..],
            &self.facts(self.lies_locally),
            &lengths,
            &self.name,
            &self.extra,
            &self.contents,
        ];
        [&parts.concat()[..], &self.after].concat()
    }

    fn central(&self, at: usize) -> Vec<u8> {
        let name = self.central_name.as_ref().unwrap_or(&self.name);
        let lengths = [name.len(), self.extra.len(), self.comment.len(), 0, 0].map(two).concat();
        let place = self.offset.unwrap_or_else(|| u32::try_from(at).unwrap());
        let rest = [self.attributes, place].map(u32::to_le_bytes).concat();
        // Made by Unix (3), version 1.0: what the canonical writer says.
        let head = [&b"PK\x01\x02"[..], &[10, 3], &self.facts(self.lies_centrally), &lengths, &rest];
        [&head.concat()[..], name, &self.extra, &self.comment].concat()
    }
}

fn two(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap().to_le_bytes()
}

impl Zip {
    /// Of a canonical archive.
    pub fn of(bytes: &[u8]) -> Self {
        let files = trocar_manifest::archive::read(bytes).expect("a good archive");
        let entries = files.into_iter().map(|(name, contents)| Entry::new(&name, contents)).collect();
        Self { entries, ..Self::default() }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = self.before.clone();
        let mut places = Vec::new();
        for entry in &self.entries {
            places.push(out.len());
            out.extend(entry.local());
        }
        let at = out.len();
        let order: Vec<usize> =
            if self.order.is_empty() { (0..self.entries.len()).collect() } else { self.order.clone() };
        for i in order.iter().copied() {
            out.extend(self.entries[i].central(places[i]));
        }
        let size = u32::try_from(out.len() - at).unwrap();
        out.extend(&self.before_end);
        let count = self.count.unwrap_or_else(|| u16::try_from(order.len()).unwrap_or(u16::MAX));
        out.extend(b"PK\x05\x06\0\0\0\0");
        out.extend([count, count].map(u16::to_le_bytes).concat());
        out.extend(self.directory_size.unwrap_or(size).to_le_bytes());
        out.extend(self.directory_at.unwrap_or_else(|| u32::try_from(at).unwrap()).to_le_bytes());
        out.extend(two(self.comment.len()));
        out.extend(&self.comment);
        out.extend(&self.after);
        out
    }

    /// The entry whose path inside the bag is `path`.
    pub fn position(&self, path: &str) -> usize {
        let inside = |entry: &Entry| entry.text().split_once('/').is_some_and(|(_, inside)| inside == path);
        self.entries.iter().position(inside).unwrap_or_else(|| panic!("there is no {path}"))
    }

    /// `trocar-<job>/`.
    pub fn folder(&self) -> String {
        let name = self.entries[0].text();
        format!("{}/", name.split_once('/').unwrap().0)
    }

    pub fn sort(&mut self) {
        self.entries.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// CRC-32 of ISO 3309, by the nibble.
fn crc(bytes: &[u8]) -> u32 {
    let table: [u32; 16] = std::array::from_fn(|i| {
        (0..4).fold(u32::try_from(i).unwrap(), |c, _| (c >> 1) ^ (0xEDB8_8320 & (c & 1).wrapping_neg()))
    });
    let step = |c: u32, byte: &u8| {
        let c = c ^ u32::from(*byte);
        let c = (c >> 4) ^ table[(c & 15) as usize];
        (c >> 4) ^ table[(c & 15) as usize]
    };
    !bytes.iter().fold(!0, step)
}
