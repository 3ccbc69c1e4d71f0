//! `trocar verify`: offline, and it says what it checked and what that proved.

use crate::args::Verify;
use crate::failure::{Exit, Failure};
use crate::input::{Input, read_bounded};
use crate::known::{KnownNodes, Trusted, trusted};
use crate::out::{Out, say};
use anyhow::{Context, anyhow};
use serde_json::json;
use std::path::Path;
use trocar_bundle::{Check, Ended, Examined, Trust, Verification, VerifyError, examine};

pub(crate) fn verify(out: Out, args: &Verify) -> Result<Exit, Failure> {
    let bytes = read_bounded(&args.bundle, Input::Bundle)?;
    let trusted = trusted(args)?;
    let (examined, met) = match &args.trust_on_first_use {
        Some(file) => met(&bytes, file.as_deref(), trusted)?,
        None => (examined(&bytes, &trusted), None),
    };
    let Examined { checks, verified, .. } = examined;
    let seen = match verified {
        Ok(seen) => seen,
        Err(error) => return refused(out, &checks, error),
    };
    let first = matches!(met, Some(Met::First(_)));
    let trusts = seen.trusted || first;
    // With a key that did not sign, `examine` has refused already.
    if args.require_trust && !trusts {
        let words = format!("intact, signed by {}: give the node's public key with --key FILE", seen.signer);
        return Err(Failure::Plain(Exit::Unverified, anyhow!(words)));
    }
    if let Some(folder) = &args.unpack {
        unpack(&bytes, folder)?;
    }
    if let Some(Met::First(known) | Met::Moved(known)) = &met {
        known.add(&seen.request.node_name, seen.signer)?;
    }
    let row = json!({"verified": true, "trusted": trusts, "first_use": first, "status": seen.status,
        "signer": seen.signer, "checks": checks, "proved": seen.proved, "not_proved": seen.not_proved,
        "results": seen.results});
    out.result(&row, || plain(&seen, &checks, first))?;
    advise(args, &seen, met.as_ref());
    Ok(Exit::Done)
}

fn examined(bytes: &[u8], trusted: &Trusted) -> Examined {
    examine(bytes, &Trust { pinned: &trusted.pinned, history: &trusted.history, log: trusted.log.as_deref() })
}

/// Whether the node was met before.
enum Met {
    /// Never.
    First(KnownNodes),
    /// Under a key from which the present one took over.
    Moved(KnownNodes),
    /// Under this key.
    Before,
}

/// A node that was met before is held to the key of then, or to one that took over from it.
fn met(bytes: &[u8], file: Option<&Path>, mut trusted: Trusted) -> Result<(Examined, Option<Met>), Failure> {
    let known = KnownNodes::read(file)?;
    trusted.pinned.clear();
    let open = examined(bytes, &trusted);
    let Ok(seen) = &open.verified else { return Ok((open, None)) };
    trusted.pinned = known.keys(&seen.request.node_name);
    if trusted.pinned.is_empty() {
        return Ok((open, Some(Met::First(known))));
    }
    let same = trusted.pinned.contains(&seen.signer);
    Ok((examined(bytes, &trusted), Some(if same { Met::Before } else { Met::Moved(known) })))
}

fn advise(args: &Verify, seen: &Verification, met: Option<&Met>) {
    match met {
        Some(Met::First(known)) => say(&format!(
            "First bundle of {}: its key is now remembered in {}. Compare it with what the node publishes.",
            seen.request.node_name,
            known.path().display()
        )),
        None if args.keys.is_empty() && args.published.is_none() => {
            say("Pin the node's key with --key FILE to know the signer.");
        }
        Some(Met::Moved(_)) => {
            say("Its key took over from the one that was remembered, and is remembered too.")
        }
        Some(Met::Before) | None => {}
    }
}

/// Says which check failed, and why, with exit code 5.
fn refused(out: Out, checks: &[Check], error: VerifyError) -> Result<Exit, Failure> {
    let changed = matches!(error, VerifyError::OtherSigner(_));
    let failure = Failure::plain(Exit::Unverified, error);
    let words = failure.words();
    out.result(&json!({"verified": false, "error": words, "checks": checks}), || tree(checks))?;
    if changed {
        say("If the node changed its key, get what it publishes of its keys and give it with --keys DIR.");
    }
    Err(failure)
}

fn plain(seen: &Verification, checks: &[Check], first: bool) -> String {
    let head = match (seen.trusted, first) {
        (true, _) => "intact, signed by a key you trust",
        (false, true) => "intact, signed by a key that is trusted from now on",
        (false, false) => "intact, signer unknown",
    };
    let list = |lines: Vec<&str>| lines.iter().map(|l| format!("  - {l}\n")).collect::<String>();
    let proved = list(seen.proved.iter().map(String::as_str).collect());
    format!(
        "{head}: {}\n{}\nproved\n{proved}not proved\n{}",
        seen.signer,
        tree(checks),
        list(seen.not_proved.clone()).trim_end()
    )
}

/// Each group with its checks: how it ended, its name, what it proves or why not.
fn tree(checks: &[Check]) -> String {
    let line = |indent: &str, check: &Check| {
        let width = 14_usize.saturating_sub(indent.len());
        let why = check.why.as_ref().map(|why| format!("\n{:>24}{why}", "")).unwrap_or_default();
        format!("{}  {indent}{:<width$}  {}{why}\n", mark(check.ended), check.name, check.proves)
    };
    let group = |check: &Check| {
        let parts: String = check.parts.iter().map(|part| line("  ", part)).collect();
        format!("{}{parts}", line("", check))
    };
    checks.iter().map(group).collect::<String>().trim_end().to_owned()
}

const fn mark(ended: Ended) -> &'static str {
    match ended {
        Ended::Ok => "ok   ",
        Ended::Open => "open ",
        Ended::Failed => "WRONG",
        Ended::Skipped => "  -  ",
    }
}

/// Every name was checked to be a plain relative path when the archive was read.
fn unpack(bytes: &[u8], folder: &Path) -> Result<(), Failure> {
    let files = trocar_manifest::archive::read(bytes).map_err(|e| Failure::plain(Exit::Unverified, e))?;
    for (name, contents) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        std::fs::write(&path, contents).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
