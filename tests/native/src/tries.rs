//! What native code tries in a patient's process.

use crate::{
    Attempt, Plan,
    call::{at, call, did, forked, n, path, reached},
};
use nix::libc;
use std::{
    fs::{self, File, OpenOptions},
    net::{TcpStream, UdpSocket},
    os::{
        fd::AsRawFd,
        unix::net::{UnixListener, UnixStream},
    },
    process::Command,
    thread,
};

macro_rules! tries {
    ($($bites:ident $name:literal: $try:expr;)+) => {
        /// All attempts.
        pub const TRIES: &[Attempt] = &[$(Attempt { name: $name, bites: tries!($bites), attempt: $try }),+];
    };
    (any) => { true };
    (some) => { false };
}

// `some`: without containment there may be another wall: a process and descriptors of one's own, rights of root, a kernel
// without the call.
tries! {
    any "open a file of the system": |_, _| File::open("/etc/passwd").is_ok();
    any "open it by openat2": |_, _| openat2("/etc/passwd");
    any "open a key of the node": |plan, _| File::open(&plan.key).is_ok();
    any "open another patient's file": |plan, _| File::open(&plan.other).is_ok();
    any "open its own memory as a file": |_, _| File::open("/proc/self/mem").is_ok();
    any "open the node's environment": |plan, _| File::open(format!("/proc/{}/environ", plan.node)).is_ok();
    any "open the node's descriptors": |plan, _| fs::read_dir(format!("/proc/{}/fd", plan.node)).is_ok();
    any "list a folder": |_, _| fs::read_dir("/").is_ok();
    any "make a file": |plan, _| OpenOptions::new().create_new(true).write(true).open(&plan.absent).is_ok();
    any "make a folder": |plan, _| fs::create_dir(format!("{}.folder", plan.absent)).is_ok();
    any "ask whether a path is there": |_, _| fs::metadata("/etc/passwd").is_ok();
    any "ask it by access": |_, _| access("/etc/passwd");
    any "change the time of its patient's file": |_, files| touched(files);
    any "open a socket": |_, _| UdpSocket::bind("127.0.0.1:0").is_ok();
    any "connect to a port": |plan, _| TcpStream::connect(("127.0.0.1", plan.port)).is_ok();
    any "make a pair of sockets": |_, _| UnixStream::pair().is_ok();
    any "listen on a Unix socket": |plan, _| UnixListener::bind(format!("{}.socket", plan.absent)).is_ok();
    any "make a pipe": |_, _| pipe();
    any "fork": |_, _| forked(libc::SYS_clone, [n(libc::SIGCHLD), 0, 0, 0, 0]);
    any "fork by clone3": |_, _| clone3();
    any "start a thread": |_, _| thread::Builder::new().spawn(|| ()).map(|t| t.join().is_ok()).unwrap_or(false);
    any "start a program": |_, _| Command::new("/bin/true").status().is_ok();
    any "become a program": |_, _| execve("/nonexistent/program");
    some "trace the node": |plan, _| did(libc::SYS_ptrace, [SEIZE, n(plan.node), 0, 0]);
    some "read the node's memory": |plan, _| node_memory(plan);
    any "map memory that runs": |_, _| map(libc::PROT_READ | libc::PROT_EXEC);
    any "make memory run": |_, _| protect();
    any "make a file in memory": |_, _| did(libc::SYS_memfd_create, [path("x").as_ptr().expose_provenance(), 0]);
    any "ask for the node by a signal": |plan, _| did(libc::SYS_kill, [n(plan.node), 0]);
    any "signal its group": |_, _| did(libc::SYS_kill, [0, 0]);
    any "signal a thread of the node": |plan, _| did(libc::SYS_tgkill, [n(plan.node), n(plan.node), 0]);
    any "hold the node's process": |plan, _| did(libc::SYS_pidfd_open, [n(plan.node), 0]);
    some "make a ring of calls": |_, _| ring();
    some "load a filter into the kernel": |_, _| reached(libc::SYS_bpf, [n(0), 0, 0], libc::EINVAL);
    some "make a namespace": |_, _| did(libc::SYS_unshare, [n(libc::CLONE_NEWUSER)]);
    some "handle its own page faults": |_, _| did(libc::SYS_userfaultfd, [n(libc::O_NONBLOCK) | 1]);
    any "be dumped": |_, _| did(libc::SYS_prctl, [n(libc::PR_SET_DUMPABLE), 1, 0, 0, 0]);
    any "outlive its parent": |_, _| did(libc::SYS_prctl, [n(libc::PR_SET_PDEATHSIG), 0, 0, 0, 0]);
    any "change its filter": |_, _| reached(libc::SYS_seccomp, [1, 0, 0], libc::EFAULT);
    any "change its limits": |_, _| did(libc::SYS_prlimit64, [0, n(4), at(&[0_u64; 2]), 0]);
    some "hold descriptors that are not its own": |_, files| others(files);
    some "talk on its parent's socket": |_, _| is_socket(0);
    any "pass a descriptor on": |_, files| passed(files);
    any "leave a flag on a descriptor of all": |_, _| did(libc::SYS_fcntl, [1, n(libc::F_SETFL), n(libc::O_WRONLY | libc::O_APPEND)]);
    any "leave memory for the next": |plan, _| did(libc::SYS_shmget, [n(plan.shared), 4096, n(libc::IPC_CREAT | 0o600)]);
    any "leave a lock on a file": |_, files| files.first().is_some_and(|f| did(libc::SYS_flock, [n(f.as_raw_fd()), n(libc::LOCK_SH)]));
    some "leave a key in the kernel": |_, _| key();
}

const SEIZE: usize = 0x4206;

fn openat2(name: &str) -> bool {
    // struct open_how: flags, mode, resolve.
    let (name, how) = (path(name), [0_u64; 3]);
    did(
        libc::SYS_openat2,
        [n(libc::AT_FDCWD), name.as_ptr().expose_provenance(), at(&how), size_of_val(&how)],
    )
}

fn access(name: &str) -> bool {
    let name = path(name);
    did(libc::SYS_faccessat, [n(libc::AT_FDCWD), name.as_ptr().expose_provenance(), 0])
}

fn touched(files: &[File]) -> bool {
    files.first().is_some_and(|file| did(libc::SYS_utimensat, [n(file.as_raw_fd()), 0, 0, 0]))
}

fn pipe() -> bool {
    let mut ends = [0_i32; 2];
    did(libc::SYS_pipe2, [std::ptr::from_mut(&mut ends).expose_provenance(), 0])
}

fn ring() -> bool {
    let mut parameters = [0_u64; 32];
    did(libc::SYS_io_uring_setup, [1, std::ptr::from_mut(&mut parameters).expose_provenance()])
}

fn clone3() -> bool {
    // struct clone_args, version 0: the fifth is the signal at the end.
    let mut arguments = [0_u64; 8];
    arguments[4] = u64::from(libc::SIGCHLD.unsigned_abs());
    forked(libc::SYS_clone3, [at(&arguments), size_of_val(&arguments)])
}

fn execve(name: &str) -> bool {
    let (name, none) = (path(name), [0_usize; 1]);
    let failed = call(libc::SYS_execve, [name.as_ptr().expose_provenance(), at(&none), at(&none)]).err();
    failed.and_then(|error| error.raw_os_error()) == Some(libc::ENOENT)
}

fn node_memory(plan: &Plan) -> bool {
    let mut found = [0_u8; 8];
    let (into, from) = ([std::ptr::from_mut(&mut found).expose_provenance(), 8], [plan.address, 8]);
    did(libc::SYS_process_vm_readv, [n(plan.node), at(&into), 1, at(&from), 1, 0])
        && u64::from_ne_bytes(std::hint::black_box(found)) == plan.secret
}

fn map(protection: i32) -> bool {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    did(libc::SYS_mmap, [0, 4096, n(protection), n(flags), usize::MAX, 0])
}

fn protect() -> bool {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let mapped = call(libc::SYS_mmap, [0, 4096, n(libc::PROT_READ), n(flags), usize::MAX, 0]);
    mapped.is_ok_and(|page| did(libc::SYS_mprotect, [page, 4096, n(libc::PROT_READ | libc::PROT_EXEC)]))
}

/// Open descriptors beyond the standard three, its socket and its patient's files.
fn others(files: &[File]) -> bool {
    let open = (3..4_096).filter(|number| did(libc::SYS_fcntl, [*number, n(libc::F_GETFD)])).count();
    open != files.len() + 1
}

fn is_socket(number: usize) -> bool {
    let (mut value, mut length) = (0_i32, 4_u32);
    let into = std::ptr::from_mut(&mut value).expose_provenance();
    let asked = [
        number,
        n(libc::SOL_SOCKET),
        n(libc::SO_TYPE),
        into,
        std::ptr::from_mut(&mut length).expose_provenance(),
    ];
    did(libc::SYS_getsockopt, asked)
}

/// Into a socket, whoever reads it.
fn passed(files: &[File]) -> bool {
    let Some(file) = files.first() else { return false };
    let byte = [0_u8; 1];
    let part = [at(&byte), 1];
    // struct cmsghdr with one descriptor, padded; struct msghdr.
    let mut control = [0_u8; 24];
    control[0] = 20;
    control[8..12].copy_from_slice(&libc::SOL_SOCKET.to_ne_bytes());
    control[12..16].copy_from_slice(&libc::SCM_RIGHTS.to_ne_bytes());
    control[16..20].copy_from_slice(&file.as_raw_fd().to_ne_bytes());
    let message = [0, 0, at(&part), 1, at(&control), control.len(), 0];
    // 255 is no descriptor: a call that is open finds fault with that.
    reached(libc::SYS_sendmsg, [255, at(&message), 0], libc::EBADF)
}

fn key() -> bool {
    let (kind, name, text) = (path("user"), path("trocar-test"), *b"byte");
    let session = n(-3);
    did(
        libc::SYS_add_key,
        [
            kind.as_ptr().expose_provenance(),
            name.as_ptr().expose_provenance(),
            at(&text),
            text.len(),
            session,
        ],
    )
}
