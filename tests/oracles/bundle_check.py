"""Checks a bundle with implementations that are not ours.

    python3 -m venv V && V/bin/pip install bagit==1.9.0 'securesystemslib[crypto]==1.6.0' rocrate==0.16.0 'setuptools<81'
    cargo test -p trocar-bundle example        # writes target/tmp/example-bundle.zip and example-node.pub
    V/bin/python tests/oracles/bundle_check.py target/tmp/example-bundle.zip target/tmp/example-node.pub

bagit reads the bag, securesystemslib the three DSSE envelopes, rocrate the crate, zipfile the archive, csv the table.
With roc-validator==0.13.0 installed as well, its RO-Crate and Process Run Crate profiles are asked too, without a network.
Prints one line a check; exit 1 at the first that fails.
"""

import csv
import hashlib
import json
import pathlib
import sys
import tempfile
import types
import zipfile

import bagit
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from rocrate.rocrate import ROCrate
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

IN_TOTO = "application/vnd.in-toto+json"


def check(holds, what):
    print("ok  " if holds else "FAIL", what)
    if not holds:
        sys.exit(1)


def key_of(pem):
    key = load_pem_public_key(pem.read_bytes())
    # securesystemslib takes the scheme from the key; the id of trocar is the SHA-256 of the SPKI DER.
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SSlibKey.from_crypto(key, keyid=hashlib.sha256(der).hexdigest())


def statement(envelope_path, key):
    envelope = Envelope.from_dict(json.loads(envelope_path.read_bytes()))
    verified = envelope.verify([key], 1)
    check(key.keyid in verified and envelope.payload_type == IN_TOTO, f"{envelope_path.name} is signed by {key.keyid[:16]}")
    return json.loads(envelope.payload)


def archive(path, into):
    with zipfile.ZipFile(path) as file:
        check(file.testzip() is None, "zipfile finds every checksum right")
        infos = file.infolist()
        names = [info.filename for info in infos]
        check(names == sorted(names), "entries are sorted by name")
        check(all(i.compress_type == zipfile.ZIP_STORED and not i.extra for i in infos), "entries are stored, no extra fields")
        check(len({name.split("/")[0] for name in names}) == 1, "one top folder")
        file.extractall(into)
        return into / names[0].split("/")[0]


def subjects(folder, said):
    unsigned = {"provenance.dsse.json", "tagmanifest-sha512.txt"}
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    found = {name: hashlib.sha256(p.read_bytes()).hexdigest() for name, p in files.items() if name not in unsigned}
    named = {s["name"]: s["digest"]["sha256"] for s in said["subject"]}
    check(found == named, f"the statement names the digests of all {len(found)} files")


def table(folder, results):
    rows = list(csv.DictReader((folder / "data/results.csv").open(newline="")))
    if results["status"] == "withheld":
        check(not rows and "outputs" not in results, "nothing was released")
        return
    shown = [float(r["value"]) for r in rows if r["shown"] == "true"]
    expected = [results["patients"]["value"]]
    for output in results["outputs"]:
        values, flags = output["value"], output["shown"]
        pairs = zip(values, flags) if isinstance(values, list) else [(values, flags)]
        expected += [v for v, flag in pairs if flag]
    check(shown == expected, f"results.csv has the {len(shown)} shown numbers of results.json")


def crate(folder, results):
    crate = ROCrate(folder / "data")
    parts = {e.id for e in crate.root_dataset["hasPart"]}
    there = {p.relative_to(folder / "data").as_posix() for p in (folder / "data").rglob("*") if p.is_file()}
    check(parts == there - {"ro-crate-metadata.json"}, f"rocrate reads the crate and its {len(parts)} parts")
    run = crate.get("#run")
    check(run["instrument"] == crate.mainEntity and run["startTime"] and run["endTime"], "the run has instrument and times")


def context_of(folder):
    """The part of the RO-Crate 1.2 context that the crate uses: schema.org but for three terms."""
    graph = json.loads((folder / "data/ro-crate-metadata.json").read_bytes())["@graph"]
    kinds = [entity["@type"] for entity in graph]
    words = {key for entity in graph for key in entity if key[0] != "@"}
    words |= {word for kind in kinds for word in (kind if isinstance(kind, list) else [kind])}
    others = {
        "File": "http://schema.org/MediaObject",
        "Profile": "http://www.w3.org/ns/dx/prof/Profile",
        "conformsTo": "http://purl.org/dc/terms/conformsTo",
    }
    return {"@context": {word: others.get(word, f"http://schema.org/{word}") for word in words}}


def profiles(folder):
    try:
        from rocrate_validator import models, services
        from rocrate_validator.utils.http import HttpRequester
    except ImportError:
        print("--   roc-validator is not installed")
        return
    document = context_of(folder)

    def get(self, url, **_):
        # Nothing but the context is ever fetched, so the answer is the same for every address.
        answer = {"status_code": 200, "ok": True, "url": url, "headers": {"Content-Type": "application/ld+json"}}
        return types.SimpleNamespace(**answer, json=lambda: document, text=json.dumps(document))

    HttpRequester.get = get
    for profile in ["ro-crate-1.2", "process-run-crate"]:
        settings = services.ValidationSettings(
            rocrate_uri=str(folder / "data"), profile_identifier=profile, requirement_severity=models.Severity.REQUIRED
        )
        issues = services.validate(settings).get_issues()
        # The validator's Process Run Crate still builds on RO-Crate 1.1 and wants that version named; ours is 1.2.
        issues = [i for i in issues if "RO-Crate specification version" not in i.message]
        for issue in issues:
            print("     ", issue.message)
        check(not issues, f"roc-validator: {profile}, all that is required")


def main(bundle, node_pub):
    with tempfile.TemporaryDirectory() as into:
        folder = archive(pathlib.Path(bundle), pathlib.Path(into))
        bag = bagit.Bag(str(folder))
        bag.validate()
        check(set(bag.algorithms) == {"sha512"} and bag.version == "1.0", "bagit validates the bag, version 1.0, sha512")
        node = key_of(pathlib.Path(node_pub))
        said = statement(folder / "provenance.dsse.json", node)
        check(said["predicateType"] == "urn:trocar:release:v1", "the statement is a release")
        subjects(folder, said)
        request = said["predicate"]["request"]
        package = statement(folder / "data/package.dsse.json", key_of(folder / "data/author.pub"))
        approval = statement(folder / "data/approval.dsse.json", key_of(folder / "data/operator.pub"))
        check(
            package["predicate"]["component"] == approval["predicate"]["component"] == request["component"],
            "author, operator and node name one component",
        )
        results = json.loads((folder / "data/results.json").read_bytes())
        table(folder, results)
        crate(folder, results)
        profiles(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
