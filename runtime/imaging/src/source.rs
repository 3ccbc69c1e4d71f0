use crate::Reason;
use std::io::{Read, Seek, SeekFrom};

/// A file read forwards within its bounds, with what is read copied on demand. What is passed over is not read.
pub(crate) struct Source<'b, R> {
    inner: R,
    at: u64,
    end: u64,
    /// Bytes of the file from `from` on, as many as `held`.
    buffer: &'b mut Buffer,
    from: u64,
    held: usize,
    /// Bytes copied so far, and whether copying is on.
    copy: Vec<u8>,
    copying: bool,
    limit: usize,
}

/// What files are read into, one after the other.
pub(crate) struct Buffer {
    bytes: Box<[u8]>,
    /// Bytes to read first: the next file's header is as long as the last one's, more or less, and what comes after it is
    /// seldom in the processor's cache.
    first: usize,
}

impl Default for Buffer {
    fn default() -> Self {
        Self { bytes: vec![0; BUFFER].into_boxed_slice(), first: FIRST }
    }
}

impl Buffer {
    /// Takes note of where a header ended.
    pub(crate) fn learn(&mut self, end: u64) {
        let end = usize::try_from(end).unwrap_or(BUFFER).saturating_add(SLACK);
        self.first = end.next_multiple_of(SLACK).clamp(FIRST, BUFFER);
    }
}

/// Most files have fewer bytes before their pixel data.
const BUFFER: usize = 16 << 10;
const FIRST: usize = 2 << 10;
const SLACK: usize = 256;
/// Bytes to read where those were not enough, or something was passed over.
const MORE: usize = 4 << 10;

impl<'b, R: Read + Seek> Source<'b, R> {
    /// Starts at the beginning; `limit` bounds what may be copied.
    pub(crate) fn new(inner: R, limit: usize, buffer: &'b mut Buffer) -> Result<Self, Reason> {
        Self::with(inner, limit, buffer, Vec::new())
    }

    /// As [`new`](Self::new), with room for what is copied.
    pub(crate) fn with(
        mut inner: R,
        limit: usize,
        buffer: &'b mut Buffer,
        mut copy: Vec<u8>,
    ) -> Result<Self, Reason> {
        let end = inner.seek(SeekFrom::End(0)).map_err(|_| Reason::Unreadable)?;
        copy.clear();
        Ok(Self { inner, at: 0, end, buffer, from: 0, held: 0, copy, copying: false, limit })
    }

    /// Tells the buffer that a header ends here.
    pub(crate) fn learn(&mut self) {
        self.buffer.learn(self.at);
    }

    pub(crate) const fn at(&self) -> u64 {
        self.at
    }

    pub(crate) const fn left(&self) -> u64 {
        self.end.saturating_sub(self.at)
    }

    pub(crate) const fn is_copying(&self) -> bool {
        self.copying
    }

    pub(crate) const fn set_copying(&mut self, on: bool) {
        self.copying = on;
    }

    pub(crate) fn take_copy(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.copy)
    }

    /// The bytes copied since the mark that an earlier [`Source::mark`] gave.
    pub(crate) fn copied_since(&self, mark: usize) -> &[u8] {
        self.copy.get(mark..).unwrap_or_default()
    }

    pub(crate) const fn mark(&self) -> usize {
        self.copy.len()
    }

    /// Reads exactly `N` bytes.
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], Reason> {
        let bytes = self.peek::<N>()?;
        self.at = self.at.saturating_add(N as u64);
        if self.copying {
            self.push(&bytes)?;
        }
        Ok(bytes)
    }

    /// The next two bytes as a little endian number, without passing over them.
    pub(crate) fn peek_group(&mut self) -> Option<u16> {
        self.peek::<2>().ok().map(u16::from_le_bytes)
    }

    /// The next `N` bytes, without passing over them.
    pub(crate) fn peek<const N: usize>(&mut self) -> Result<[u8; N], Reason> {
        self.need(N as u64)?;
        let here = self.ahead(N)?;
        here.first_chunk::<N>().copied().ok_or(Reason::Unreadable)
    }

    /// At least the next `count` bytes, of which there are so many in the file and the buffer.
    fn ahead(&mut self, count: usize) -> Result<&[u8], Reason> {
        let held = |source: &Self| {
            let offset = usize::try_from(source.at.checked_sub(source.from)?).ok()?;
            (offset.checked_add(count)? <= source.held).then_some(offset)
        };
        let offset = match held(self) {
            Some(offset) => offset,
            None => self.fill(count).map(|()| 0)?,
        };
        self.buffer.bytes.get(offset..self.held).ok_or(Reason::Unreadable)
    }

    /// Fills the buffer from here on, with `count` bytes or more.
    fn fill(&mut self, count: usize) -> Result<(), Reason> {
        self.inner.seek(SeekFrom::Start(self.at)).map_err(|_| Reason::Unreadable)?;
        (self.from, self.held) = (self.at, 0);
        let most = if self.at == 0 { self.buffer.first.max(count) } else { MORE.max(count) };
        while self.held < count {
            let free = self.buffer.bytes.get_mut(self.held..most).unwrap_or_default();
            match self.inner.read(free) {
                Ok(0) => return Err(Reason::Unreadable),
                Ok(read) => self.held = self.held.saturating_add(read),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Reason::Unreadable),
            }
        }
        Ok(())
    }

    /// Appends bytes that were read before copying was switched on.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        if self.copy.len().saturating_add(bytes.len()) > self.limit {
            return Err(Reason::TooLarge);
        }
        self.copy.extend_from_slice(bytes);
        Ok(())
    }

    /// Passes over `length` bytes, copying them where copying is on.
    pub(crate) fn skip(&mut self, length: u64) -> Result<(), Reason> {
        self.need(length)?;
        if self.copying {
            return self.copy_over(length);
        }
        self.at = self.at.saturating_add(length);
        Ok(())
    }

    /// Reads `length` bytes; the caller has bounded `length`.
    pub(crate) fn bytes(&mut self, length: u64) -> Result<Vec<u8>, Reason> {
        self.need(length)?;
        let mut bytes = Vec::new();
        self.read_into(length, &mut bytes)?;
        Ok(bytes)
    }

    fn copy_over(&mut self, length: u64) -> Result<(), Reason> {
        if (self.copy.len() as u64).saturating_add(length) > self.limit as u64 {
            return Err(Reason::TooLarge);
        }
        let mut copy = self.take_copy();
        let read = self.read_into(length, &mut copy);
        self.copy = copy;
        read
    }

    /// Appends the next `length` bytes, which the file has. It grows with what comes.
    fn read_into(&mut self, length: u64, to: &mut Vec<u8>) -> Result<(), Reason> {
        match usize::try_from(length) {
            Ok(short) if short <= BUFFER => {
                to.extend_from_slice(self.ahead(short)?.get(..short).ok_or(Reason::Unreadable)?);
            }
            _ => {
                self.inner.seek(SeekFrom::Start(self.at)).map_err(|_| Reason::Unreadable)?;
                let read = self.inner.by_ref().take(length).read_to_end(to);
                if read.map_err(|_| Reason::Unreadable)? as u64 != length {
                    return Err(Reason::Unreadable);
                }
            }
        }
        self.at = self.at.saturating_add(length);
        Ok(())
    }

    fn need(&self, length: u64) -> Result<(), Reason> {
        if length > self.left() { Err(Reason::Truncated) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn source(bytes: Vec<u8>, limit: usize) -> Source<'static, Cursor<Vec<u8>>> {
        Source::new(Cursor::new(bytes), limit, Box::leak(Box::default())).unwrap()
    }

    fn numbered(count: u32) -> Vec<u8> {
        (0..count).flat_map(u32::to_le_bytes).collect()
    }

    #[test]
    fn bytes_come_in_order_however_far_is_passed_over() {
        let mut source = source(numbered(100_000), usize::MAX);
        let mut at = 0_u64;
        for step in [0_u64, 4, 4084, 4, 8192, 100_000, 12] {
            source.skip(step).unwrap();
            at += step;
            assert_eq!(source.at(), at);
            assert_eq!(u64::from(u32::from_le_bytes(source.take::<4>().unwrap())), at / 4);
            at += 4;
        }
        assert_eq!(
            source.bytes(10_000).unwrap(),
            numbered(100_000)[usize::try_from(at).unwrap()..][..10_000]
        );
    }

    #[test]
    fn a_copy_holds_what_was_read_and_skipped_and_stops_at_its_limit() {
        let mut source = source(numbered(5_000), 10_000);
        source.set_copying(true);
        source.take::<4>().unwrap();
        source.skip(6_000).unwrap();
        source.skip(100).unwrap();
        assert_eq!(source.copied_since(0), &numbered(5_000)[..6_104]);
        assert_eq!(source.skip(4_000).unwrap_err(), Reason::TooLarge);
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        let mut source = source(vec![1, 2, 3], 10);
        assert_eq!((source.peek_group(), source.left()), (Some(0x0201), 3));
        assert_eq!(source.take::<4>().unwrap_err(), Reason::Truncated);
        assert_eq!(source.skip(4).unwrap_err(), Reason::Truncated);
        source.skip(3).unwrap();
        assert_eq!((source.peek_group(), source.left()), (None, 0));
    }
}
