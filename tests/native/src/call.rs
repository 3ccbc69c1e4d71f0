//! System calls by their numbers, as machine code makes them.

use nix::libc;
use std::{ffi::CString, io};

/// Makes a system call.
pub(crate) fn call<const N: usize>(number: i64, given: [usize; N]) -> io::Result<usize> {
    let mut all = [0; 6];
    all.iter_mut().zip(given).for_each(|(to, from)| *to = from);
    let [a, b, c, d, e, f] = all;
    #[allow(unsafe_code, reason = "an attacker is not held by types")]
    // SAFETY: pointers of the callers are of values that live until the call returns, or of nothing; memory that a call
    // maps is used by nobody. A call that forks is followed by an exit of the child.
    let answer = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    usize::try_from(answer).map_err(|_| io::Error::last_os_error())
}

/// Whether the kernel did it.
pub(crate) fn did<const N: usize>(number: i64, given: [usize; N]) -> bool {
    call(number, given).is_ok()
}

/// Whether the kernel looked at it, and found this fault with what was given: the call itself is open.
pub(crate) fn reached<const N: usize>(number: i64, given: [usize; N], fault: i32) -> bool {
    call(number, given).err().and_then(|error| error.raw_os_error()) == Some(fault)
}

/// Whether a child came of it; the child is gone at once.
pub(crate) fn forked<const N: usize>(number: i64, given: [usize; N]) -> bool {
    match call(number, given) {
        Ok(0) => {
            let _ = call(libc::SYS_exit_group, [0]);
            false
        }
        Ok(child) => {
            let _ = call(libc::SYS_wait4, [child, 0, 0, 0]);
            true
        }
        Err(_) => false,
    }
}

/// A path for a call.
pub(crate) fn path(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

/// Where a value is.
pub(crate) fn at<T>(value: &T) -> usize {
    std::ptr::from_ref(value).expose_provenance()
}

/// A number of a C header as an argument.
pub(crate) fn n(number: i32) -> usize {
    usize::try_from(i64::from(number).cast_unsigned()).unwrap_or(usize::MAX)
}
