//! The names that a network shares, and the columns of a hospital's own table that stand for them.
//!
//! Sources, read in November 2026: the search keys of EUCAIM's federated search (samply/lens-eucaim and samply/focus,
//! `SNOMEDCT..`, `RID..`, `C..`), the fields of its common data model (EUCAIM/etl-toolset,
//! `3_init_eucaim_cdm_output.sql`, after OMOP and mCODE) and the minimum clinical attributes of its handbook
//! (EUCAIM/handbook, `DataPreparation.md`). Units stand in our names, as everywhere on a node.

/// A name of the common data model.
#[derive(Debug, Clone, Copy)]
pub struct CommonName {
    /// On a node: in policies, manifests, cohorts.
    pub name: &'static str,
    /// The field of EUCAIM's common data model.
    pub field: &'static str,
    /// The key of EUCAIM's federated search; empty where it does not search for it.
    pub search_key: &'static str,
    /// Where a node has it from.
    pub from: From,
}

/// Where the values of a common name come from.
#[derive(Debug, Clone, Copy)]
pub enum From {
    /// From this attribute of the images, never from the table.
    Images(&'static str),
    /// From a column of the clinical table.
    Table {
        /// What the column is called elsewhere: small letters and digits alone.
        aliases: &'static [&'static str],
        /// The rest of its rule in a policy; empty where only the hospital knows the closed list.
        rule: &'static str,
        /// Whether a policy that nobody has read yet grants it: sex and age alone. Others are written as comments.
        granted: bool,
    },
}

const fn table(
    name: &'static str,
    field: &'static str,
    search_key: &'static str,
    aliases: &'static [&'static str],
    (rule, granted): (&'static str, bool),
) -> CommonName {
    CommonName { name, field, search_key, from: From::Table { aliases, rule, granted } }
}

const fn images(
    name: &'static str,
    field: &'static str,
    search_key: &'static str,
    keyword: &'static str,
) -> CommonName {
    CommonName { name, field, search_key, from: From::Images(keyword) }
}

const YEARS: &str = r#"type = "real", min = 0, max = 120"#;
const MISSING: &str = r#", missing = ["NA", "NaN", "unknown"]"#;
const SEX: &str = r#"type = "category", categories = ["F", "M"], map = { f = "F", female = "F", Female = "F", FEMALE = "F", m = "M", male = "M", Male = "M", MALE = "M" }"#;

/// Every common name. A plain `Age` stays `age_years`: that it is the age at diagnosis only the hospital can say.
pub const COMMON_NAMES: &[CommonName] = &[
    table(
        "sex",
        "patient.patient_birth_sex",
        "SNOMEDCT263495000",
        &["sex", "birthsex", "sexatbirth", "patientsex", "patientbirthsex", "biologicalsex", "gender"],
        (SEX, true),
    ),
    table(
        "age_at_diagnosis_years",
        "cancer_condition.cancer_condition_age_at_diagnosis",
        "SNOMEDCT423493009",
        &[
            "ageatdiagnosis",
            "ageatdiagnosisyears",
            "diagnosisage",
            "ageatdx",
            "dxage",
            "cancerconditionageatdiagnosis",
        ],
        (YEARS, true),
    ),
    table(
        "age_years",
        "",
        "",
        &["age", "ageyears", "ageinyears", "patientage"],
        (r#"type = "integer", min = 0, max = 120"#, true),
    ),
    table(
        "diagnosis",
        "cancer_condition.cancer_condition_code",
        "SNOMEDCT439401001",
        &["diagnosis", "primarydiagnosis", "diagnosiscode", "cancertype", "cancerconditioncode", "pathology"],
        ("", false),
    ),
    table(
        "year_of_diagnosis",
        "cancer_condition.cancer_condition_asserted_date",
        "SNOMEDCT432213005",
        &["yearofdiagnosis", "diagnosisyear", "dxyear", "yeardx"],
        (r#"type = "integer", min = 1950, max = 2100"#, false),
    ),
    table(
        "days_to_last_contact",
        "patient.patient_date_of_last_contact",
        "",
        &[
            "dateoflastcontact",
            "lastcontactdate",
            "patientdateoflastcontact",
            "dateoflastfollowup",
            "daystolastcontact",
        ],
        (r#"type = "days", min = -36500, max = 36500"#, false),
    ),
    table(
        "days_to_first_treatment",
        "treatment.offset_from_diagnosis",
        "",
        &["dateoffirsttreatment", "firsttreatmentdate", "treatmentstartdate", "daystofirsttreatment"],
        (r#"type = "days", min = -36500, max = 36500"#, false),
    ),
    table(
        "survival_days",
        "",
        "",
        &["survivaldays", "overallsurvivaldays", "osdays"],
        (r#"type = "days", min = 0, max = 36500"#, false),
    ),
    table(
        "event",
        "",
        "",
        &["event", "eventobserved", "osevent"],
        (r#"type = "integer", min = 0, max = 1"#, false),
    ),
    images("modality", "image_series.series_modality", "RID10311", "Modality"),
    images("body_part", "image_series.series_body_side_code", "SNOMEDCT123037004", "BodyPartExamined"),
    images("manufacturer", "image_series.series_manufacturer", "C25392", "Manufacturer"),
];

/// What the key of a table is called elsewhere.
const KEYS: &[&str] = &["patientid", "patientidentifier", "subjectid", "caseid", "patient", "subject"];
/// What the date of the diagnosis is called elsewhere: EUCAIM counts days from it (`.._offset_from_diagnosis`).
const INDEX_DATES: &[&str] =
    &["diagnosisdate", "dateofdiagnosis", "dxdate", "cancerconditionasserteddate", "indexdate"];

/// What of a table's head has a common name, as lines of a policy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// The `[clinical]` table, or nothing where its defaults fit.
    pub(crate) clinical: String,
    /// Lines within `columns = [..]`.
    pub(crate) columns: String,
}

/// Proposes a rule for each column that is known by name. No cell is looked at: a closed list is never made from data.
/// What was never granted unread stays a comment: the operator takes the mark away.
pub(crate) fn propose(head: &[String]) -> Proposal {
    let mut proposal = Proposal { clinical: String::new(), columns: String::new() };
    let exact = |name: &str| head.iter().any(|column| column == name);
    let first =
        |names: &[&str]| head.iter().find(|column| writable(column) && names.contains(&&*bare(column)));
    if let Some(key) = first(KEYS).filter(|_| !exact(trocar_terms::TableRules::KEY)) {
        proposal.clinical.push_str(&format!("key = {}\n", quoted(key)));
    }
    if let Some(date) = first(INDEX_DATES) {
        proposal.clinical.push_str(&format!("index_date = {}   # days are counted from it\n", quoted(date)));
    }
    for common in COMMON_NAMES {
        let From::Table { aliases, rule, granted } = common.from else { continue };
        // The common name itself comes before any other spelling of it.
        let own = head.iter().find(|column| *column == common.name);
        if let Some(column) = own.or_else(|| first(aliases)) {
            proposal.columns.push_str(&line(common.name, column, rule, granted));
        }
    }
    proposal
}

fn line(name: &str, column: &str, rule: &str, granted: bool) -> String {
    let source = if column == name { String::new() } else { format!(", source = {}", quoted(column)) };
    if rule.is_empty() {
        let list = r#"type = "category", categories = [] }, write its closed list"#;
        return format!("    # {{ name = \"{name}\"{source}, {list}\n");
    }
    let mark = if granted { "" } else { "# " };
    format!("    {mark}{{ name = \"{name}\"{source}, {rule}{MISSING} }},\n")
}

/// `AgeAtDiagnosis`, `age_at_diagnosis` and `Age at diagnosis` are one name.
fn bare(column: &str) -> String {
    column.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// A name that a policy can hold on one line.
fn writable(column: &str) -> bool {
    (1..=64).contains(&column.chars().count())
        && column.trim() == column
        && !column.chars().any(char::is_control)
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn head(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_and_aliases_belong_to_one_common_name_each() {
        let mut seen = BTreeSet::new();
        for common in COMMON_NAMES {
            assert!(seen.insert(common.name.to_owned()), "{}", common.name);
            if let From::Table { aliases, .. } = common.from {
                for alias in aliases {
                    assert_eq!(*alias, bare(alias), "an alias is written bare");
                    assert!(
                        seen.insert((*alias).to_owned()) || *alias == common.name,
                        "{alias} stands twice"
                    );
                }
            }
        }
    }

    #[test]
    fn a_columns_spelling_does_not_matter_and_its_own_name_is_kept_as_the_source() {
        let proposal =
            propose(&head(&["Patient ID", "Age at Diagnosis", "Gender", "Date_of_diagnosis", "ward"]));
        assert!(proposal.clinical.contains("key = \"Patient ID\""), "{proposal:?}");
        assert!(proposal.clinical.contains("index_date = \"Date_of_diagnosis\""), "{proposal:?}");
        assert!(
            proposal.columns.contains("name = \"age_at_diagnosis_years\", source = \"Age at Diagnosis\"")
        );
        assert!(proposal.columns.contains("name = \"sex\", source = \"Gender\""));
        assert!(!proposal.columns.contains("ward"));
    }

    #[test]
    fn an_age_of_no_stated_moment_is_not_taken_for_the_age_at_diagnosis() {
        let proposal = propose(&head(&["patient_id", "Age"]));
        assert!(proposal.clinical.is_empty());
        assert!(proposal.columns.starts_with("    { name = \"age_years\", source = \"Age\""), "{proposal:?}");
    }

    #[test]
    fn a_diagnosis_is_proposed_without_a_list_and_so_not_granted() {
        assert!(propose(&head(&["patient_id", "diagnosis"])).columns.starts_with("    # {"));
    }

    #[test]
    fn what_is_read_from_the_images_is_not_proposed_from_the_table() {
        assert_eq!(propose(&head(&["patient_id", "modality", "Manufacturer", "body part"])).columns, "");
    }

    #[test]
    fn a_name_that_would_break_the_line_is_left_out() {
        let proposal = propose(&head(&["patient_id", "Age\n]", "\"sex\""]));
        assert!(!proposal.columns.contains("age_years"), "{proposal:?}");
        assert!(proposal.columns.contains(r#"source = '"sex"'"#), "{proposal:?}");
    }
}
