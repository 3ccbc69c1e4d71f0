//! Who is in the crate, for whom and under which terms: Five Safes' people, project and organisations.

use crate::crate_metadata::{Described, FIVE_SAFES, PROCESS_RUN, refers};
use serde_json::{Map, Value, json};
use trocar_manifest::Permit;

/// People, organisations, the project, permit and profiles.
pub(crate) fn people(said: &Described<'_>) -> Vec<Value> {
    let mut all = profiles();
    all.extend(parties(said));
    all.extend(asking(said));
    all.extend(permit(said));
    all
}

fn profiles() -> Vec<Value> {
    let profile = |id: &str, name: &str, version: &str| json!({"@id": id, "@type": ["CreativeWork", "Profile"], "name": name, "version": version});
    vec![
        profile(FIVE_SAFES, "Five Safes RO-Crate profile", "0.4"),
        profile(PROCESS_RUN, "Process Run Crate", "0.5"),
        json!({"@id": "#terms", "@type": "CreativeWork", "name": "Terms of the data holder",
               "description": "To be used as agreed with the organisation that runs the node."}),
    ]
}

/// The node, and everyone whose key signed something.
fn parties(said: &Described<'_>) -> Vec<Value> {
    let request = said.request;
    let person = |id: String, what: &str, key: &dyn ToString| {
        json!({"@id": id, "@type": "Person", "name": format!("{what} {}", key.to_string()),
               "identifier": key.to_string()})
    };
    let mut all = vec![
        json!({"@id": "#node", "@type": "Organization", "name": request.node_name}),
        json!({"@id": "#policy", "@type": "CreativeWork", "name": format!("Policy of {}", request.dataset),
               "identifier": request.policy, "publisher": refers("#node")}),
        person("#author".into(), "Author", &request.author),
    ];
    all.extend(operators(said).iter().zip(1..).map(|(key, i)| person(operator(i), "Operator", key)));
    if let Some(airlock) = &request.airlock {
        all.extend(airlock.reviewers.iter().zip(1..).map(|(key, i)| person(reviewer(i), "Reviewer", key)));
        all.push(person("#checker".into(), "Output checker", &airlock.checker));
    }
    all
}

fn operators(said: &Described<'_>) -> Vec<String> {
    let request = said.request;
    [&request.approver].into_iter().chain(&request.co_approvers).map(ToString::to_string).collect()
}

/// The id of the `i`th operator who signed the approval, from 1.
pub(crate) fn operator(i: usize) -> String {
    format!("#operator-{i}")
}

/// The id of the `i`th reviewer, from 1.
pub(crate) fn reviewer(i: usize) -> String {
    format!("#reviewer-{i}")
}

/// Who asked, for which organisation and project. The node knows no more of them than the operator signed.
fn asking(said: &Described<'_>) -> Vec<Value> {
    let permit = said.approval.permit.clone().unwrap_or_default();
    let project = &said.approval.project;
    let name = permit.person.unwrap_or_else(|| "A person whom the approval does not name".to_owned());
    let mut person =
        json!({"@id": "#requester", "@type": "Person", "name": name, "memberOf": refers("#project")});
    let mut responsible = json!({"@id": "#project", "@type": "Project", "name": project_words(project),
        "identifier": project});
    let mut organisation = None;
    if let Some(name) = permit.organisation {
        put(&mut person, "affiliation", refers("#organisation"));
        put(&mut responsible, "member", refers("#organisation"));
        organisation = Some(json!({"@id": "#organisation", "@type": "Organization", "name": name}));
    }
    [person, responsible].into_iter().chain(organisation).collect()
}

fn project_words(project: &str) -> String {
    if project == "any" {
        "Any project: the approval names none".to_owned()
    } else {
        format!("Project {project}")
    }
}

/// The data permit, which is the operator's approval where no other is named, and the purposes that it is for.
fn permit(said: &Described<'_>) -> Vec<Value> {
    let (request, approval) = (said.request, said.approval);
    let Permit { id, issued_by, .. } = approval.permit.clone().unwrap_or_default();
    let name = id
        .as_ref()
        .map_or_else(|| "Approval of the data holder".to_owned(), |id| format!("Data permit {id}"));
    let identifiers: Vec<String> = id.into_iter().chain([request.approval.to_string()]).collect();
    let purposes = &said.manifest.purpose;
    let issuer = if issued_by.is_some() { "#permit-authority" } else { "#node" };
    let mut all = vec![json!({
        "@id": "#permit", "@type": ["CreativeWork", "Permit"], "name": name, "identifier": identifiers,
        "issuedBy": refers(issuer), "validFrom": approval.approved_at, "validUntil": approval.expires,
        "purpose": purposes.iter().map(|code| refers(&duo(code))).collect::<Value>(),
        "subjectOf": refers("approval.dsse.json"),
    })];
    all.extend(
        issued_by.map(|name| json!({"@id": "#permit-authority", "@type": "Organization", "name": name})),
    );
    all.extend(purposes.iter().map(|code| {
        json!({"@id": duo(code), "@type": "DefinedTerm", "name": code, "termCode": code,
               "inDefinedTermSet": "http://purl.obolibrary.org/obo/duo.owl"})
    }));
    all
}

/// The address of a term of the GA4GH Data Use Ontology.
fn duo(code: &impl ToString) -> String {
    format!("http://purl.obolibrary.org/obo/{}", code.to_string().replace(':', "_"))
}

pub(crate) fn put(entity: &mut Value, key: &str, value: Value) {
    if let Some(map) = entity.as_object_mut() {
        Map::insert(map, key.to_owned(), value);
    }
}
