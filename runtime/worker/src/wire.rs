//! Frames and descriptors over a Unix stream socket. Both ends use it; neither trusts the length that it is told.

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::File,
    io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    time::{Duration, Instant},
};

/// Descriptors in one message. Linux takes 253.
const BATCH: usize = 250;

/// One end of the conversation, with the moment at which this end stops waiting.
#[derive(Debug)]
pub(crate) struct Channel {
    stream: UnixStream,
    deadline: Option<Instant>,
}

impl Channel {
    pub(crate) const fn new(stream: UnixStream) -> Self {
        Self { stream, deadline: None }
    }

    /// From now on, anything not done by `deadline` is an error.
    pub(crate) const fn until(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    /// Sends one value as a frame: its length in eight bytes, little endian, then postcard.
    pub(crate) fn send<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        self.write_all(&framed(value)?)
    }

    /// Receives one value of at most `bound` bytes; `None` where the other end closed between frames.
    pub(crate) fn receive<T: DeserializeOwned>(&mut self, bound: u64) -> io::Result<Option<T>> {
        frame(self, bound)?.map(|bytes| value(&bytes)).transpose()
    }

    /// Sends descriptors, as many messages as it takes.
    pub(crate) fn send_files(&mut self, files: &[BorrowedFd<'_>]) -> io::Result<()> {
        files.chunks(BATCH).try_for_each(|files| self.send_batch(files))
    }

    fn send_batch(&mut self, files: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(files)) {
            return Err(invalid("too many descriptors in a message"));
        }
        self.patience(UnixStream::set_write_timeout)?;
        loop {
            match sendmsg(&self.stream, &[IoSlice::new(b"d")], &mut control, SendFlags::NOSIGNAL) {
                Ok(1) => return Ok(()),
                Ok(_) => return Err(ErrorKind::WriteZero.into()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Receives exactly `count` descriptors; each is closed on exec.
    pub(crate) fn receive_files(&mut self, count: usize) -> io::Result<Vec<File>> {
        let mut files = Vec::new();
        while files.len() < count {
            let before = files.len();
            self.receive_batch(&mut files)?;
            if files.len() == before || files.len() > count {
                return Err(invalid("another number of descriptors than announced"));
            }
        }
        Ok(files)
    }

    fn receive_batch(&mut self, files: &mut Vec<File>) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        self.patience(UnixStream::set_read_timeout)?;
        let mut byte = [0];
        let mut slices = [IoSliceMut::new(&mut byte)];
        let message = recvmsg(&self.stream, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC)?;
        if message.bytes != 1 || message.flags.contains(rustix::net::ReturnFlags::CTRUNC) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                files.extend(received.map(File::from));
            }
        }
        Ok(())
    }

    /// Sets what is left on the socket. An end without a deadline, as a contained worker is, never had one: it sets nothing.
    fn patience(&self, set: fn(&UnixStream, Option<Duration>) -> io::Result<()>) -> io::Result<()> {
        match self.left()? {
            Some(left) => set(&self.stream, Some(left)),
            None => Ok(()),
        }
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        let Some(deadline) = self.deadline else {
            return Ok(None);
        };
        match deadline.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            Some(_) | None => Err(ErrorKind::TimedOut.into()),
        }
    }
}

impl Read for Channel {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.patience(UnixStream::set_read_timeout)?;
        self.stream.read(bytes)
    }
}

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.patience(UnixStream::set_write_timeout)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Bytes of a frame's length.
pub(crate) const LENGTH: usize = 8;

/// A value as a frame.
pub(crate) fn framed(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    add_frame(&mut bytes, value)?;
    Ok(bytes)
}

/// Appends a value as a frame.
pub(crate) fn add_frame(frames: &mut Vec<u8>, value: &impl Serialize) -> io::Result<()> {
    let start = frames.len();
    frames.extend_from_slice(&[0; LENGTH]);
    *frames = postcard::to_extend(value, std::mem::take(frames)).map_err(invalid)?;
    let length = (frames.len().saturating_sub(start + LENGTH) as u64).to_le_bytes();
    frames.iter_mut().skip(start).zip(length).for_each(|(to, from)| *to = from);
    Ok(())
}

/// The bytes of the next frame, at most `bound`; `None` where the other end closed between frames.
pub(crate) fn frame(input: &mut impl Read, bound: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    Ok(frame_into(input, bound, &mut bytes)?.then_some(bytes))
}

/// As [`frame`], in place of what is in `bytes`, and whether there is one.
pub(crate) fn frame_into(input: &mut impl Read, bound: u64, bytes: &mut Vec<u8>) -> io::Result<bool> {
    bytes.clear();
    let mut length = [0; LENGTH];
    if input.read(&mut length[..1])? == 0 {
        return Ok(false);
    }
    input.read_exact(&mut length[1..])?;
    let length = u64::from_le_bytes(length);
    if length > bound {
        return Err(invalid("a frame over its bound"));
    }
    // Grows with what comes, not with what was announced.
    input.take(length).read_to_end(bytes)?;
    if (bytes.len() as u64) < length { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(true) }
}

/// The value that a frame holds, and nothing else.
pub(crate) fn value<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    match postcard::take_from_bytes(bytes).map_err(invalid)? {
        (value, []) => Ok(value),
        (_, _) => Err(invalid("bytes after the end of a frame")),
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Seek, thread};

    fn pair() -> (Channel, Channel) {
        let (a, b) = UnixStream::pair().unwrap();
        (Channel::new(a), Channel::new(b))
    }

    #[test]
    fn a_value_comes_out_as_it_went_in() {
        let (mut a, mut b) = pair();
        a.send(&vec!["one", "two"]).unwrap();
        assert_eq!(b.receive::<Vec<String>>(100).unwrap().unwrap(), ["one", "two"]);
    }

    #[test]
    fn the_end_between_frames_is_no_error_and_within_one_it_is() {
        let (a, mut b) = pair();
        drop(a);
        assert_eq!(b.receive::<u8>(10).unwrap(), None);
        for cut in [&[1_u8][..], &[4, 0, 0, 0, 0, 0, 0, 0, 1, 2]] {
            let (mut a, mut b) = pair();
            a.write_all(cut).unwrap();
            drop(a);
            assert_eq!(b.receive::<u32>(10).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn a_frame_over_its_bound_is_refused_before_it_is_read() {
        let (mut a, mut b) = pair();
        a.write_all(&u64::MAX.to_le_bytes()).unwrap();
        assert_eq!(b.receive::<u8>(1 << 20).unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn bytes_after_the_value_are_refused() {
        let (mut a, mut b) = pair();
        a.send(&(1_u8, 2_u8)).unwrap();
        assert_eq!(b.receive::<u8>(10).unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn silence_ends_at_the_deadline() {
        let (_a, mut b) = pair();
        b.until(Instant::now() + Duration::from_millis(20));
        let kind = b.receive::<u8>(10).unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{kind:?}");
        assert_eq!(b.receive::<u8>(10).unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn descriptors_arrive_in_order_over_several_messages() {
        let files: Vec<File> = (0..600_u32).map(numbered).collect();
        let (mut a, mut b) = pair();
        let receiver = thread::spawn(move || b.receive_files(600).unwrap());
        a.send_files(&files.iter().map(AsFd::as_fd).collect::<Vec<_>>()).unwrap();
        for (i, mut file) in (0..600_u32).zip(receiver.join().unwrap()) {
            let mut bytes = [0; 4];
            file.rewind().unwrap();
            file.read_exact(&mut bytes).unwrap();
            assert_eq!(u32::from_le_bytes(bytes), i);
        }
    }

    fn numbered(i: u32) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&i.to_le_bytes()).unwrap();
        file
    }

    #[test]
    fn more_or_fewer_descriptors_than_announced_are_refused() {
        let file = numbered(0);
        let (mut a, mut b) = pair();
        a.send_files(&[file.as_fd(), file.as_fd()]).unwrap();
        assert_eq!(b.receive_files(1).unwrap_err().kind(), ErrorKind::InvalidData);
        let (mut a, mut b) = pair();
        a.write_all(b"d").unwrap();
        assert_eq!(b.receive_files(1).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
