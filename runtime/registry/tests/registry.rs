//! Packages pushed to and pulled from a real registry, Debian's docker-registry, and one with the referrers API.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "the helpers of a test may panic as the test itself may"
)]

mod support;

use serde_json::Value;
use support::{Debian, Fake, open, package, reference};
use trocar_registry::{Login, Options, Pulled, Pushed, Referrers, Registry, RegistryError, pull, push};
use trocar_terms::Digest;

async fn pushed(host: &str, place: &str, bytes: &[u8]) -> Result<Pushed, RegistryError> {
    let reference = reference(host, place);
    push(&mut open(&reference), &reference, bytes, false).await
}

async fn pulled(host: &str, place: &str) -> Result<Pulled, RegistryError> {
    let reference = reference(host, place);
    pull(&mut open(&reference), &reference).await
}

async fn comes_back(host: &str, referrers: Referrers) {
    let bytes = package("0.1.0");
    let sent = pushed(host, ":0.1.0", &bytes).await.unwrap();
    assert_eq!((sent.package, sent.referrers), (Digest::of(&bytes), referrers));
    for place in [":0.1.0".to_owned(), format!("@{}", sent.artefact)] {
        let got = pulled(host, &place).await.unwrap();
        assert!(got.bytes == bytes, "the package came back changed by {place}");
        assert_eq!((got.artefact, got.layer), (sent.artefact, sent.layer));
        assert_eq!(got.layer, got.package.component_digest());
    }
    assert_eq!(pushed(host, ":0.1.0", &bytes).await.unwrap(), sent, "a second push changed something");
    assert_eq!(pulled(host, ":0.1.0").await.unwrap().bytes, bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_comes_back_byte_for_byte_from_debian_s_registry() {
    let Some(debian) = Debian::start(false) else { return };
    comes_back(&debian.host, Referrers::Tag).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_comes_back_byte_for_byte_from_a_registry_that_lists_referrers() {
    comes_back(&Fake::start(true).host, Referrers::Api).await;
}

/// Two packages may have one component: each is an artefact of its own.
#[tokio::test(flavor = "multi_thread")]
async fn packages_of_one_component_do_not_mix_and_a_tag_is_not_given_away_unasked() {
    let Some(debian) = Debian::start(false) else { return };
    let (one, other) = (package("0.1.0"), package("0.2.0"));
    let first = pushed(&debian.host, ":0.1.0", &one).await.unwrap();
    let taken = pushed(&debian.host, ":0.1.0", &other).await;
    assert!(matches!(taken, Err(RegistryError::TagTaken)), "{taken:?}");
    let second = pushed(&debian.host, ":0.2.0", &other).await.unwrap();
    assert_eq!(first.layer, second.layer);
    assert_ne!(first.artefact, second.artefact);
    assert_eq!(pulled(&debian.host, ":0.1.0").await.unwrap().bytes, one);
    assert_eq!(pulled(&debian.host, ":0.2.0").await.unwrap().bytes, other);
    let named = reference(&debian.host, ":0.1.0");
    push(&mut open(&named), &named, &other, true).await.unwrap();
    assert_eq!(pulled(&debian.host, ":0.1.0").await.unwrap().bytes, other);
    assert_eq!(pulled(&debian.host, &format!("@{}", first.artefact)).await.unwrap().bytes, one);
}

#[tokio::test(flavor = "multi_thread")]
async fn debian_s_registry_is_told_who_we_are_when_it_asks() {
    let Some(debian) = Debian::start(true) else { return };
    let bytes = package("0.1.0");
    let nobody = pushed(&debian.host, ":1", &bytes).await;
    assert!(matches!(nobody, Err(RegistryError::Unauthorised)), "{nobody:?}");
    let named = reference(&debian.host, ":1");
    let as_me = |password: &str| {
        let login = Login::of_user(Some("me"), Some(password));
        Registry::of(&named, Options { login, ..Options::default() }).unwrap()
    };
    let wrong = push(&mut as_me("wrong"), &named, &bytes, false).await;
    assert!(matches!(wrong, Err(RegistryError::Unauthorised)), "{wrong:?}");
    push(&mut as_me("secret"), &named, &bytes, false).await.unwrap();
    assert_eq!(pull(&mut as_me("secret"), &named).await.unwrap().bytes, bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_is_the_layout_of_the_wasm_working_group() {
    let fake = Fake::start(false);
    let bytes = package("0.1.0");
    let sent = pushed(&fake.host, ":1", &bytes).await.unwrap();
    let json = |path: &str| serde_json::from_slice::<Value>(&fake.kept(path)).unwrap();
    let manifest = json("manifests/1");
    assert_eq!(manifest["schemaVersion"], 2);
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(manifest["layers"][0]["digest"], sent.layer.to_string());
    assert_eq!(manifest["annotations"]["trocar.package"], Digest::of(&bytes).to_string());
    let config = json(&format!("blobs/{}", manifest["config"]["digest"].as_str().unwrap()));
    assert_eq!((&config["architecture"], &config["os"]), (&"wasm".into(), &"wasip2".into()));
    assert_eq!(config["layerDigests"], serde_json::json!([sent.layer.to_string()]));
    assert_eq!(config["component"]["exports"], serde_json::json!(["trocar:guest/map@0.1.1"]));
    assert_eq!(config["component"]["imports"], serde_json::json!(["trocar:guest/log@0.1.1"]));
    let list = json(&format!("manifests/sha256-{}", sent.artefact.hex()));
    let kinds: Vec<_> = list["manifests"].as_array().unwrap().iter().map(|d| &d["artifactType"]).collect();
    assert_eq!(kinds, ["application/vnd.trocar.package.v1", "application/vnd.dsse.envelope.v1+json"]);
    for descriptor in list["manifests"].as_array().unwrap() {
        let referrer = json(&format!("manifests/{}", descriptor["digest"].as_str().unwrap()));
        assert_eq!(referrer["subject"]["digest"], sent.artefact.to_string());
        assert_eq!(referrer["artifactType"], descriptor["artifactType"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_package_is_not_pushed_and_what_is_not_there_not_pulled() {
    let fake = Fake::start(true);
    let mut damaged = package("0.1.0");
    damaged[100] ^= 1;
    let refused = pushed(&fake.host, ":1", &damaged).await;
    assert!(matches!(refused, Err(RegistryError::Package(_))), "{refused:?}");
    let at = format!("@{}", Digest::of(b""));
    assert!(matches!(pushed(&fake.host, &at, &package("1.0.0")).await, Err(RegistryError::PushToDigest)));
    assert!(fake.seen().is_empty(), "the registry was asked: {:?}", fake.seen());
    assert!(matches!(pulled(&fake.host, ":1").await, Err(RegistryError::NotFound)));
    assert!(matches!(pulled("127.0.0.1:9", ":1").await, Err(RegistryError::Unreachable)));
}

/// Others' signatures and lists beside ours are left as they are.
#[tokio::test(flavor = "multi_thread")]
async fn referrers_of_other_tools_do_not_disturb() {
    let fake = Fake::start(false);
    let bytes = package("0.1.0");
    let sent = pushed(&fake.host, ":1", &bytes).await.unwrap();
    let path = format!("manifests/sha256-{}", sent.artefact.hex());
    let mut list: Value = serde_json::from_slice(&fake.kept(&path)).unwrap();
    let odd = serde_json::json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 2,
        "digest": "sha512:00", "artifactType": "application/vnd.other.signature"});
    list["manifests"].as_array_mut().unwrap().insert(0, odd.clone());
    list["annotations"] = serde_json::json!({"theirs": "stays"});
    fake.put_index(&path, &list);
    assert_eq!(pulled(&fake.host, ":1").await.unwrap().bytes, bytes);
    pushed(&fake.host, ":1", &bytes).await.unwrap();
    let after: Value = serde_json::from_slice(&fake.kept(&path)).unwrap();
    assert_eq!(after, list);
}
