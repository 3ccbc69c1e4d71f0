//! The decision: policy, manifest and request in, a verdict out.

use crate::policy::Policy;
use std::collections::BTreeMap;
use trocar_manifest::cohort::{Expr, Literal, Test};
use trocar_manifest::keys::PublicKey;
use trocar_manifest::{Manifest, parameters};
use trocar_terms::{AttributeRule, Class, Code, ColumnRule, ColumnType, Modality, Name, Value};

/// What a researcher asks beside the manifest.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who signed the package.
    pub component_author: PublicKey,
    /// `--param K=V`, as given.
    pub parameters: &'a BTreeMap<String, String>,
    /// `--where EXPR`, as given.
    pub where_: Option<&'a str>,
}

/// The verdict. A denial is a value, not an error.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It may run, if an operator approved it and the budget covers it.
    Admit(Admitted),
    /// It may not.
    Deny {
        /// The stable code with its fixed sentence.
        code: Code,
        /// What exactly, from manifest, policy and request alone.
        detail: String,
    },
}

/// What may run, and nothing else: the proof that the policy allows it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Admitted {
    /// Every parameter with its value.
    pub parameters: BTreeMap<String, Value>,
    /// The manifest's cohort and the researcher's condition.
    pub cohort: Expr,
    /// The normalised text of `cohort`: part of what makes a repeat a repeat.
    pub where_: String,
    /// The granted modalities.
    pub modalities: Vec<Modality>,
    /// The granted attributes with the policy's lists.
    pub attributes: Vec<AttributeRule>,
    /// The granted columns with the policy's types.
    pub columns: Vec<ColumnRule>,
}

/// A denial on its way up.
type Denial = (Code, String);

/// Decides from these three alone, in a fixed order; the first thing that is not allowed is the answer.
#[must_use]
pub fn decide(policy: &Policy, manifest: &Manifest, request: &Request<'_>) -> Decision {
    match admit(policy, manifest, request) {
        Ok(admitted) => Decision::Admit(admitted),
        Err((code, detail)) => Decision::Deny { code, detail },
    }
}

fn admit(policy: &Policy, manifest: &Manifest, request: &Request<'_>) -> Result<Admitted, Denial> {
    class(policy, manifest)?;
    author(policy, request)?;
    purposes(policy, manifest)?;
    images(policy, manifest)?;
    let attributes = attributes(policy, manifest)?;
    let columns = columns(policy, manifest)?;
    budget(policy, manifest)?;
    let parameters = parameters::resolve(manifest, request.parameters)
        .map_err(|error| (Code::ParameterRefused, error.to_string()))?;
    let granted = Granted { attributes: &attributes, columns: &columns };
    let cohort = cohort(manifest, request, &granted)?;
    let modalities = manifest.capabilities.modalities.clone();
    Ok(Admitted { parameters, where_: cohort.normalised(), cohort, modalities, attributes, columns })
}

fn class(policy: &Policy, manifest: &Manifest) -> Result<(), Denial> {
    if policy.classes.contains(&manifest.class) {
        return Ok(());
    }
    Err((Code::ClassForbidden, format!("class {:?}", manifest.class.word())))
}

fn author(policy: &Policy, request: &Request<'_>) -> Result<(), Denial> {
    if policy.authors.include(&request.component_author) {
        return Ok(());
    }
    Err((Code::AuthorForbidden, format!("author {}", request.component_author)))
}

fn purposes(policy: &Policy, manifest: &Manifest) -> Result<(), Denial> {
    match manifest.purpose.iter().find(|p| !policy.purposes.contains(p)) {
        None => Ok(()),
        Some(purpose) => {
            let allowed = policy.purposes.join(", ");
            Err((Code::PurposeForbidden, format!("purpose {purpose:?}; the policy allows {allowed}")))
        }
    }
}

fn images(policy: &Policy, manifest: &Manifest) -> Result<(), Denial> {
    let (asked, may) = (&manifest.capabilities, &policy.grantable);
    let denied = |what: String| Err((Code::NotGrantable, what));
    if let Some(modality) = asked.modalities.iter().find(|m| !may.modalities.contains(m)) {
        return denied(format!("modality {:?}", modality.code()));
    }
    if asked.pixels && !may.pixels {
        return denied("pixels".to_owned());
    }
    if let Some(mask) = asked.masks.first().filter(|_| !may.masks) {
        return denied(format!("mask {mask:?}; the policy grants no masks"));
    }
    if let Some(model) = manifest.models.first().filter(|_| !may.models) {
        return denied(format!("model {:?}; the policy grants no models", model.name.as_str()));
    }
    Ok(())
}

fn attributes(policy: &Policy, manifest: &Manifest) -> Result<Vec<AttributeRule>, Denial> {
    let rules = &policy.grantable.attributes;
    let rule = |keyword: &String| {
        let found = rules.iter().find(|r| r.keyword == *keyword).cloned();
        let names = rules.iter().map(|r| r.keyword.as_str());
        found.ok_or_else(|| (Code::NotGrantable, format!("attribute {keyword:?}; {}", grants(names))))
    };
    manifest.capabilities.attributes.iter().map(rule).collect()
}

fn columns(policy: &Policy, manifest: &Manifest) -> Result<Vec<ColumnRule>, Denial> {
    let rules = &policy.grantable.columns;
    let rule = |name: &Name| {
        let found = rules.iter().find(|r| r.name == *name).cloned();
        let names = rules.iter().map(|r| r.name.as_str());
        found.ok_or_else(|| (Code::NotGrantable, format!("column {:?}; {}", name.as_str(), grants(names))))
    };
    manifest.capabilities.columns.iter().map(rule).collect()
}

fn grants<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        "the policy grants none".to_owned()
    } else {
        format!("the policy grants {}", names.join(", "))
    }
}

/// What the manifest declares against the caps of one job and of a year's gates; the ledger charges the exact cost.
///
/// An exact result has no noise and so no rho: what it may cost is for reviewers and output checkers to weigh.
fn budget(policy: &Policy, manifest: &Manifest) -> Result<(), Denial> {
    if manifest.class == Class::ReviewedCode {
        return Ok(());
    }
    let privacy = &manifest.privacy;
    let outputs = manifest.outputs.iter().map(|o| o.rho.attos()).fold(0, u128::saturating_add);
    let rounds = outputs.saturating_mul(u128::from(privacy.rounds));
    if privacy.gate_rho.attos().saturating_add(rounds) > policy.rho_job.attos() {
        let detail = format!(
            "gate_rho and the outputs' rho {}add up to more than rho_job = {}",
            times(privacy.rounds),
            policy.rho_job
        );
        return Err((Code::JobBudget, detail));
    }
    if privacy.gate_delta > policy.gate_delta_year {
        let detail = format!(
            "gate_delta = {} is above gate_delta_year = {}",
            privacy.gate_delta, policy.gate_delta_year
        );
        return Err((Code::GateDeltaBudget, detail));
    }
    Ok(())
}

/// Reads what a feasibility count asks for: a condition on modality and on granted attributes and columns alone.
///
/// # Errors
/// `CohortRefused` with what exactly is wrong, from policy and text alone.
pub fn countable(policy: &Policy, where_: &str) -> Result<Expr, (Code, String)> {
    let may = &policy.grantable;
    let expr = parsed(where_)?;
    check(&expr, &Granted { attributes: &may.attributes, columns: &may.columns })?;
    Ok(expr)
}

fn times(rounds: u32) -> String {
    if rounds == 1 { String::new() } else { format!("of {rounds} rounds ") }
}

struct Granted<'a> {
    attributes: &'a [AttributeRule],
    columns: &'a [ColumnRule],
}

fn cohort(manifest: &Manifest, request: &Request<'_>, granted: &Granted<'_>) -> Result<Expr, Denial> {
    let base = manifest.cohort.where_.clone();
    check(&base, granted)?;
    let Some(text) = request.where_ else {
        return Ok(base);
    };
    let added = parsed(text)?;
    let filterable: Vec<&str> = manifest.cohort.filterable.iter().map(Name::as_str).collect();
    if let Some(name) = added.names().into_iter().find(|n| !filterable.contains(&n.as_str())) {
        let may = if filterable.is_empty() { "nothing".to_owned() } else { filterable.join(", ") };
        return Err((Code::CohortRefused, format!("--where uses {name:?}; the manifest lets it use {may}")));
    }
    check(&added, granted)?;
    Ok(base.and(added))
}

fn parsed(text: &str) -> Result<Expr, Denial> {
    Expr::parse("--where", text).map_err(|error| {
        let problem = error.problem();
        let detail =
            format!("--where, character {}: {}; {}", problem.span.start, problem.message, problem.help);
        (Code::CohortRefused, detail)
    })
}

fn check(expr: &Expr, granted: &Granted<'_>) -> Result<(), Denial> {
    expr.tests().into_iter().try_for_each(|test| check_test(test, granted))
}

/// A condition reads something granted, and holds it against constants of its type; a word outside the closed list can
/// match nobody and is a slip.
fn check_test(test: &Test, granted: &Granted<'_>) -> Result<(), Denial> {
    let name = test.name.as_str();
    let fits: Box<dyn Fn(&Literal) -> bool> = if name == "modality" {
        Box::new(|l| matches!(l, Literal::Text(t) if Modality::from_code(t).is_some()))
    } else if let Some(rule) = granted.columns.iter().find(|c| c.name.as_str() == name) {
        Box::new(|l| fits_column(&rule.kind, l))
    } else if let Some(rule) = granted.attributes.iter().find(|a| a.keyword == name) {
        Box::new(|l| in_list(&rule.categories, l))
    } else {
        return Err((Code::CohortRefused, format!("the cohort reads {name:?}, which is not granted")));
    };
    match test.condition.literals().into_iter().find(|l| !fits(l)) {
        None => Ok(()),
        Some(literal) => Err((Code::CohortRefused, format!("{name} cannot be compared with {literal}"))),
    }
}

fn fits_column(kind: &ColumnType, literal: &Literal) -> bool {
    match kind {
        ColumnType::Integer { .. } | ColumnType::Real { .. } | ColumnType::Days { .. } => {
            matches!(literal, Literal::Integer(_) | Literal::Real(_))
        }
        ColumnType::Category { categories } => in_list(categories, literal),
    }
}

fn in_list(categories: &[String], literal: &Literal) -> bool {
    matches!(literal, Literal::Text(text) if categories.contains(text))
}
