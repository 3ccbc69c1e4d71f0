//! A kernel that was built without a layer of containment, as far as this process can tell: a filter in classic BPF
//! (seccomp(2), linux/bpf_common.h).

use crate::call::{at, did, n};
use nix::libc;

/// What Landlock begins with.
pub const LANDLOCK: i64 = libc::SYS_landlock_create_ruleset;
/// What seccomp begins with.
pub const SECCOMP: i64 = libc::SYS_seccomp;

const LOAD_WORD: u64 = 0x20;
const JUMP_IF_EQUAL: u64 = 0x15;
const RETURN: u64 = 0x06;
const ALLOW: u32 = 0x7FFF_0000;
const ERRNO: u32 = 0x0005_0000;
const MODE_FILTER: usize = 1;

/// Takes calls away from this process for ever.
pub(crate) fn lack(calls: &[i64]) {
    for number in calls {
        let _ = did(libc::SYS_prctl, [n(libc::PR_SET_NO_NEW_PRIVS), 1, 0, 0, 0]) && without(*number);
    }
}

fn without(number: i64) -> bool {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    // struct sock_filter, little endian: code, the jump if not, operand.
    let step = |code: u64, no: u64, operand: u32| code | (no << 24) | (u64::from(operand) << 32);
    let steps = [
        step(LOAD_WORD, 0, 0),
        step(JUMP_IF_EQUAL, 1, number),
        step(RETURN, 0, ERRNO | libc::ENOSYS.unsigned_abs()),
        step(RETURN, 0, ALLOW),
    ];
    // struct sock_fprog: how many, and where.
    let program = [steps.len(), at(&steps)];
    did(libc::SYS_seccomp, [MODE_FILTER, 0, at(&program)])
}
