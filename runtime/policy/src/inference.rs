//! Which runtime computes models: the embedded one, or a library that the operator has installed.

use crate::policy::InstalledRuntime;
use crate::raw::RawInference;
use toml::Spanned;
use trocar_manifest::text::Problem;

const EMBEDDED: &str = "tract";
const INSTALLED: &str = "onnxruntime";

/// The digest is pinned here: whatever stands at the path is code that meets patients' data.
pub(crate) fn inference(raw: Option<&RawInference>) -> Result<Option<InstalledRuntime>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    let help = "write `runtime = \"tract\"` alone, or `runtime = \"onnxruntime\"` with the absolute path of its library \
                and the library's digest, as `sha256sum` prints it, after sha256:";
    let wrong = |message: &str| Err(Problem::new(raw.runtime.span(), message.to_owned(), help));
    let absolute = |path: &&Spanned<String>| path.get_ref().starts_with('/');
    match (raw.runtime.get_ref().as_str(), &raw.library, &raw.digest) {
        (EMBEDDED, None, None) => Ok(None),
        (EMBEDDED, ..) => wrong("the embedded runtime has no library"),
        (INSTALLED, Some(path), Some(digest)) if absolute(&path) => {
            Ok(Some(InstalledRuntime { library: path.get_ref().clone(), digest: *digest.get_ref() }))
        }
        (INSTALLED, ..) => wrong("onnxruntime needs library, an absolute path, and digest"),
        _ => wrong("there is no such runtime"),
    }
}
