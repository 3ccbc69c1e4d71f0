//! Every MUST of Five Safes RO-Crate 0.4 (w3id.org/5s-crate/0.4, 2023-09-15), each with the assertion that holds it.
//!
//! `verify` asks all of them of each bundle, so that a node hands out none that breaks one. Two of the profile's MUSTs are
//! about what an environment does while it works (fetching workflows from outside, dropping a client's own assessments):
//! they are held by what a crate of a node that does neither looks like.

use crate::bag::{self, DATA, Files};
use crate::content::Request;
use crate::crate_metadata::{CRATE, METADATA};
use crate::write::RESULTS;
use serde_json::Value;

/// A bag as the table looks at it.
pub(crate) struct Crate<'a> {
    /// The names of the archive's entries.
    pub(crate) entries: &'a [String],
    pub(crate) files: &'a Files,
    pub(crate) request: &'a Request,
    /// The `@graph` of the metadata file.
    pub(crate) graph: Vec<Value>,
}

/// One sentence of the profile and what holds it.
pub(crate) struct Must {
    /// The section.
    pub(crate) section: &'static str,
    /// The sentence, in our words.
    pub(crate) says: &'static str,
    pub(crate) holds: fn(&Crate<'_>) -> bool,
}

const fn must(section: &'static str, says: &'static str, holds: fn(&Crate<'_>) -> bool) -> Must {
    Must { section, says, holds }
}

/// In the order of the profile.
pub(crate) const MUSTS: &[Must] = &[
    must("Archive serialisation", "the payload manifest is there with sha-512", |c| c.lists_payload()),
    must("Archive serialisation", "bagit.txt says BagIt 1.0 or later", |c| {
        c.text(bag::DECLARATION).starts_with("BagIt-Version: 1.0\n")
    }),
    must("Archive serialisation", "the RO-Crate metadata file is at the top of the payload", |c| {
        c.files.contains_key(METADATA) && !c.graph.is_empty()
    }),
    must("BagIt expectations", "the crate's root is the payload folder", |c| {
        c.one("./").is_some() && c.list("./", "hasPart").iter().all(|id| c.has_path(id))
    }),
    must("BagIt expectations", "bag-info.txt has an External-Identifier", |c| {
        c.text(bag::INFO)
            .lines()
            .any(|line| line.strip_prefix("External-Identifier: ").is_some_and(|id| !id.is_empty()))
    }),
    must("BagIt expectations", "nothing outside the payload is referenced", |c| {
        c.ids().all(|id| !id.split('/').any(|part| part == "..") && !id.starts_with('/'))
    }),
    must("Zip expectations", "one top-level entry: the folder of the bag", |c| {
        let tops: std::collections::BTreeSet<_> = c.entries.iter().map(|e| e.split('/').next()).collect();
        tops.len() == 1
            && c.entries.iter().any(|e| e.split_once('/').is_some_and(|(_, rest)| rest == bag::DECLARATION))
    }),
    must("Metadata file expectations", "the descriptor declares RO-Crate 1.2", |c| {
        c.list("ro-crate-metadata.json", "conformsTo").iter().any(|id| id == CRATE)
            && c.list("ro-crate-metadata.json", "about") == ["./"]
    }),
    must("Metadata file expectations", "the root data entity's id is ./", |c| c.is_a("./", "Dataset")),
    must("Referencing a Workflow Crate", "the main entity is a Dataset that is a Workflow RO-Crate", |c| {
        let main = c.list("./", "mainEntity");
        let conforms = |id: &String| {
            let to = c.list(id, "conformsTo");
            c.is_a(id, "Dataset")
                && to.len() == 1
                && to.iter().all(|to| to.starts_with("https://w3id.org/workflowhub/workflow-ro-crate/"))
        };
        main.len() == 1
            && main.iter().all(conforms)
            && main.iter().all(|id| c.has_path(&format!("{id}ro-crate-metadata.json")))
    }),
    must("Requested Workflow Run", "there is a CreateAction, and the root mentions it", |c| {
        c.run().is_some_and(|run| c.list("./", "mentions").contains(&run))
    }),
    must("Requested Workflow Run", "the CreateAction's instrument is the Workflow Crate", |c| {
        c.run().is_some_and(|run| c.list(&run, "instrument") == c.list("./", "mainEntity"))
    }),
    must("Requesting Agent", "the CreateAction's agent is a person", |c| {
        c.run().is_some_and(|run| c.all_are(&c.list(&run, "agent"), "Person"))
    }),
    must("Responsible Project", "the root's sourceOrganization is a project", |c| {
        c.all_are(&c.list("./", "sourceOrganization"), "Project")
    }),
    must("Inputs", "each input is an entity of the crate", |c| {
        c.run().is_some_and(|run| c.list(&run, "object").iter().all(|id| c.one(id).is_some()))
    }),
    must("Outputs", "each output is described: a kind of its own, a name, a format", |c| {
        let described =
            |id: &String| c.is_a(id, "File") && c.says(id, "name") && c.says(id, "encodingFormat");
        c.results().iter().all(described)
    }),
    must("Review process", "each check has a name that tells its kind and its outcome", |c| {
        let told = |id: &String| {
            c.word(id, "name")
                .rsplit_once(": ")
                .is_some_and(|(kind, end)| !kind.is_empty() && !end.is_empty())
        };
        c.checks().iter().all(told)
    }),
    must("Review process", "software that acts for the environment names it as provider", |c| {
        let agents = c.checks().into_iter().flat_map(|id| c.list(&id, "agent"));
        let software = agents.filter(|id| c.is_a(id, "SoftwareApplication"));
        software.collect::<Vec<_>>().iter().all(|id| c.all_are(&c.list(id, "provider"), "Organization"))
    }),
    must("Review process", "the status of an action is one of the four states", |c| {
        let states = ["Potential", "Active", "Completed", "Failed"]
            .map(|s| format!("http://schema.org/{s}ActionStatus"));
        c.checks().into_iter().chain(c.run()).all(|id| states.contains(&c.word(&id, "actionStatus")))
    }),
    must("Disclosure phase", "nothing of a result that failed its disclosure check is in the crate", |c| {
        let failed = |id: &String| {
            c.list(id, "additionalType").iter().any(|t| t.ends_with("#DisclosureCheck"))
                && !c.word(id, "actionStatus").ends_with("/CompletedActionStatus")
        };
        !c.checks().iter().any(failed) || (c.results().is_empty() && !c.has_numbers())
    }),
    must("Publishing phase", "the root mentions every AssessAction", |c| {
        let mentions = c.list("./", "mentions");
        !c.checks().is_empty() && c.checks().iter().all(|id| mentions.contains(id))
    }),
    must("Publishing phase", "every result is a part of the root", |c| {
        let parts = c.list("./", "hasPart");
        c.results().iter().all(|id| parts.contains(id))
    }),
    must("Publishing phase", "payload and tag manifests are those of the final files", |c| {
        c.text(bag::MANIFEST) == bag::digests(bag::payload(c.files))
            && c.text(bag::TAG_MANIFEST) == bag::digests(bag::tags(c.files))
    }),
    must("Security considerations", "no assessment is there but those of this node's phases", |c| {
        let own = |id: &String| {
            ["#check", "#validation", "#sign-off", "#disclosure-check"].contains(&id.as_str())
                || id.starts_with("#review-")
        };
        let signed = 4_usize.saturating_add(c.request.airlock.as_ref().map_or(0, |a| a.reviewers.len()));
        c.checks().iter().all(own) && c.checks().len() == signed
    }),
    must("Security considerations", "nothing was downloaded to run it", |c| {
        c.of_kind("DownloadAction").is_empty()
    }),
];

/// The first that does not hold.
pub(crate) fn broken(bag: &Crate<'_>) -> Option<&'static Must> {
    MUSTS.iter().find(|must| !(must.holds)(bag))
}

impl Crate<'_> {
    /// The graph of the metadata file; empty where it is none.
    pub(crate) fn graph_of(files: &Files) -> Vec<Value> {
        let read: Option<Value> = files.get(METADATA).and_then(|bytes| serde_json::from_slice(bytes).ok());
        read.and_then(|all| all.get("@graph")?.as_array().cloned()).unwrap_or_default()
    }

    fn text(&self, path: &str) -> &str {
        self.files.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    fn lists_payload(&self) -> bool {
        let line = |l: &str| {
            l.split_once("  ").is_some_and(|(sum, path)| sum.len() == 128 && path.starts_with(DATA))
        };
        let text = self.text(bag::MANIFEST);
        !text.is_empty() && text.lines().all(line)
    }

    fn one(&self, id: &str) -> Option<&Value> {
        self.graph.iter().find(|entity| entity.get("@id").and_then(Value::as_str) == Some(id))
    }

    /// The ids that a property of an entity refers to.
    fn list(&self, id: &str, key: &str) -> Vec<String> {
        let id_of = |v: &Value| v.get("@id").and_then(Value::as_str).map(str::to_owned);
        match self.one(id).and_then(|entity| entity.get(key)) {
            Some(Value::Array(all)) => all.iter().filter_map(id_of).collect(),
            Some(one) => id_of(one).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// A text that a property of an entity holds; empty where there is none.
    pub(crate) fn word(&self, id: &str, key: &str) -> String {
        let value = self.one(id).and_then(|entity| entity.get(key));
        value.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn says(&self, id: &str, key: &str) -> bool {
        !self.word(id, key).is_empty()
    }

    fn is_a(&self, id: &str, kind: &str) -> bool {
        self.one(id).is_some_and(|entity| has_kind(entity, kind))
    }

    fn all_are(&self, ids: &[String], kind: &str) -> bool {
        !ids.is_empty() && ids.iter().all(|id| self.is_a(id, kind))
    }

    fn of_kind(&self, kind: &str) -> Vec<String> {
        let all = self.graph.iter().filter(|entity| has_kind(entity, kind));
        all.filter_map(|entity| Some(entity.get("@id")?.as_str()?.to_owned())).collect()
    }

    fn checks(&self) -> Vec<String> {
        self.of_kind("AssessAction")
    }

    /// The one run.
    fn run(&self) -> Option<String> {
        match self.of_kind("CreateAction").as_slice() {
            [run] => Some(run.clone()),
            _ => None,
        }
    }

    fn results(&self) -> Vec<String> {
        self.run().map(|run| self.list(&run, "result")).unwrap_or_default()
    }

    fn has_numbers(&self) -> bool {
        let results: Value = serde_json::from_str(self.text(RESULTS)).unwrap_or_default();
        results.get("outputs").is_some()
            || results.get("patients").is_some()
            || results.get("derived").is_some()
    }

    /// Whether a file of the payload, or a folder with files, has this path.
    fn has_path(&self, id: &str) -> bool {
        let path = format!("{DATA}{id}");
        self.files.contains_key(&path)
            || (path.ends_with('/') && self.files.keys().any(|p| p.starts_with(&path)))
    }

    /// Every id of the graph, referred to or defined.
    fn ids(&self) -> impl Iterator<Item = String> {
        let mut found = Vec::new();
        self.graph.iter().for_each(|entity| collect(entity, &mut found));
        found.into_iter()
    }
}

fn has_kind(entity: &Value, kind: &str) -> bool {
    match entity.get("@type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(all)) => all.iter().any(|one| one == kind),
        Some(_) | None => false,
    }
}

/// The graph is as deep as our own writer makes it: an entity, its properties, their references.
fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("@id").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|inner| collect(inner, found));
        }
        Value::Array(all) => all.iter().for_each(|inner| collect(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
