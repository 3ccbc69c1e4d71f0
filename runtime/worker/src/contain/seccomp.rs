//! seccomp (seccomp(2)): the calls that a worker may make. What is not listed is answered as if the kernel did not know
//! it, so that a library falls back on what is listed.

use super::Kind;
use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};
use std::{collections::BTreeMap, io};

/// A compiled filter.
pub(super) struct Filter(BpfProgram);

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Reading, answering and computing with what is open, on memory of one's own. Nothing here names a file, a socket's
/// address or another process, or makes a descriptor that was not received. Flags, locks and times of an open file are not set:
/// they outlive the process.
const ALWAYS: &[i64] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_close,
    libc::SYS_recvmsg,
    libc::SYS_recvfrom,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_sched_yield,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Threads, their stacks and names, and the one file that is written.
const DECODES: &[i64] = &[libc::SYS_pwrite64, libc::SYS_set_robust_list, libc::SYS_rseq];

/// A child, its descriptor and its end; a filter for the child.
const FORKS: &[i64] = &[
    libc::SYS_sendmsg,
    libc::SYS_wait4,
    libc::SYS_pidfd_open,
    libc::SYS_seccomp,
    libc::SYS_set_robust_list,
    libc::SYS_dup3,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_dup2,
];

/// What fork(3) of glibc and musl asks clone(2) for, beside the signal at the child's end.
const FORK_FLAGS: i32 = libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID | libc::SIGCHLD;

/// What makes a thread of a clone(2).
const THREAD_FLAGS: i32 = libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND;

impl Filter {
    /// What a process of this kind may call.
    pub(super) fn of(kind: Kind) -> io::Result<Self> {
        let rules = rules(kind).map_err(io::Error::other)?;
        let unknown = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
        let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
        let filter = SeccompFilter::new(rules, unknown, SeccompAction::Allow, arch);
        filter.and_then(BpfProgram::try_from).map(Self).map_err(io::Error::other)
    }

    /// Whether the kernel has the layer. It adds to the filters that are there, and none is ever taken away.
    pub(super) fn apply(&self) -> io::Result<bool> {
        match apply_filter(&self.0) {
            Ok(()) => Ok(true),
            Err(seccompiler::Error::Seccomp(error)) if lacks(&error) => Ok(false),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

/// A kernel built without it says one of these (seccomp(2), ERRORS).
fn lacks(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL))
}

fn rules(kind: Kind) -> Result<Rules, BackendError> {
    let mut rules: Rules = ALWAYS.iter().map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_sendto, vec![no_address()?]);
    rules.insert(libc::SYS_fcntl, fcntl()?);
    // New memory is data: what this process runs was there before it was locked.
    let exec = if kind == Kind::Compiles { Vec::new() } else { vec![without(2, libc::PROT_EXEC)?] };
    rules.insert(libc::SYS_mmap, exec.clone());
    rules.insert(libc::SYS_mprotect, exec);
    let more: &[i64] = match kind {
        Kind::Reads | Kind::Table => &[],
        Kind::Compiles => &[libc::SYS_membarrier],
        Kind::Decodes => DECODES,
        Kind::Forks => FORKS,
    };
    rules.extend(more.iter().map(|call| (*call, Vec::new())));
    for (call, rule) in conditional(kind)? {
        rules.entry(call).or_default().push(rule);
    }
    Ok(rules)
}

/// Calls that this kind makes with certain arguments alone.
fn conditional(kind: Kind) -> Result<Vec<(i64, SeccompRule)>, BackendError> {
    Ok(match kind {
        Kind::Reads | Kind::Compiles => Vec::new(),
        // Of an open descriptor: a path beside it would be refused by Landlock for opening, not for asking.
        Kind::Table => vec![
            (libc::SYS_statx, with(2, libc::AT_EMPTY_PATH)?),
            (libc::SYS_newfstatat, with(3, libc::AT_EMPTY_PATH)?),
        ],
        Kind::Decodes => vec![
            (libc::SYS_clone, with(0, THREAD_FLAGS)?),
            (libc::SYS_sched_getaffinity, equals(0, 0)?),
            (libc::SYS_prctl, equals(0, libc::PR_SET_NAME)?),
        ],
        Kind::Forks => vec![
            (libc::SYS_clone, equals(0, FORK_FLAGS)?),
            (libc::SYS_clone, equals(0, libc::SIGCHLD)?),
            (libc::SYS_prlimit64, equals(0, 0)?),
            (libc::SYS_prctl, equals(0, libc::PR_SET_NO_NEW_PRIVS)?),
            (libc::SYS_prctl, equals(0, libc::PR_SET_PDEATHSIG)?),
        ],
    })
}

/// Descriptors of one's own: whether they are closed on exec, and another number for one. Not the flags of what is open, which
/// all that hold it would see.
fn fcntl() -> Result<Vec<SeccompRule>, BackendError> {
    let commands = [libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_DUPFD_CLOEXEC];
    commands.into_iter().map(|command| equals(1, command)).collect()
}

/// An answer goes where the socket was joined to.
fn no_address() -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(4, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?])
}

fn equals(argument: u8, value: i32) -> Result<SeccompRule, BackendError> {
    condition(argument, SeccompCmpOp::Eq, value)
}

/// All of these bits are set.
fn with(argument: u8, bits: i32) -> Result<SeccompRule, BackendError> {
    condition(argument, SeccompCmpOp::MaskedEq(u64::from(bits.cast_unsigned())), bits)
}

/// None of these bits is set.
fn without(argument: u8, bits: i32) -> Result<SeccompRule, BackendError> {
    condition(argument, SeccompCmpOp::MaskedEq(u64::from(bits.cast_unsigned())), 0)
}

/// Of the lower half of an argument: those of these calls are 32 bits wide.
fn condition(argument: u8, compare: SeccompCmpOp, value: i32) -> Result<SeccompRule, BackendError> {
    let value = u64::from(value.cast_unsigned());
    SeccompRule::new(vec![SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compare, value)?])
}
