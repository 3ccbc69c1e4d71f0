//! Each MUST of Five Safes holds on bundles of every outcome, and its assertion can fail: a crate that breaks that one
//! sentence is found by it.

use crate::bag::{self, Files};
use crate::crate_metadata::METADATA;
use crate::five_safes::{Crate, MUSTS};
use crate::fixture::{ALL, COUNT, DERIVED, Job, job, node, reviewed};
use crate::{verify, write, write_reviewed};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use trocar_manifest::{Verdict, archive};

/// The names of the entries, and the files without the folder.
fn opened(bundle: &[u8]) -> (Vec<String>, Files) {
    let all = archive::read(bundle).unwrap();
    let names = all.keys().cloned().collect();
    let inside = |(path, bytes): (String, Vec<u8>)| (path.split_once('/').unwrap().1.to_owned(), bytes);
    (names, all.into_iter().map(inside).collect())
}

fn noised(outputs: &str, patients: u32) -> (Job, Vec<u8>) {
    let job = job(outputs);
    let bytes = write(&job.content(&job.outcome(patients, 1)), &node()).unwrap();
    (job, bytes)
}

/// Bundles of every kind of output and every outcome.
fn every() -> Vec<(crate::Request, Vec<u8>)> {
    let mut all: Vec<_> = [(COUNT, 200), (ALL, 200), (DERIVED, 480), (ALL, 3)]
        .map(|(outputs, patients)| noised(outputs, patients))
        .map(|(job, bytes)| (job.request, bytes))
        .into();
    for verdict in [Verdict::Release, Verdict::Withhold] {
        let job = reviewed(COUNT, 200, verdict);
        let bytes = write_reviewed(&job.content(), &node()).unwrap();
        all.push((job.job.request, bytes));
    }
    all
}

#[test]
fn every_must_of_five_safes_holds_on_bundles_of_every_outcome() {
    for (request, bytes) in every() {
        let (entries, files) = opened(&bytes);
        let graph = Crate::graph_of(&files);
        let bag = Crate { entries: &entries, files: &files, request: &request, graph };
        for must in MUSTS {
            assert!((must.holds)(&bag), "{}: {}", must.section, must.says);
        }
    }
}

/// A bag that is changed before it is looked at.
struct Bag {
    entries: Vec<String>,
    files: Files,
    graph: Vec<Value>,
}

impl Bag {
    fn entity(&mut self, id: &str) -> &mut Value {
        self.graph.iter_mut().find(|entity| entity["@id"] == id).unwrap()
    }

    fn set(&mut self, id: &str, key: &str, value: Value) {
        self.entity(id)[key] = value;
    }

    fn text(&mut self, path: &str, from: &str, to: &str) {
        let old = String::from_utf8(self.files[path].clone()).unwrap();
        self.files.insert(path.to_owned(), old.replacen(from, to, 1).into_bytes());
    }
}

type Change = fn(&mut Bag);

/// What breaks each sentence, in the order of the table.
const BREAKS: &[Change] = &[
    |b| drop(b.files.remove(bag::MANIFEST)),
    |b| b.text(bag::DECLARATION, "1.0", "0.97"),
    |b| drop(b.files.remove(METADATA)),
    |b| b.set("./", "hasPart", json!([{"@id": "absent.csv"}])),
    |b| b.text(bag::INFO, "External-Identifier", "Internal-Identifier"),
    |b| b.set("#check", "object", json!([{"@id": "../fetch.txt"}])),
    |b| b.entries.push("beside.txt".to_owned()),
    |b| b.set("ro-crate-metadata.json", "conformsTo", json!({"@id": "https://w3id.org/ro/crate/1.1"})),
    |b| b.set("./", "@type", json!("Collection")),
    |b| b.set("algorithm/", "conformsTo", json!({"@id": "https://w3id.org/ro/crate/1.2"})),
    |b| b.set("./", "mentions", json!([{"@id": "#check"}])),
    |b| b.set("#run", "instrument", json!({"@id": "#engine"})),
    |b| b.set("#run", "agent", json!({"@id": "#node"})),
    |b| b.set("./", "sourceOrganization", json!({"@id": "#node"})),
    |b| b.set("#run", "object", json!([{"@id": "#nothing"}])),
    |b| b.set("results.csv", "encodingFormat", json!(null)),
    |b| b.set("#sign-off", "name", json!("Sign-off")),
    |b| b.set("#trocar", "provider", json!(null)),
    |b| b.set("#sign-off", "actionStatus", json!("done")),
    |b| b.set("#disclosure-check", "actionStatus", json!("http://schema.org/FailedActionStatus")),
    |b| b.graph.push(json!({"@id": "#review-9", "@type": "AssessAction"})),
    |b| b.set("./", "hasPart", json!([{"@id": "algorithm/"}])),
    |b| b.text(bag::INFO, "trocar", "Trocar"),
    |b| b.set("#validation", "@id", json!("#client")),
    |b| b.graph.push(json!({"@id": "#download", "@type": "DownloadAction"})),
];

#[test]
fn each_must_of_five_safes_has_an_assertion_that_finds_its_breach() {
    let (job, bytes) = noised(ALL, 200);
    assert_eq!(BREAKS.len(), MUSTS.len(), "a sentence without a breach");
    for (change, must) in BREAKS.iter().zip(MUSTS) {
        let (entries, files) = opened(&bytes);
        let mut bad = Bag { graph: Crate::graph_of(&files), entries, files };
        change(&mut bad);
        if !bad.files.contains_key(METADATA) {
            bad.graph.clear();
        }
        let Bag { entries, files, graph } = bad;
        let seen = Crate { entries: &entries, files: &files, request: &job.request, graph };
        assert!(!(must.holds)(&seen), "{}: {} holds on a crate that breaks it", must.section, must.says);
    }
}

#[test]
fn the_table_names_each_sentence_once() {
    let once: BTreeSet<&str> = MUSTS.iter().map(|must| must.says).collect();
    assert_eq!(once.len(), MUSTS.len());
}

fn graph(bundle: &[u8]) -> Vec<Value> {
    Crate::graph_of(&opened(bundle).1)
}

fn entity<'g>(graph: &'g [Value], id: &str) -> &'g Value {
    graph.iter().find(|entity| entity["@id"] == id).unwrap_or(&Value::Null)
}

#[test]
fn each_phase_has_its_agent_its_time_and_its_outcome() {
    let job = reviewed(COUNT, 200, Verdict::Release);
    let graph = graph(&write_reviewed(&job.content(), &node()).unwrap());
    let request = &job.job.request;
    let times = [
        ("#check", "#trocar", request.admitted_at.to_string()),
        ("#validation", "#trocar", request.admitted_at.to_string()),
        ("#sign-off", "#operator-1", "2026-11-01T09:00:00Z".to_owned()),
        ("#review-2", "#reviewer-2", trocar_terms::Timestamp::from_seconds(1_790_000_000).to_string()),
        ("#run", "#requester", request.release_at.to_string()),
        ("#disclosure-check", "#checker", job.decided.decision().decided_at.to_string()),
    ];
    for (id, agent, end) in times {
        let phase = entity(&graph, id);
        let who = if phase["agent"].is_array() { &phase["agent"][0] } else { &phase["agent"] };
        assert_eq!((&who["@id"], &phase["endTime"]), (&agent.into(), &end.into()), "{id}");
        assert_eq!(phase["actionStatus"], "http://schema.org/CompletedActionStatus", "{id}");
    }
}

#[test]
fn permit_project_person_and_purpose_are_those_of_the_approval() {
    let named = trocar_manifest::Permit {
        id: Some("THL/1/14.06/2026".into()),
        issued_by: Some("Findata".into()),
        person: Some("Ada Example".into()),
        organisation: Some("Example University".into()),
    };
    let mut job = job(COUNT);
    let said = trocar_manifest::verify_approval(&job.approval, &[job.request.approver]).unwrap().0;
    let with = trocar_manifest::Approval { permit: Some(named), project: "tumours".into(), ..said };
    job.approval = with.sign(&crate::fixture::key(3)).unwrap();
    job.request.approval = trocar_terms::Digest::of(&job.approval.to_json().unwrap());
    let graph = graph(&write(&job.content(&job.outcome(200, 1)), &node()).unwrap());
    assert_eq!(entity(&graph, "#permit")["identifier"][0], "THL/1/14.06/2026");
    assert_eq!(entity(&graph, "#permit-authority")["name"], "Findata");
    assert_eq!(entity(&graph, "#permit")["purpose"][0]["@id"], "http://purl.obolibrary.org/obo/DUO_0000006");
    assert_eq!(entity(&graph, "#requester")["name"], "Ada Example");
    assert_eq!(entity(&graph, "#requester")["affiliation"]["@id"], "#organisation");
    assert_eq!(entity(&graph, "#organisation")["name"], "Example University");
    assert_eq!(entity(&graph, "#project")["identifier"], "tumours");
}

#[test]
fn a_withheld_crate_names_no_result() {
    let (_, bytes) = noised(ALL, 3);
    assert_eq!(entity(&graph(&bytes), "#run")["result"], Value::Null);
    assert!(verify(&bytes, &[]).is_ok());
}
