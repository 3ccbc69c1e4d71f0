//! Landlock (landlock(7)): this process names no file, no port, no socket and no process outside.

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
use std::io;

/// The newest interface that all its rights are taken from; an older kernel takes those that it knows. The sixth holds files,
/// TCP, signals and abstract sockets.
const NEWEST: ABI = ABI::V6;

/// Whether the kernel has the layer. With it no path can be opened, made, run or changed from here on; open descriptors go on.
pub(super) fn refuse_all() -> io::Result<bool> {
    let restricted = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|rules| rules.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(io::Error::other)?;
    Ok(restricted.ruleset != RulesetStatus::NotEnforced)
}
