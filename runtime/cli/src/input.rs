//! Files that a person names: read up to a bound; where one is not there, the error says what to do.

use anyhow::Context;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use trocar_manifest::archive;

/// More than any manifest, policy or key needs.
const MAX_TEXT: u64 = 1 << 20;
/// As many bytes as tell one format from another.
const FIRST: u64 = 8;

/// What a file is read as.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Input {
    Manifest,
    Policy,
    Key,
    Component,
    Model,
    Package,
    Bundle,
}

impl Input {
    fn max(self) -> u64 {
        match self {
            Self::Manifest | Self::Policy | Self::Key => MAX_TEXT,
            Self::Component | Self::Model | Self::Package | Self::Bundle => archive::MAX_BYTES as u64,
        }
    }

    /// How every file of the kind begins. Of any other file its first bytes are read alone: they tell that it is none.
    fn begins(self) -> &'static [u8] {
        match self {
            // ONNX has no first bytes of its own.
            Self::Manifest | Self::Policy | Self::Key | Self::Model => b"",
            Self::Component => b"\0asm",
            Self::Package | Self::Bundle => b"PK",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Manifest => {
                "name the manifest with --manifest FILE, and the component with --component FILE"
            }
            Self::Policy => "name the policy with --policy FILE",
            Self::Key => "write it with `trocar key export NAME -o FILE`",
            Self::Component => "name the component with --component FILE",
            Self::Model => "name the model's file with --model NAME=FILE",
            Self::Package => "make the package with `trocar pack`",
            Self::Bundle => "fetch the bundle with `trocar results get JOB -o FILE`",
        }
    }
}

/// The bytes of a file, no more than its kind may have.
pub(crate) fn read_bounded(path: &Path, input: Input) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let mut file = match File::open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            anyhow::bail!("cannot read {shown}: no such file; {}", input.advice())
        }
        other => other.with_context(|| format!("cannot read {shown}"))?,
    };
    let bytes = read(&mut file, input).with_context(|| format!("cannot read {shown}"))?;
    bytes.with_context(|| format!("{shown} is too large: {} bytes is the most that it may have", input.max()))
}

/// `None` where there is more than the maximum.
fn read(file: &mut File, input: Input) -> std::io::Result<Option<Vec<u8>>> {
    let length = file.metadata()?.len();
    if length > input.max() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(FIRST).read_to_end(&mut bytes)?;
    if bytes.starts_with(input.begins()) {
        // In one piece and not by doubling; where memory is short, an error and no abort.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        bytes.try_reserve_exact(length).map_err(|_| ErrorKind::OutOfMemory)?;
        // A device tells no length: one byte more than allowed shows that there is too much.
        file.take(input.max() - FIRST + 1).read_to_end(&mut bytes)?;
    }
    Ok((bytes.len() as u64 <= input.max()).then_some(bytes))
}

/// The same, of a text.
pub(crate) fn read_text(path: &Path, input: Input) -> anyhow::Result<String> {
    String::from_utf8(read_bounded(path, input)?)
        .ok()
        .with_context(|| format!("cannot read {}: it is not UTF-8 text", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_refused() {
        let said = |input| read_bounded(Path::new("/dev/zero"), input);
        assert!(said(Input::Manifest).unwrap_err().to_string().contains("1048576 bytes"));
        // It is no archive and no component: its first bytes tell, and no more of it is read.
        assert_eq!(said(Input::Bundle).unwrap().len(), 8);
        assert_eq!(said(Input::Component).unwrap().len(), 8);
    }

    #[test]
    fn a_file_of_the_largest_size_is_read_and_of_one_byte_more_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.toml");
        std::fs::write(&path, vec![b'#'; 1 << 20]).unwrap();
        assert_eq!(read_text(&path, Input::Manifest).unwrap().len(), 1 << 20);
        std::fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
        assert!(read_text(&path, Input::Manifest).unwrap_err().to_string().contains("too large"));
    }
}
