//! What native code finds in the next patient's process of what it did in the one before.

use crate::{
    Attempt, BYTE,
    call::{call, did, n},
};
use nix::libc;
use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    sync::atomic::Ordering,
};

/// All that is looked for.
pub const FINDS: &[Attempt] = &[
    Attempt {
        name: "a byte in static memory",
        bites: false,
        attempt: |_, _| BYTE.load(Ordering::SeqCst) != 0,
    },
    Attempt { name: "a file", bites: true, attempt: |plan, _| fs::metadata(&plan.absent).is_ok() },
    Attempt { name: "a flag on a descriptor of all", bites: true, attempt: |_, _| flagged() },
    Attempt {
        name: "shared memory",
        bites: true,
        attempt: |plan, _| did(libc::SYS_shmget, [n(plan.shared), 4096, 0]),
    },
    Attempt { name: "a trace in its whole memory", bites: false, attempt: |plan, _| in_memory(plan.secret) },
];

fn flagged() -> bool {
    let flags = call(libc::SYS_fcntl, [1, n(libc::F_GETFL)]);
    flags.is_ok_and(|flags| flags & n(libc::O_APPEND) != 0)
}

/// How often the bytes are left, and how often they must be found: whoever looks for them holds some too.
const LEFT: usize = 8_192;
const FOUND: usize = 4_096;

/// Leaves a byte in static memory, and the eight bytes all over the heap.
pub(crate) fn leave(secret: u64) {
    BYTE.store(0xA5, Ordering::SeqCst);
    std::hint::black_box(vec![secret; LEFT].leak());
}

/// Whether the eight bytes are all over this process's memory. Takes a process that may open it.
fn in_memory(secret: u64) -> bool {
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return false };
    let Ok(memory) = File::open("/proc/self/mem") else { return false };
    let found = maps.lines().filter_map(writable).map(|(from, to)| count(&memory, (from, to), secret));
    found.sum::<usize>() >= FOUND
}

fn writable(line: &str) -> Option<(u64, u64)> {
    let (range, rest) = line.split_once(' ')?;
    let (from, to) = range.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    rest.starts_with("rw").then_some((address(from)?, address(to)?))
}

fn count(memory: &File, (from, to): (u64, u64), secret: u64) -> usize {
    let (mut at, mut found) = (from, 0);
    let mut page = [0; 4_096];
    while at < to {
        if memory.read_exact_at(&mut page, at).is_ok() {
            found += page.chunks_exact(8).filter(|eight| *eight == secret.to_ne_bytes()).count();
        }
        at += 4_096;
    }
    found
}
