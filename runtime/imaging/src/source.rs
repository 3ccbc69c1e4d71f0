use crate::Reason;
use std::io::{BufReader, Read, Seek, SeekFrom};

/// A file read forwards within its bounds, with what is read copied on demand.
pub(crate) struct Source<R> {
    inner: BufReader<R>,
    at: u64,
    end: u64,
    /// Bytes copied so far, and whether copying is on.
    copy: Vec<u8>,
    copying: bool,
    limit: usize,
}

/// Most files have fewer bytes before their pixel data.
const BUFFER: usize = 8 << 10;

impl<R: Read + Seek> Source<R> {
    /// Starts at the beginning; `limit` bounds what may be copied.
    pub(crate) fn new(mut inner: R, limit: usize) -> Result<Self, Reason> {
        let end = inner.seek(SeekFrom::End(0)).map_err(|_| Reason::Unreadable)?;
        inner.seek(SeekFrom::Start(0)).map_err(|_| Reason::Unreadable)?;
        let inner = BufReader::with_capacity(BUFFER, inner);
        Ok(Self { inner, at: 0, end, copy: Vec::new(), copying: false, limit })
    }

    pub(crate) const fn at(&self) -> u64 {
        self.at
    }

    pub(crate) const fn left(&self) -> u64 {
        self.end.saturating_sub(self.at)
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
        let mut bytes = [0; N];
        self.need(N as u64)?;
        self.inner.read_exact(&mut bytes).map_err(|_| Reason::Unreadable)?;
        self.at = self.at.saturating_add(N as u64);
        if self.copying {
            self.push(&bytes)?;
        }
        Ok(bytes)
    }

    /// The next `N` bytes, without passing over them.
    pub(crate) fn peek<const N: usize>(&mut self) -> Result<[u8; N], Reason> {
        // The buffer is filled again only when it is empty, and the bytes may straddle its end.
        let bytes = self.take::<N>()?;
        let back = i64::try_from(N).map_err(|_| Reason::Malformed)?;
        self.inner.seek_relative(-back).map_err(|_| Reason::Unreadable)?;
        self.at = self.at.saturating_sub(N as u64);
        Ok(bytes)
    }

    /// The next two bytes as a little endian number, without passing over them.
    pub(crate) fn peek_group(&mut self) -> Option<u16> {
        self.peek().ok().map(u16::from_le_bytes)
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
        let step = i64::try_from(length).map_err(|_| Reason::Malformed)?;
        self.inner.seek_relative(step).map_err(|_| Reason::Unreadable)?;
        self.at = self.at.saturating_add(length);
        Ok(())
    }

    /// Reads `length` bytes; the caller has bounded `length`.
    pub(crate) fn bytes(&mut self, length: u64) -> Result<Vec<u8>, Reason> {
        self.need(length)?;
        let mut bytes = Vec::new();
        let read = self.inner.by_ref().take(length).read_to_end(&mut bytes);
        if read.map_err(|_| Reason::Unreadable)? as u64 != length {
            return Err(Reason::Unreadable);
        }
        self.at = self.at.saturating_add(length);
        Ok(bytes)
    }

    fn copy_over(&mut self, length: u64) -> Result<(), Reason> {
        if length > self.limit as u64 {
            return Err(Reason::TooLarge);
        }
        let bytes = self.bytes(length)?;
        self.push(&bytes)
    }

    fn need(&self, length: u64) -> Result<(), Reason> {
        if length > self.left() { Err(Reason::Truncated) } else { Ok(()) }
    }
}
