//! Entropy-coded bits and Huffman codes (ITU-T T.81 annexes C and F.2.2).

/// Codes of at most this many bits are found in one step.
const FAST: u32 = 9;

/// A Huffman table.
pub(super) struct Table {
    /// `length << 8 | value` of the code that these bits begin with; 0 where it is longer.
    fast: [u16; 1 << FAST],
    /// One past the last code of each length, aligned to 16 bits.
    past: [u32; 17],
    /// What to add to a code of each length for its place among the values.
    place: [i32; 17],
    values: Vec<u8>,
}

impl Table {
    /// Codes in order of length, as section C.2 makes them; `None` where there are more than fit.
    pub(super) fn new(counts: &[u8; 16], values: &[u8]) -> Option<Self> {
        let mut table = Self { fast: [0; 1 << FAST], past: [0; 17], place: [0; 17], values: values.to_vec() };
        let (mut code, mut at) = (0_u32, 0_usize);
        for (length, count) in (1_u32..).zip(counts) {
            let first = code;
            table.place[length as usize] = i32::try_from(at).ok()? - i32::try_from(first).ok()?;
            for _ in 0..*count {
                table.enter(code, length, *values.get(at)?)?;
                code += 1;
                at += 1;
            }
            if code > 1 << length {
                return None;
            }
            table.past[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Some(table)
    }

    fn enter(&mut self, code: u32, length: u32, value: u8) -> Option<()> {
        if length > FAST {
            return Some(());
        }
        let (first, count) = ((code << (FAST - length)) as usize, 1 << (FAST - length));
        let entry = u16::try_from(length << 8).ok()? | u16::from(value);
        self.fast.get_mut(first..first + count)?.fill(entry);
        Some(())
    }
}

/// Reads bits of a scan up to its next marker.
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    held: u64,
    count: u32,
    /// Zero bits handed out after the end.
    missing: u32,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(rest: &'a [u8]) -> Self {
        Self { rest, held: 0, count: 0, missing: 0 }
    }

    /// Fills up to at least 32 bits: with zeros once a marker has been met.
    fn fill(&mut self) {
        while self.count <= 56 {
            let byte = match self.rest {
                [0xFF, 0, rest @ ..] => {
                    self.rest = rest;
                    0xFF
                }
                [0xFF, ..] | [] => {
                    self.missing += 8;
                    0
                }
                [byte, rest @ ..] => {
                    self.rest = rest;
                    *byte
                }
            };
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// Whether no more bits have been taken than there were.
    pub(super) const fn whole(&self) -> bool {
        self.missing <= self.count
    }

    #[inline]
    fn drop(&mut self, bits: u32) {
        self.held <<= bits;
        self.count -= bits;
    }

    /// The next symbol of a table.
    #[inline]
    pub(super) fn symbol(&mut self, table: &Table) -> Option<u8> {
        if self.count < 32 {
            self.fill();
        }
        let entry = table.fast[(self.held >> (64 - FAST)) as usize];
        if entry != 0 {
            self.drop(u32::from(entry >> 8));
            return Some(entry.to_le_bytes()[0]);
        }
        self.long(table)
    }

    fn long(&mut self, table: &Table) -> Option<u8> {
        let next = u32::try_from(self.held >> 48).ok()?;
        for length in FAST + 1..=16 {
            if next < table.past[length as usize] {
                let code = i32::try_from(next >> (16 - length)).ok()?;
                self.drop(length);
                return table.values.get(usize::try_from(code + table.place[length as usize]).ok()?).copied();
            }
        }
        None
    }

    /// A number of `bits` bits, 16 at most, with its sign (sections F.2.2.1 and F.2.2.2, EXTEND).
    #[inline]
    pub(super) fn signed(&mut self, bits: u32) -> i32 {
        if bits == 0 {
            return 0;
        }
        if self.count < bits {
            self.fill();
        }
        #[allow(clippy::cast_possible_truncation, reason = "at most 16 bits are left")]
        let value = (self.held >> (64 - bits)) as i32;
        self.drop(bits);
        if value < 1 << (bits - 1) { value - (1 << bits) + 1 } else { value }
    }

    /// Passes over a restart marker (section B.1.1.3), which must be the next thing.
    pub(super) fn restart(&mut self) -> Option<()> {
        if !self.whole() {
            return None;
        }
        // Up to seven bits that fill the last byte.
        let mut rest = self.rest;
        while let [0xFF, next @ ..] = rest
            && next.first() == Some(&0xFF)
        {
            rest = next;
        }
        match rest {
            [0xFF, 0xD0..=0xD7, after @ ..] => {
                *self = Self::new(after);
                Some(())
            }
            _ => None,
        }
    }

    /// What follows the entropy-coded bits.
    pub(super) const fn after(&self) -> &'a [u8] {
        self.rest
    }
}
