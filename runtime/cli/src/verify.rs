//! `trocar verify`: offline, and it says what it proved.

use crate::args::Verify;
use crate::failure::{Exit, Failure};
use crate::input::{Input, read_bounded, read_text};
use crate::out::{Out, say};
use anyhow::Context;
use serde_json::json;
use std::path::Path;
use trocar_manifest::keys::PublicKey;

pub(crate) fn verify(out: Out, args: &Verify) -> Result<Exit, Failure> {
    let bytes = read_bounded(&args.bundle, Input::Bundle)?;
    let keys = args.keys.iter().map(|p| read_key(p)).collect::<Result<Vec<_>, _>>()?;
    let seen = trocar_bundle::verify(&bytes, &keys).map_err(|e| Failure::plain(Exit::Unverified, e))?;
    // With a key that did not sign, `verify` has refused already.
    if args.require_trust && !seen.trusted {
        let words = format!("intact, signed by {}: give the node's public key with --key FILE", seen.signer);
        return Err(Failure::Plain(Exit::Unverified, anyhow::anyhow!(words)));
    }
    if let Some(folder) = &args.unpack {
        unpack(&bytes, folder)?;
    }
    let row = json!({"verified": true, "trusted": seen.trusted, "status": seen.status, "signer": seen.signer,
        "proved": seen.proved, "not_proved": seen.not_proved, "results": seen.results});
    out.result(&row, || plain(&seen))?;
    if keys.is_empty() {
        say("Pin the node's key with --key FILE to know the signer.");
    }
    Ok(Exit::Done)
}

fn plain(seen: &trocar_bundle::Verification) -> String {
    let head = if seen.trusted { "intact, signed by a key you trust" } else { "intact, signer unknown" };
    let list = |lines: Vec<&str>| lines.iter().map(|l| format!("  - {l}\n")).collect::<String>();
    let proved = list(seen.proved.iter().map(String::as_str).collect());
    format!(
        "{head}: {}\nproved\n{proved}not proved\n{}",
        seen.signer,
        list(seen.not_proved.clone()).trim_end()
    )
}

fn read_key(path: &Path) -> Result<PublicKey, Failure> {
    let text = read_text(path, Input::Key)?;
    let words =
        || format!("{} is not a public key: write one with `trocar key export NAME -o FILE`", path.display());
    Ok(PublicKey::from_pem(&text).with_context(words)?)
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
