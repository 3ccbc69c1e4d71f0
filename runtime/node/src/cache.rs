//! Compiled components, kept under `cache/` with an HMAC: machine code is loaded only where this node made it.

use crate::audit::mac;
use crate::error::NodeError;
use crate::files;
use crate::node::Node;
use hmac::Mac;
use trocar_manifest::Package;
use trocar_terms::Digest;
use trocar_worker::{CompileError, Grant, MachineCode};

const TAG: usize = 32;

impl Node {
    /// Compiles a package's component for this engine and CPU, or takes it from the cache.
    ///
    /// The outer error is the node's, the inner one the component's.
    pub(crate) fn machine_code(
        &self,
        package: &Package,
        grant: &Grant,
    ) -> Result<Result<MachineCode, CompileError>, NodeError> {
        let name = cache_name(package);
        let path = self.home().cache_path(&name);
        let key = self.home().audit_key()?;
        if let Some(code) = std::fs::read(&path).ok().and_then(|bytes| authenticated(&bytes, &name, &key)) {
            return Ok(Ok(MachineCode::from_authenticated_bytes(code)));
        }
        let code = match trocar_worker::compile(self.launcher(), &package.component, grant) {
            Ok(code) => code,
            Err(error) => return Ok(Err(error)),
        };
        files::private_dir(&self.home().cache_path(""))?;
        files::write_durably(&path, &[&tag(code.as_bytes(), &name, &key), code.as_bytes()].concat())?;
        Ok(Ok(code))
    }
}

/// The manifest's digest fixes component and grant; the engine's id fixes version, settings and CPU.
fn cache_name(package: &Package) -> String {
    let engine = Digest::of(trocar_worker::engine_id().as_bytes());
    format!("{}-{}.code", package.manifest.digest().hex(), engine.hex())
}

fn tag(code: &[u8], name: &str, key: &[u8; 32]) -> Vec<u8> {
    mac(key, &[b"machine code", name.as_bytes(), code]).finalize().into_bytes().to_vec()
}

fn authenticated(bytes: &[u8], name: &str, key: &[u8; 32]) -> Option<Vec<u8>> {
    let (tag, code) = bytes.split_at_checked(TAG)?;
    mac(key, &[b"machine code", name.as_bytes(), code]).verify_slice(tag).ok()?;
    Some(code.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_code_that_this_node_did_not_make_is_not_loaded() {
        let key = [1; 32];
        let good = [tag(b"code", "a", &key), b"code".to_vec()].concat();
        assert_eq!(authenticated(&good, "a", &key).as_deref(), Some(&b"code"[..]));
        assert_eq!(authenticated(&good, "b", &key), None, "another component's code was accepted");
        assert_eq!(authenticated(&good, "a", &[2; 32]), None, "another node's code was accepted");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(authenticated(&bad, "a", &key), None, "byte {at} was not covered");
        }
        assert_eq!(authenticated(b"short", "a", &key), None);
    }
}
