//! Registries that lie, stall, flood and lead elsewhere: each is refused with one error of its own, in bounded time and memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "the helpers of a test may panic as the test itself may"
)]

mod support;

use serde_json::{Value, json};
use std::time::Instant;
use support::{Answer, End, Fake, open, package, reference};
use trocar_registry::{Login, Options, Pushed, Registry, RegistryError, pull, push};
use trocar_terms::Digest;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const BLOB: &str = "application/octet-stream";

/// A registry that holds a package, and is about to misbehave.
struct Hostile {
    fake: Fake,
    sent: Pushed,
}

impl Hostile {
    async fn with(bytes: &[u8]) -> Self {
        let fake = Fake::start(true);
        let reference = reference(&fake.host, ":1");
        let sent = push(&mut open(&reference), &reference, bytes, false).await.unwrap();
        Self { fake, sent }
    }

    async fn new() -> Self {
        Self::with(&package("0.1.0")).await
    }

    /// The artefact's manifest.
    fn artefact(&self) -> Value {
        serde_json::from_slice(&self.fake.kept("manifests/1")).unwrap()
    }

    fn layer(&self) -> String {
        format!("blobs/{}", self.sent.layer)
    }

    /// Another artefact manifest under the tag.
    fn tell_artefact(&self, change: impl FnOnce(&mut Value)) {
        let mut manifest = self.artefact();
        change(&mut manifest);
        self.fake.tell("manifests/1", Answer::new(200, MANIFEST, manifest.to_string()));
    }

    /// The referrers' list, and what it names of one kind.
    fn referrer(&self, kind: &str) -> (Value, Value) {
        let list = self.list();
        let of_kind = |d: &&Value| d["artifactType"].as_str().unwrap().contains(kind);
        let descriptor = list.iter().find(of_kind).unwrap().clone();
        let path = format!("manifests/{}", descriptor["digest"].as_str().unwrap());
        (descriptor, serde_json::from_slice(&self.fake.kept(&path)).unwrap())
    }

    fn list(&self) -> Vec<Value> {
        self.fake.list(&self.sent.artefact.to_string())
    }

    fn tell_list(&self, manifests: &[Value]) {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        let path = format!("referrers/{}", self.sent.artefact);
        self.fake.tell(&path, Answer::new(200, INDEX, index.to_string()));
    }

    /// Another referrer of a kind, with its digest and length as the list then tells them.
    fn tell_referrer(&self, kind: &str, change: impl FnOnce(&mut Value)) {
        let (mut descriptor, mut manifest) = self.referrer(kind);
        change(&mut manifest);
        let bytes = manifest.to_string().into_bytes();
        let digest = Digest::of(&bytes).to_string();
        descriptor["digest"] = json!(digest);
        descriptor["size"] = json!(bytes.len());
        let mut list = self.list();
        list.retain(|d| !d["artifactType"].as_str().unwrap().contains(kind));
        list.push(descriptor);
        self.tell_list(&list);
        self.fake.tell(&format!("manifests/{digest}"), Answer::new(200, MANIFEST, bytes));
    }

    async fn error(&self) -> RegistryError {
        self.error_at(":1").await
    }

    async fn error_at(&self, place: &str) -> RegistryError {
        let reference = reference(&self.fake.host, place);
        let begun = Instant::now();
        let error = pull(&mut open(&reference), &reference).await.expect_err("a lie was believed");
        assert!(begun.elapsed().as_secs() < 5, "it took {:?} to refuse: {error}", begun.elapsed());
        error
    }
}

macro_rules! refuses {
    ($hostile:expr, $pattern:pat) => {
        let error = $hostile.error().await;
        assert!(matches!(error, $pattern), "{error:?}");
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_under_a_digest_are_refused() {
    let hostile = Hostile::new().await;
    let mut bytes = hostile.fake.kept(&hostile.layer());
    *bytes.last_mut().unwrap() ^= 1;
    hostile.fake.tell(&hostile.layer(), Answer::new(200, BLOB, bytes.clone()));
    refuses!(hostile, RegistryError::Digest("the component"));
    bytes.pop();
    hostile.fake.tell(&hostile.layer(), Answer::new(200, BLOB, bytes));
    refuses!(hostile, RegistryError::Digest("the component"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_manifest_under_a_digest_is_refused() {
    let hostile = Hostile::new().await;
    let place = format!("manifests/{}", hostile.sent.artefact);
    let mut other = hostile.artefact();
    other["annotations"]["more"] = json!("x");
    hostile.fake.tell(&place, Answer::new(200, MANIFEST, other.to_string()));
    let error = hostile.error_at(&format!("@{}", hostile.sent.artefact)).await;
    assert!(matches!(error, RegistryError::Digest("a manifest")), "{error:?}");
    let told = Answer::new(200, MANIFEST, other.to_string())
        .with("Docker-Content-Digest", hostile.sent.artefact.to_string());
    hostile.fake.tell("manifests/1", told);
    refuses!(hostile, RegistryError::Digest("a manifest"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_is_cut_off_where_it_should_have_ended() {
    let hostile = Hostile::new().await;
    let flood = |media_type: &str| Answer::new(200, media_type, vec![b' '; 1 << 16]).ending(End::Never);
    hostile.fake.tell(&hostile.layer(), flood(BLOB));
    refuses!(hostile, RegistryError::TooLarge("the component"));
    hostile.fake.tell(&format!("referrers/{}", hostile.sent.artefact), flood(INDEX));
    refuses!(hostile, RegistryError::TooLarge("its list of referrers"));
    hostile.fake.tell("manifests/1", flood(MANIFEST));
    refuses!(hostile, RegistryError::TooLarge("a manifest"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declared_larger_than_allowed_is_not_asked_for() {
    let hostile = Hostile::new().await;
    hostile.tell_artefact(|manifest| manifest["layers"][0]["size"] = json!(3_000_000_000_u64));
    hostile.readdress();
    refuses!(hostile, RegistryError::TooLarge("the component"));
    let hostile = Hostile::new().await;
    hostile.tell_referrer("trocar.package", |m| m["layers"][0]["size"] = json!(3_000_000_000_u64));
    refuses!(hostile, RegistryError::TooLarge("its manifest.toml"));
    let hostile = Hostile::new().await;
    hostile.tell_referrer("dsse", |m| m["layers"][0]["size"] = json!(2_000_000));
    refuses!(hostile, RegistryError::TooLarge("the author's signature"));
    let hostile = Hostile::new().await;
    hostile.tell_referrer("trocar.package", |m| {
        m["layers"] = json!(vec![m["layers"][0].clone(); 257]);
    });
    refuses!(hostile, RegistryError::TooLarge("its list of files"));
    let hostile = Hostile::new().await;
    hostile.tell_referrer("trocar.package", |m| {
        let (digest, size) = (m["layers"][0]["digest"].clone(), 2_000_000_000_u64);
        let more = json!({"mediaType": BLOB, "digest": digest, "size": size,
            "annotations": {"org.opencontainers.image.title": "models/a"}});
        m["layers"].as_array_mut().unwrap().push(more);
    });
    refuses!(hostile, RegistryError::TooLarge("a model"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_stalls_or_breaks_off_is_given_up() {
    let hostile = Hostile::new().await;
    let bytes = hostile.fake.kept(&hostile.layer());
    for end in [End::Silent, End::Half] {
        hostile.fake.tell(&hostile.layer(), Answer::new(200, BLOB, bytes.clone()).ending(end));
        refuses!(hostile, RegistryError::Unreachable);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_a_host_that_nobody_named_is_not_followed() {
    let hostile = Hostile::new().await;
    let trap = Fake::start(true);
    for url in [format!("http://{}/v2/x", trap.host), "http://169.254.169.254/latest".into(), "/x".into()] {
        let away = Answer::new(307, "", "").with("Location", url);
        hostile.fake.tell(&hostile.layer(), away.clone());
        refuses!(hostile, RegistryError::Elsewhere);
        hostile.fake.tell("manifests/1", away);
        refuses!(hostile, RegistryError::Elsewhere);
        hostile.fake.untell("manifests/1");
    }
    assert!(trap.seen().is_empty(), "it was followed: {:?}", trap.seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn our_password_is_given_to_the_registry_alone() {
    let hostile = Hostile::new().await;
    let trap = Fake::start(true);
    let named = reference(&hostile.fake.host, ":1");
    let bearer = |realm: &str| {
        let challenge = format!("Bearer realm=\"{realm}\",service=\"s\",scope=\"repository:x:pull\"");
        Answer::new(401, "", "").with("WWW-Authenticate", challenge)
    };
    let me = || Options { login: Login::of_user(Some("me"), Some("secret")), ..Options::default() };
    for realm in [format!("http://{}/token", trap.host), "https://evil.example/token".into()] {
        hostile.fake.tell("manifests/1", bearer(&realm));
        let error = pull(&mut Registry::of(&named, me()).unwrap(), &named).await.unwrap_err();
        assert!(matches!(error, RegistryError::Elsewhere), "{error:?}");
    }
    assert!(trap.seen().is_empty(), "a password was sent: {:?}", trap.seen());
    // Its own token service gets it, and the token goes where the token was wanted.
    let realm = format!("http://{}/v2/imaging/ct-intensity/token", hostile.fake.host);
    hostile.fake.tell("manifests/1", bearer(&realm));
    let asked = "token?service=s&scope=repository%3Ax%3Apull";
    hostile.fake.tell(asked, Answer::new(200, "application/json", r#"{"token": "abc"}"#));
    let error = pull(&mut Registry::of(&named, me()).unwrap(), &named).await.unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorised), "{error:?}");
    let seen = hostile.fake.seen();
    assert!(seen.iter().any(|s| s.contains(asked) && s.ends_with("Basic bWU6c2VjcmV0")), "{seen:?}");
    assert!(seen.last().unwrap().ends_with("manifests/1 Bearer abc"), "{seen:?}");
    assert!(!seen.iter().any(|s| !s.contains("token?") && s.contains("Basic")), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_sent_elsewhere_is_not_made() {
    let (fake, trap) = (Fake::start(true), Fake::start(true));
    fake.tell_uploads(&format!("http://{}/steal", trap.host));
    let named = reference(&fake.host, ":1");
    let error = push(&mut open(&named), &named, &package("0.1.0"), false).await.unwrap_err();
    assert!(matches!(error, RegistryError::Elsewhere), "{error:?}");
    assert!(trap.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_of_an_image_of_another_kind_is_not_taken_over() {
    let fake = Fake::start(true);
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    fake.tell("manifests/1", Answer::new(200, docker, "{}"));
    let named = reference(&fake.host, ":1");
    let error = push(&mut open(&named), &named, &package("0.1.0"), false).await.unwrap_err();
    assert!(matches!(error, RegistryError::TagTaken), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_media_types_are_refused() {
    let hostile = Hostile::new().await;
    let bytes = hostile.fake.kept("manifests/1");
    for media_type in ["text/html", "application/vnd.docker.distribution.manifest.v2+json", ""] {
        hostile.fake.tell("manifests/1", Answer::new(200, media_type, bytes.clone()));
        refuses!(hostile, RegistryError::Layout(_));
    }
    type Change = fn(&mut Value);
    let changes: [Change; 8] = [
        |m| m["mediaType"] = json!("application/vnd.docker.distribution.manifest.v2+json"),
        |m| m["schemaVersion"] = json!(1),
        |m| m["config"]["mediaType"] = json!("application/vnd.oci.image.config.v1+json"),
        |m| m["layers"][0]["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar+gzip"),
        |m| m["layers"] = json!([]),
        |m| m["layers"] = json!([m["layers"][0], m["layers"][0]]),
        |m| m["annotations"] = json!({}),
        |m| m["layers"][0]["size"] = json!(-1),
    ];
    for change in changes {
        hostile.tell_artefact(change);
        refuses!(hostile, RegistryError::Layout(_));
    }
    hostile.fake.tell("manifests/1", Answer::new(200, MANIFEST, "{"));
    refuses!(hostile, RegistryError::Layout(_));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_of_something_else_is_refused() {
    type Change = fn(&mut Value);
    let changes: [Change; 4] = [
        |c| c["architecture"] = json!("amd64"),
        |c| c["os"] = json!("linux"),
        |c| c["layerDigests"] = json!([]),
        |c| c["component"] = Value::Null,
    ];
    for change in changes {
        let hostile = Hostile::new().await;
        let artefact = hostile.artefact();
        let at = format!("blobs/{}", artefact["config"]["digest"].as_str().unwrap());
        let mut config: Value = serde_json::from_slice(&hostile.fake.kept(&at)).unwrap();
        change(&mut config);
        let bytes = config.to_string().into_bytes();
        let digest = Digest::of(&bytes).to_string();
        hostile.fake.tell(&format!("blobs/{digest}"), Answer::new(200, BLOB, bytes.clone()));
        hostile.tell_artefact(|m| {
            m["config"]["digest"] = json!(digest);
            m["config"]["size"] = json!(bytes.len());
        });
        hostile.readdress();
        refuses!(hostile, RegistryError::Layout(_));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_lead_out_of_the_package_are_refused_before_anything_is_fetched() {
    for title in ["models/../../x", "/etc/passwd", "algorithm.wasm", "models/", "models//a", "x", ""] {
        let hostile = Hostile::new().await;
        hostile.tell_referrer("trocar.package", |m| {
            let mut more = m["layers"][0].clone();
            more["mediaType"] = json!(BLOB);
            more["annotations"]["org.opencontainers.image.title"] = json!(title);
            m["layers"].as_array_mut().unwrap().insert(0, more);
        });
        refuses!(hostile, RegistryError::Layout(_));
    }
    let hostile = Hostile::new().await;
    hostile.tell_referrer("trocar.package", |m| m["layers"] = json!([m["layers"][0], m["layers"][0]]));
    refuses!(hostile, RegistryError::Layout(_));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_or_manifest_that_is_missing_or_there_twice_is_refused() {
    let hostile = Hostile::new().await;
    let list = hostile.list();
    for (kept, missing) in [(&list[..1], "no signature"), (&list[1..], "no manifest.toml")] {
        hostile.tell_list(kept);
        let error = hostile.error().await;
        assert!(matches!(&error, RegistryError::Referrers(what) if *what == missing), "{error:?}");
    }
    let mut second = list[1].clone();
    second["digest"] = json!(Digest::of(b"another").to_string());
    hostile.tell_list(&[list[0].clone(), list[1].clone(), second]);
    refuses!(hostile, RegistryError::Referrers("several packages or signatures"));
    let path = format!("referrers/{}", hostile.sent.artefact);
    hostile.fake.tell(&path, Answer::new(404, "text/plain", ""));
    refuses!(hostile, RegistryError::Referrers(_));
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": list}).to_string();
    hostile.fake.tell(&path, Answer::new(200, INDEX, index).with("Link", "</next>; rel=\"next\""));
    refuses!(hostile, RegistryError::TooLarge("its list of referrers"));
}

/// The same component, signed by the same author: only the digest of the whole tells them apart.
#[tokio::test(flavor = "multi_thread")]
async fn parts_of_another_package_are_refused() {
    let (hostile, other) = (Hostile::new().await, Hostile::with(&package("0.2.0")).await);
    for kind in ["trocar.package", "dsse"] {
        let layer = other.referrer(kind).1["layers"][0].clone();
        let at = format!("blobs/{}", layer["digest"].as_str().unwrap());
        hostile.fake.tell(&at, Answer::new(200, BLOB, other.fake.kept(&at)));
        hostile.tell_referrer(kind, |m| m["layers"] = json!([layer]));
        refuses!(hostile, RegistryError::OtherPackage);
        hostile.untell_list();
    }
    hostile.tell_referrer("dsse", |m| m["subject"]["digest"] = json!(other.sent.artefact.to_string()));
    refuses!(hostile, RegistryError::OtherPackage);
}

/// An artefact that states the digest of what it does hold, with a signature that is not over it.
#[tokio::test(flavor = "multi_thread")]
async fn a_package_whose_signature_does_not_hold_is_refused() {
    let hostile = Hostile::new().await;
    let other = Hostile::with(&package("0.2.0")).await;
    let whole = {
        let text = |h: &Hostile, kind: &str| {
            let layer = h.referrer(kind).1["layers"][0]["digest"].as_str().unwrap().to_owned();
            h.fake.kept(&format!("blobs/{layer}"))
        };
        let files = std::collections::BTreeMap::from([
            ("manifest.toml".to_owned(), text(&hostile, "trocar.package")),
            ("signatures.dsse.json".to_owned(), text(&other, "dsse")),
            ("algorithm.wasm".to_owned(), hostile.fake.kept(&hostile.layer())),
        ]);
        Digest::of(&trocar_manifest::archive::write(&files).unwrap()).to_string()
    };
    let layer = other.referrer("dsse").1["layers"][0].clone();
    let at = format!("blobs/{}", layer["digest"].as_str().unwrap());
    hostile.fake.tell(&at, Answer::new(200, BLOB, other.fake.kept(&at)));
    hostile.tell_artefact(|m| m["annotations"]["trocar.package"] = json!(whole));
    hostile.readdress_as(&whole, |kind, m| {
        if kind.contains("dsse") {
            m["layers"] = json!([layer]);
        }
    });
    refuses!(hostile, RegistryError::Package(_));
}

#[tokio::test(flavor = "multi_thread")]
async fn any_other_status_is_told_and_nothing_is_believed() {
    let hostile = Hostile::new().await;
    for status in [400, 418, 429, 500, 503] {
        hostile.fake.tell("manifests/1", Answer::new(status, MANIFEST, hostile.fake.kept("manifests/1")));
        refuses!(hostile, RegistryError::Status { .. });
    }
    hostile.fake.tell("manifests/1", Answer::new(403, "", ""));
    refuses!(hostile, RegistryError::Unauthorised);
}

impl Hostile {
    /// What a GET is answered, told or kept.
    fn asked(&self, path: &str) -> Vec<u8> {
        self.fake.told(path).unwrap_or_else(|| self.fake.kept(path))
    }

    fn untell_list(&self) {
        self.fake.untell(&format!("referrers/{}", self.sent.artefact));
    }

    /// Referrers made anew for the artefact that is told under the tag.
    fn readdress(&self) {
        let whole = self.artefact()["annotations"]["trocar.package"].as_str().unwrap().to_owned();
        self.readdress_as(&whole, |_, _| {});
    }

    fn readdress_as(&self, whole: &str, change: impl Fn(&str, &mut Value)) {
        let artefact = self.asked("manifests/1");
        let digest = Digest::of(&artefact).to_string();
        let mut list = Vec::new();
        for mut descriptor in self.list() {
            let path = format!("manifests/{}", descriptor["digest"].as_str().unwrap());
            let mut manifest: Value = serde_json::from_slice(&self.fake.kept(&path)).unwrap();
            manifest["subject"]["digest"] = json!(digest);
            manifest["subject"]["size"] = json!(artefact.len());
            manifest["annotations"]["trocar.package"] = json!(whole);
            change(descriptor["artifactType"].as_str().unwrap(), &mut manifest);
            let bytes = manifest.to_string().into_bytes();
            let own = Digest::of(&bytes).to_string();
            descriptor["digest"] = json!(own);
            descriptor["size"] = json!(bytes.len());
            descriptor["annotations"]["trocar.package"] = json!(whole);
            self.fake.tell(&format!("manifests/{own}"), Answer::new(200, MANIFEST, bytes));
            list.push(descriptor);
        }
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": list}).to_string();
        self.fake.tell(&format!("referrers/{digest}"), Answer::new(200, INDEX, index));
    }
}
