//! Where in a manifest's text that stands which another crate refuses: the filter knows the rules of noise, and the text is here.

use crate::manifest::Manifest;
use crate::raw::RawManifest;
use crate::text::{Problem, TextError};
use std::ops::Range;
use toml::Spanned;
use trocar_terms::{Decimal, Name};

/// Something that a manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `privacy.gate_rho`.
    GateRho,
    /// `privacy.gate_delta`.
    GateDelta,
    /// `privacy.rounds`.
    Rounds,
    /// An output, by its name.
    Output(Name),
    /// An output's rho; its name, where the rho is not written.
    Rho(Name),
    /// A derived statistic, by its name.
    Derived(Name),
}

/// The text that a manifest was read from. It is no part of what a manifest is: two of the same meaning are equal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    pub(crate) file_name: String,
    pub(crate) text: String,
}

impl PartialEq for Source {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Manifest {
    /// `message` and `help` at the line of its text that they are about.
    #[must_use]
    pub fn pointed(&self, place: &Place, message: &str, help: &str) -> TextError {
        let raw: Result<RawManifest, _> = toml::from_str(&self.source.text);
        let span = raw.ok().and_then(|raw| span(&raw, place)).unwrap_or(0..0);
        Problem::new(span, message, help).within(&self.source.file_name, &self.source.text)
    }
}

fn span(raw: &RawManifest, place: &Place) -> Option<Range<usize>> {
    let output = |name: &Name| raw.outputs.iter().find(|output| output.name.get_ref() == name);
    match place {
        Place::GateRho => Some(raw.privacy.gate_rho.span()),
        Place::GateDelta => Some(raw.privacy.gate_delta.span()),
        Place::Rounds => Some(raw.privacy.rounds.span()),
        Place::Output(name) => output(name).map(|output| output.name.span()),
        Place::Rho(name) => {
            output(name).map(|o| o.rho.as_ref().map_or_else(|| o.name.span(), Spanned::<Decimal>::span))
        }
        Place::Derived(name) => raw.derived.iter().find(|d| d.name.get_ref() == name).map(|d| d.name.span()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = include_str!("../../../manifests/valid/every-kind.toml");

    fn pointed(place: &Place) -> String {
        let manifest = Manifest::parse("m.toml", TEXT).unwrap();
        let span = manifest.pointed(place, "wrong", "write it").problem().span.clone();
        TEXT[span].to_owned()
    }

    #[test]
    fn a_rule_of_the_filter_is_shown_at_the_line_that_breaks_it() {
        let name: Name = "patients".parse().unwrap();
        assert_eq!(pointed(&Place::GateRho), "\"0.02\"");
        assert_eq!(pointed(&Place::Rounds), "1");
        assert_eq!(pointed(&Place::Output(name)), "\"patients\"");
        assert_eq!(pointed(&Place::Output("absent".parse().unwrap())), "");
    }
}
