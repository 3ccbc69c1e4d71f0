//! Checks of `[grantable]`: closed lists, and nothing that identifies.

use crate::columns::column;
use crate::policy::{Clinical, Grantable};
use crate::raw::{RawAttribute, RawGrantable};
use toml::Spanned;
use trocar_manifest::reading::{categories, keyword, unique};
use trocar_manifest::text::Problem;
use trocar_terms::AttributeRule;

pub(crate) fn grantable(raw: &RawGrantable, clinical: &Clinical) -> Result<Grantable, Problem> {
    let codes: Vec<Spanned<&str>> =
        raw.modalities.iter().map(|m| Spanned::new(m.span(), m.get_ref().code())).collect();
    unique(&codes, "modality")?;
    let keywords: Vec<Spanned<String>> = raw.attributes.iter().map(|a| a.keyword.clone()).collect();
    unique(&keywords, "attribute")?;
    let names: Vec<_> = raw.columns.iter().map(|c| c.name.clone()).collect();
    unique(&names, "column")?;
    Ok(Grantable {
        modalities: raw.modalities.iter().map(|m| *m.get_ref()).collect(),
        pixels: raw.pixels,
        masks: raw.masks,
        models: raw.models,
        attributes: raw.attributes.iter().map(attribute).collect::<Result<_, _>>()?,
        columns: raw.columns.iter().map(|c| column(c, clinical)).collect::<Result<_, _>>()?,
    })
}

fn attribute(raw: &RawAttribute) -> Result<AttributeRule, Problem> {
    let keyword = keyword(&raw.keyword)?;
    if identifies(&keyword) {
        let help = "remove it: a guest never sees an UID, a name, an id or an absolute date";
        return Err(Problem::new(
            raw.keyword.span(),
            format!("`{keyword}` identifies a patient or a day"),
            help,
        ));
    }
    Ok(AttributeRule { keyword, categories: categories(&raw.categories)? })
}

/// DESIGN.md section 5: never an UID, a name or an absolute date. Names after the rules of PS3.6.
fn identifies(keyword: &str) -> bool {
    let ends =
        ["UID", "UIDs", "Date", "DateTime", "PatientID", "PatientIDs", "PhysicianName", "OperatorsName"];
    let whole = ["PatientName", "PatientBirthName", "OtherPatientNames", "AccessionNumber", "StudyID"];
    ends.iter().any(|end| keyword.ends_with(end)) || whole.contains(&keyword)
}
