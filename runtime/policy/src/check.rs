//! From the TOML as it is written to a checked `Policy`.

use crate::columns::clinical;
use crate::grantable::grantable;
use crate::inference::inference;
use crate::policy::{Authors, Isolation, Layer, Policy, PolicyError, Witness};
use crate::raw::{RawDeidentification, RawPolicy};
use toml::Spanned;
use trocar_manifest::canonical;
use trocar_manifest::keys::PublicKey;
use trocar_manifest::reading::{self, Examples, positive, purposes, unique};
use trocar_manifest::text::Problem;
use trocar_terms::{Class, Decimal, Deidentification};

/// PRIVACY.md section 4: a policy may be stricter than these, never looser.
const LOOSEST: [(&str, &str); 7] = [
    ("rho_year", "0.5"),
    ("rho_lifetime", "3.0"),
    ("rho_job", "0.1"),
    ("project_share", "0.2"),
    ("counts_rho_year", "0.05"),
    ("counts_rho_each", "0.001"),
    ("gate_delta_year", "5e-7"),
];
/// The fewest patients that a policy may set for a cohort.
const K_FLOOR: u32 = 8;
/// The fewest with a written reason and a second approver (PRIVACY.md section 4: a rare-cancer dataset).
const K_RARE: u32 = 5;
/// Who must have read code that answers exactly.
const REVIEWS: usize = 2;
/// The shortest slot of a node, in minutes; 0 is the demo's.
const SLOT_FLOOR: u32 = 15;

pub(crate) const EXAMPLES: Examples = &[
    ("schema", "schema = 1"),
    ("size_bound", "size_bound = 500"),
    ("classes", "classes = [\"any-code\"]"),
    ("k", "k = 10"),
    ("k_reason", "k_reason = \"..\""),
    ("rho_year", "rho_year = \"0.5\""),
    ("rho_lifetime", "rho_lifetime = \"3.0\""),
    ("rho_job", "rho_job = \"0.1\""),
    ("project_share", "project_share = \"0.2\""),
    ("counts_rho_year", "counts_rho_year = \"0.05\""),
    ("counts_rho_each", "counts_rho_each = \"0.001\""),
    ("gate_delta_year", "gate_delta_year = \"5e-7\""),
    ("slot_minutes", "slot_minutes = 15"),
    ("approvers", "approvers = 1"),
    ("authors", "authors = [\"any\"]"),
    ("operators", "operators = [\"ed25519:<64 hex digits>\"]"),
    ("reviewers", "reviewers = []"),
    ("purposes", "purposes = [\"DUO:0000006\"]"),
    ("isolation", "isolation = \"process-per-patient\""),
    ("containment", "containment = [\"seccomp\", \"landlock\"]"),
    ("witness", "witness = \"none\""),
    ("deidentification", "[deidentification] with require, burned_in, private_groups and mandatory_tags"),
    ("require", "require = true"),
    ("burned_in", "burned_in = \"refuse\""),
    ("private_groups", "private_groups = \"ignore\""),
    ("mandatory_tags", "mandatory_tags = \"report\""),
    ("grantable", "[grantable] with modalities, pixels, masks, models, attributes and columns"),
    ("modalities", "modalities = [\"CT\"]"),
    ("pixels", "pixels = true"),
    ("masks", "masks = false"),
    ("models", "models = false"),
    ("attributes", "attributes = [{ keyword = \"Manufacturer\", categories = [\"SIEMENS\", \"Philips\"] }]"),
    ("columns", "columns = [{ name = \"age_years\", type = \"integer\", min = 0, max = 120 }]"),
    ("keyword", "keyword = \"Manufacturer\""),
    ("categories", "categories = [\"F\", \"M\"]"),
    ("name", "name = \"age_years\""),
    ("type", "type = \"integer\""),
    ("min", "min = 0"),
    ("max", "max = 120"),
    ("inference", "[inference] with runtime = \"tract\""),
    ("runtime", "runtime = \"tract\""),
    ("library", "library = \"/opt/onnxruntime/libonnxruntime.so\""),
    ("digest", "digest = \"sha256:<64 hex digits>\""),
    ("clinical", "[clinical] with key and index_date"),
    ("key", "key = \"patient_id\""),
    ("index_date", "index_date = \"diagnosis_date\""),
    ("source", "source = \"AgeAtDiagnosis\""),
    ("missing", "missing = [\"NA\", \"999\"]"),
    ("map", "map = { male = \"M\", female = \"F\" }"),
];

pub(crate) fn policy(file_name: &str, text: &str) -> Result<Policy, PolicyError> {
    checked(text).map_err(|problem| problem.within(file_name, text))
}

fn checked(text: &str) -> Result<Policy, Problem> {
    let raw: RawPolicy = reading::toml(text, EXAMPLES)?;
    let clinical = clinical(raw.clinical.as_ref())?;
    let mut policy = Policy {
        schema: reading::schema_one(&raw.schema)?,
        size_bound: size_bound(&raw)?,
        classes: classes(&raw.classes)?,
        k: k(&raw)?,
        k_reason: raw.k_reason.as_ref().map(|r| r.get_ref().clone()),
        rho_year: at_most("rho_year", &raw.rho_year)?,
        rho_lifetime: at_most("rho_lifetime", &raw.rho_lifetime)?,
        rho_job: at_most("rho_job", &raw.rho_job)?,
        project_share: at_most("project_share", &raw.project_share)?,
        counts_rho_year: at_most("counts_rho_year", &raw.counts_rho_year)?,
        counts_rho_each: at_most("counts_rho_each", &raw.counts_rho_each)?,
        gate_delta_year: at_most("gate_delta_year", &raw.gate_delta_year)?,
        slot_minutes: slot_minutes(&raw.slot_minutes)?,
        approvers: approvers(&raw)?,
        authors: authors(&raw.authors)?,
        operators: keys(&raw.operators)?,
        reviewers: reviewers(&raw)?,
        purposes: purposes(&raw.purposes)?,
        isolation: isolation(&raw.isolation)?,
        containment: containment(&raw.containment)?,
        witness: witness(&raw.witness)?,
        deidentification: deidentification(&raw.deidentification)?,
        inference: inference(raw.inference.as_ref())?,
        grantable: grantable(&raw.grantable, &clinical)?,
        clinical,
        text: text.to_owned(),
        canonical: Vec::new(),
    };
    let whole = |e: canonical::CanonicalError| Problem::new(0..0, e.to_string(), "write finite numbers");
    policy.canonical = canonical::json(&policy).map_err(whole)?;
    Ok(policy)
}

fn isolation(given: &Spanned<String>) -> Result<Isolation, Problem> {
    match given.get_ref().as_str() {
        "process-per-patient" => Ok(Isolation::ProcessPerPatient),
        "shared-worker" => Ok(Isolation::SharedWorker),
        other => {
            let help = "write `isolation = \"process-per-patient\"`, or \"shared-worker\" for reviewed code that sees no image";
            Err(Problem::new(given.span(), format!("isolation = \"{other}\" is not known"), help))
        }
    }
}

/// A list that leaves a layer out says in writing that the node does without it where the kernel lacks it.
fn containment(list: &Spanned<Vec<Spanned<String>>>) -> Result<Vec<Layer>, Problem> {
    unique(list.get_ref(), "layer")?;
    let layer = |word: &Spanned<String>| match word.get_ref().as_str() {
        "seccomp" => Ok(Layer::Seccomp),
        "landlock" => Ok(Layer::Landlock),
        other => {
            let help = "write `containment = [\"seccomp\", \"landlock\"]`, or less where the kernel has less";
            Err(Problem::new(word.span(), format!("`{other}` is no layer of containment"), help))
        }
    };
    list.get_ref().iter().map(layer).collect()
}

/// The key is pinned here: a witness that anyone could stand in for would witness nothing.
fn witness(given: &Spanned<String>) -> Result<Option<Witness>, Problem> {
    let text = given.get_ref().as_str();
    if text == "none" {
        return Ok(None);
    }
    let remote = text.starts_with("http://") || text.starts_with("https://");
    match text.split_once('#') {
        Some((url, key)) if remote && !key.is_empty() => {
            Ok(Some(Witness::Remote { url: url.to_owned(), key: key.to_owned() }))
        }
        None if text.starts_with('/') => Ok(Some(Witness::Folder(text.to_owned()))),
        Some(_) | None => {
            let help = "write `witness = \"none\"`, an absolute path outside the home, or the line that `trocar witness` prints";
            Err(Problem::new(given.span(), "this is no witness", help))
        }
    }
}

fn size_bound(raw: &RawPolicy) -> Result<u32, Problem> {
    let bound = *raw.size_bound.get_ref();
    if bound >= *raw.k.get_ref() && bound <= 10_000_000 {
        return Ok(bound);
    }
    let help = "write more patients than the dataset will ever have, at least k and at most 10_000_000";
    Err(Problem::new(raw.size_bound.span(), "size_bound is below k or above ten million", help))
}

fn classes(list: &Spanned<Vec<Spanned<Class>>>) -> Result<Vec<Class>, Problem> {
    let words: Vec<Spanned<&str>> =
        list.get_ref().iter().map(|c| Spanned::new(c.span(), c.get_ref().word())).collect();
    unique(&words, "class")?;
    if words.is_empty() {
        return Err(Problem::new(list.span(), "no class may run", "write `classes = [\"any-code\"]`"));
    }
    Ok(list.get_ref().iter().map(|c| *c.get_ref()).collect())
}

fn k(raw: &RawPolicy) -> Result<u32, Problem> {
    let k = *raw.k.get_ref();
    if let Some(reason) = raw.k_reason.as_ref().filter(|r| !said(r)) {
        let help = "write a sentence of at least 20 letters on one line";
        return Err(Problem::new(reason.span(), "k_reason gives no reason", help));
    }
    let rare = k >= K_RARE && raw.k_reason.is_some() && *raw.approvers.get_ref() >= 2;
    if k >= K_FLOOR || rare {
        return Ok(k);
    }
    let message = format!("k = {k} protects too few patients: the floor is {K_FLOOR}");
    let help = "write `k = 10`, or a larger number; a dataset of a rare disease may have 5 with `k_reason = \"..\"` and \
                `approvers = 2`";
    Err(Problem::new(raw.k.span(), message, help))
}

fn said(reason: &Spanned<String>) -> bool {
    let text = reason.get_ref().trim();
    (20..=500).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// An approval takes this many operators' signatures; where operators are named there are as many.
fn approvers(raw: &RawPolicy) -> Result<u32, Problem> {
    let approvers = *raw.approvers.get_ref();
    let named = raw.operators.get_ref().len();
    if (1..=MOST_APPROVERS).contains(&approvers) && (named == 0 || approvers as usize <= named) {
        return Ok(approvers);
    }
    let message = format!("approvers = {approvers} cannot be: {named} operators are named");
    Err(Problem::new(
        raw.approvers.span(),
        message,
        "write 1, or at most as many as there are operators, up to 8",
    ))
}

const MOST_APPROVERS: u32 = 8;

/// Exact answers take two reviewers; without them the class could never run.
fn reviewers(raw: &RawPolicy) -> Result<Vec<PublicKey>, Problem> {
    let reviewed = raw.classes.get_ref().iter().find(|c| *c.get_ref() == Class::ReviewedCode);
    let named = keys(&raw.reviewers)?;
    match reviewed {
        Some(class) if named.len() < REVIEWS => {
            let message = format!("reviewed-code needs {REVIEWS} reviewers, and {} are named", named.len());
            let help = "name two keys or more in `reviewers`, or write `classes = [\"any-code\"]`";
            Err(Problem::new(class.span(), message, help))
        }
        Some(_) | None => Ok(named),
    }
}

/// Above zero and not looser than the table of PRIVACY.md section 4.
fn at_most(name: &str, value: &Spanned<Decimal>) -> Result<Decimal, Problem> {
    let given = positive(value)?;
    let (_, text) = LOOSEST.iter().find(|(n, _)| *n == name).unwrap_or(&("", "0"));
    let loosest: Decimal = text.parse().unwrap_or(Decimal::ZERO);
    if given <= loosest {
        return Ok(given);
    }
    let message = format!("{name} = {given} is looser than a policy may be");
    Err(Problem::new(value.span(), message, format!("write `{name} = \"{text}\"`, or less")))
}

fn slot_minutes(slot: &Spanned<u32>) -> Result<u32, Problem> {
    let minutes = *slot.get_ref();
    if minutes == 0 || (SLOT_FLOOR..=1440).contains(&minutes) {
        return Ok(minutes);
    }
    let message = format!("a slot of {minutes} minutes tells too much or comes too late");
    Err(Problem::new(slot.span(), message, "write `slot_minutes = 15` up to 1440; 0 for a demo alone"))
}

fn authors(list: &Spanned<Vec<Spanned<String>>>) -> Result<Authors, Problem> {
    let help = "write `authors = [\"any\"]` or a list of keys `\"ed25519:<64 hex digits>\"`";
    unique(list.get_ref(), "author")?;
    match list.get_ref().as_slice() {
        [] => Err(Problem::new(list.span(), "no author's package may run", help)),
        [any] if any.get_ref() == "any" => Ok(Authors::Any),
        keys => {
            let key = |text: &Spanned<String>| -> Result<PublicKey, Problem> {
                let wrong = |_| Problem::new(text.span(), format!("`{}` is not a key", text.get_ref()), help);
                text.get_ref().parse().map_err(wrong)
            };
            Ok(Authors::Keys(keys.iter().map(key).collect::<Result<_, _>>()?))
        }
    }
}

fn keys(list: &Spanned<Vec<Spanned<PublicKey>>>) -> Result<Vec<PublicKey>, Problem> {
    unique(list.get_ref(), "key")?;
    Ok(list.get_ref().iter().map(|k| *k.get_ref()).collect())
}

fn deidentification(raw: &RawDeidentification) -> Result<Deidentification, Problem> {
    one_word(&raw.burned_in, "burned_in", "refuse")?;
    one_word(&raw.mandatory_tags, "mandatory_tags", "report")?;
    Ok(Deidentification { require: raw.require, private_groups: raw.private_groups })
}

fn one_word(given: &Spanned<String>, key: &str, word: &str) -> Result<(), Problem> {
    if given.get_ref() == word {
        return Ok(());
    }
    let message = format!("{key} = \"{}\" is not known", given.get_ref());
    Err(Problem::new(given.span(), message, format!("write `{key} = \"{word}\"`, the only rule there is")))
}
