"""A second verifier of bundles that shares no line with runtime/bundle: others' libraries, and the standards read again.

Pinned (run with exactly these, on Python 3.11; `cargo xtask test` installs them):
    bagit==1.8.1  securesystemslib[crypto]==1.6.0  in-toto-attestation==0.9.3  setuptools==80.9.0

    python tests/oracles/verify_bundle.py [--key NODE.pub]... [--keys DIR] BUNDLE...

For each bundle one line: `ok PATH` or `bad PATH: why`; exit 1 if one is bad. bagit reads the bag and sha512sum checks its
lists, securesystemslib the envelopes, in-toto-attestation the statement and its SLSA provenance; the zip, the log's proof
(RFC 9162, C2SP) and the history of keys are read here from their standards.
"""

import argparse
import base64
import csv
import hashlib
import io
import json
import logging
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

import bagit
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

IN_TOTO = "application/vnd.in-toto+json"
SLSA = "https://slsa.dev/provenance/v1"
APPROVAL, PACKAGE, REVIEW, DECISION = (
    f"urn:trocar:{what}:v1" for what in ("approval", "package", "review", "output-decision")
)
SUCCESSION, REVOCATION = "urn:trocar:key-succession:v1", "urn:trocar:key-revocation:v1"
MOST = 64 << 20


class Bad(Exception):
    """Why a bundle is refused."""


def need(holds, why):
    if not holds:
        raise Bad(why)


# The archive: APPNOTE, every entry stored, sorted, dated 1980-01-01, nothing besides.


def unzip(data):
    """The files of the one archive that has these bytes: walk the local headers, write it again, compare."""
    files, at = {}, 0
    while data[at : at + 4] == b"PK\x03\x04":
        need(len(data) >= at + 30, "the archive is cut")
        size, length = struct.unpack("<I", data[at + 18 : at + 22])[0], struct.unpack("<H", data[at + 26 : at + 28])[0]
        name = data[at + 30 : at + 30 + length]
        body = data[at + 30 + length : at + 30 + length + size]
        need(len(name) == length and len(body) == size, "the archive is cut")
        need(plain(name) and name not in files, f"a name of an entry: {name!r}")
        files[name] = body
        at += 30 + length + size
    need(files and zipped(files) == data, "the archive is not in its one form")
    return {name.decode(): body for name, body in files.items()}


def plain(name):
    letters = set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/")
    return 0 < len(name) <= 200 and set(name) <= letters and not {b"", b".", b".."} & set(name.split(b"/"))


def zipped(files):
    """Version needed 1.0, no flags, stored, 1980-01-01 00:00; made by Unix, mode 0644 of a plain file."""
    head, tail = b"", b""
    for name, body in sorted(files.items()):
        common = struct.pack("<HHHHHIIIHH", 10, 0, 0, 0, 33, zlib.crc32(body), len(body), len(body), len(name), 0)
        tail += b"PK\x01\x02" + struct.pack("<BB", MADE_BY, 3) + common + struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, len(head)) + name
        head += b"PK\x03\x04" + common + name + body
    count = len(files)
    return head + tail + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(tail), len(head), 0)


# The version of the specification that the writer names as its own; it tells nothing about how to read.
MADE_BY = 10


# Signatures.


def keyid(key):
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def read_pem(pem):
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise Bad(f"a key: {error}") from error
    need(isinstance(key, Ed25519PublicKey), "a key of another kind")
    return key


def named(text):
    """A key written ed25519:<hex>."""
    need(text.startswith("ed25519:") and len(text) == 72, "a key's text")
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text[8:]))


def signed(raw, keys, kind=None):
    """What all of `keys`, and nobody else, signed."""
    envelope = Envelope.from_dict(json.loads(raw))
    need(envelope.payload_type == IN_TOTO, "an envelope of another type")
    need(len(envelope.signatures) == len(keys) == len(set(map(keyid, keys))), "another number of signatures")
    for key in keys:
        one = SSlibKey.from_crypto(key, keyid=keyid(key))
        need(list(envelope.verify([one], 1)) == [keyid(key)], "a signature")
    said = json.loads(envelope.payload)
    need(canonical(said) == envelope.payload, "a payload that is not canonical")
    need(kind in (None, said["predicateType"]), "a statement of another type")
    Statement.copy_from_pb(ParseDict(said, statement_pb2.Statement())).validate()
    return said


def canonical(value):
    """RFC 8785 for what statements hold: strings, integers, booleans, null, and reals that Python writes as ECMAScript does."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


# Keys over the years.


class History:
    """Who took over from whom, and what was taken back."""

    def __init__(self, folder=None):
        self.after, self.since, self.revoked = {}, {}, {}
        published = folder / "log.vkey" if folder else None
        self.log = published.read_text().strip() if published and published.exists() else None
        raws = [p.read_bytes() for p in sorted(folder.glob("*.dsse.json"))] if folder else []
        kinds = {raw: json.loads(base64.b64decode(json.loads(raw)["payload"]))["predicateType"] for raw in raws}
        need(set(kinds.values()) <= {SUCCESSION, REVOCATION}, "a statement about something else")
        for raw in (raw for raw in raws if kinds[raw] == SUCCESSION):
            said = json.loads(base64.b64decode(json.loads(raw)["payload"]))["predicate"]
            signed(raw, [named(said["old"]), named(said["new"])], SUCCESSION)
            step = (said["new"], said["at"])
            need(self.after.setdefault(said["old"], step) == step, "a fork of keys")
            need(self.since.setdefault(said["new"], said["at"]) == said["at"], "a join of keys")
        for old, (_, at) in self.after.items():
            need(self.since.get(old, "") < at, "keys out of order")
        for raw in (raw for raw in raws if kinds[raw] == REVOCATION):
            said = json.loads(base64.b64decode(json.loads(raw)["payload"]))["predicate"]
            by = json.loads(raw)["signatures"][0]["keyid"]
            may = [k for k in self.chain(said["key"]) if keyid(named(k)) == by]
            need(may, "a revocation by a stranger")
            signed(raw, [named(may[0])], REVOCATION)
            self.revoked[said["key"]] = min(said["at"], self.revoked.get(said["key"], said["at"]))

    def chain(self, key, trusted=False):
        """The key and those after it; only as far as trust goes over, where that is asked."""
        yield key
        while key in self.after:
            (new, at), gone = self.after[key], self.revoked.get(key)
            if trusted and gone is not None and gone <= at:
                return
            key = new
            yield key

    def trusts(self, pinned, key):
        return any(key in self.chain(one, True) or one in self.chain(key) for one in pinned)


def in_time(history, signer, request, decision):
    last = max([request["admitted_at"], request["release_at"]] + ([decision["decided_at"]] if decision else []))
    need(last < history.revoked.get(signer, "9999"), "the key was revoked")
    need(request["admitted_at"] < history.after.get(signer, (None, "9999"))[1], "the key had handed over")


# The log: C2SP signed-note, tlog-checkpoint, tlog-proof; RFC 9162 section 2.1.3.2.


def check_log(entry, proof, request):
    name, _, key = request["log"].split("+", 2)
    key = base64.b64decode(key)
    need(key[0] == 1 and len(key) == 33, "a log's key of another kind")
    ident = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    need(request["log"] == f"{name}+{ident.hex()}+{base64.b64encode(key).decode()}", "a log's key")
    head, _, note = proof.decode().partition("\n\n")
    first, index, *path = head.split("\n")
    need(first == "c2sp.org/tlog-proof@v1" and index.startswith("index "), "a proof of another form")
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    need(origin == name and lines.endswith("\n") and lines.count("\n") == 1, "a head of another log")
    dash, by, sig = lines.strip("\n").split(" ")
    sig = base64.b64decode(sig)
    need(dash == "\u2014" and by == name and sig[:4] == ident, "a head by another key")
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(sig[4:], text.encode())
    root = base64.b64decode(root)
    need(request["ledger_head"] == "sha256:" + root.hex(), "another head than the statement names")
    index, size = int(index[6:]), int(size)
    need(0 <= index < size, "a place outside the log")
    need(climb(entry, index, size, [base64.b64decode(h) for h in path]) == root, "the entry is not in the log")


def climb(entry, fn, size, path):
    sn, node = size - 1, hashlib.sha256(b"\0" + entry).digest()
    for sibling in path:
        need(sn > 0, "a path that is too long")
        if fn & 1 or fn == sn:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "a path that is too short")
    return node


def check_entry(entry, request):
    said = json.loads(entry)
    need(said["type"] == "reserved", "the line is no reservation")
    pairs = {"job": "job", "dataset": "dataset_id", "manifest": "manifest", "snapshot": "snapshot", "commitment": "commitment", "release_at": "release_at"}
    for here, there in pairs.items():
        need(said[here] == request[there], f"the line of the log has another {here}")


# What people signed.


def subjects(said):
    return {s["name"]: s["digest"]["sha256"] for s in said["subject"]}


def check_asked(files, request):
    author, operator = read_pem(files["data/author.pub"]), read_pem(files["data/operator.pub"])
    need(keyid(author) == keyid(named(request["author"])), "another author")
    need(keyid(operator) == keyid(named(request["approver"])), "another operator")
    package = signed(files["data/algorithm/package.dsse.json"], [author], PACKAGE)
    of = subjects(package)
    need(of["manifest.toml"] == hashlib.sha256(files["data/algorithm/manifest.toml"]).hexdigest(), "another manifest")
    need("sha256:" + of["algorithm.wasm"] == request["component"], "another component")
    raw = files["data/approval.dsse.json"]
    need("sha256:" + hashlib.sha256(raw).hexdigest() == request["approval"], "another approval")
    operators = [named(k) for k in [request["approver"], *request.get("co_approvers", [])]]
    approval = signed(raw, operators, APPROVAL)["predicate"]
    for here, there in {"dataset": "dataset_id", "manifest": "manifest", "component": "component", "policy": "policy", "class": "class"}.items():
        need(approval[here] == request[there], f"approved for another {here}")
    need(approval["approved_at"] <= request["admitted_at"] < approval["expires"], "not approved at that time")
    return approval


def check_airlock(files, request, released):
    airlock = request.get("airlock")
    need((airlock is None) == (request["class"] == "any-code"), "another class")
    if airlock is None:
        return None
    reviewers = airlock["reviewers"]
    need(len(set(reviewers)) == len(reviewers) >= 2 and request["author"] not in [*reviewers, airlock["checker"]], "who reviewed")
    for i, key in enumerate(reviewers, 1):
        review = signed(files[f"data/review-{i}.dsse.json"], [named(key)], REVIEW)["predicate"]
        need((review["manifest"], review["component"]) == (request["manifest"], request["component"]), "reviewed something else")
    decision = signed(files["data/decision.dsse.json"], [named(airlock["checker"])], DECISION)["predicate"]
    for here, there in {"job": "job", "dataset": "dataset_id", "manifest": "manifest", "component": "component"}.items():
        need(decision[here] == request[there], f"decided on another {here}")
    need((decision["verdict"] == "release") == released and decision["decided_at"] >= request["admitted_at"], "decided otherwise")
    return decision


# What was released.


def check_results(files, request, status, approval):
    results = json.loads(files["data/results.json"])
    for key in ("job", "dataset", "class"):
        need(results[key] == request[key], f"results of another {key}")
    need(results["status"] == status and ("outputs" in results) == (status == "released"), "another outcome")
    exact = request["class"] == "reviewed-code"
    need(exact or float(results["rho"]) < float(approval["rho_max"]) + 1e-6, "more rho than was approved")
    rows = list(csv.DictReader(io.StringIO(files["data/results.csv"].decode(), newline="")))
    table = [float(r["value"]) if r["shown"] == "true" else None for r in rows]
    need(table == list(numbers(results, exact)), "results.csv has other numbers than results.json")
    return results


def numbers(results, exact):
    figures = [] if exact or "patients" not in results else [results["patients"]]
    figures += results.get("outputs", [])
    figures += [part for derived in results.get("derived", []) for part in derived["parts"]]
    for figure in figures:
        value, shown = figure["value"], figure.get("shown", True)
        pairs = zip(value, shown) if isinstance(value, list) else [(value, shown)]
        yield from (float(v) if s else None for v, s in pairs)


def check_crate(files, request, status, approval, decision):
    graph = {e["@id"]: e for e in json.loads(files["data/ro-crate-metadata.json"])["@graph"]}
    payload = {p[5:] for p in files if p.startswith("data/")} - {"ro-crate-metadata.json"}
    ids = lambda refs: [r["@id"] for r in (refs if isinstance(refs, list) else [refs])]
    need(set(ids(graph["./"]["hasPart"])) == payload - {"ro-crate-preview.html"} | {"algorithm/"}, "the crate has other parts than the bag")
    run, permit = graph["#run"], approval.get("permit", {})
    need((run["startTime"], run["endTime"]) == (request["admitted_at"], request["release_at"]), "the run has other times")
    need(("result" in run) == (status == "released"), "a result where none may be")
    need(graph["#snapshot"]["identifier"] == [request["snapshot"], request["commitment"]], "another snapshot in the crate")
    need(graph["#requester"]["name"] == permit.get("person", graph["#requester"]["name"]), "another person in the crate")
    need(graph["#project"]["identifier"] == approval["project"], "another project in the crate")
    need(graph["#sign-off"]["endTime"] == approval["approved_at"], "the sign-off has another time")
    valid = [graph["#permit"][end] for end in ("validFrom", "validUntil")]
    need(valid == [approval["approved_at"], approval["expires"]], "the permit has other times")
    end = decision["decided_at"] if decision else request["release_at"]
    check = graph["#disclosure-check"]
    need(check["endTime"] == end, "the disclosure check has another time")
    need(check["actionStatus"].endswith("CompletedActionStatus") == (status == "released"), "another outcome in the crate")
    need(graph["#engine"]["name"] == request["engine"] and graph["#trocar"]["version"] == request["trocar_version"], "other software")


# All of it.


def unpack(files, into):
    for name, body in files.items():
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def check_bag(folder, into):
    bag = bagit.Bag(str(into / folder))
    bag.validate()
    need(set(bag.algorithms) == {"sha512"} and bag.version == "1.0", "another kind of bag")
    for name in ("manifest-sha512.txt", "tagmanifest-sha512.txt"):
        done = subprocess.run(["sha512sum", "--check", "--strict", "--quiet", name], cwd=into / folder, capture_output=True)
        need(done.returncode == 0, f"sha512sum: {name}")
    tags = {p.name for p in (into / folder).iterdir() if p.is_file()}
    listed = {line.split("  ")[1] for line in (into / folder / "tagmanifest-sha512.txt").read_text().splitlines()}
    need(tags == listed | {"tagmanifest-sha512.txt"}, "a tag file that is not listed")
    return bag.info


def expected(files, request):
    """The names of the files that every bundle has; plots and other forms of the results may be there besides."""
    names = {"algorithm/manifest.toml", "algorithm/package.dsse.json", "algorithm/ro-crate-metadata.json", "approval.dsse.json", "author.pub", "node.pub"}
    names |= {"operator.pub", "log-entry.json", "log.tlog-proof", "padding", "results.json", "results.csv", "ro-crate-metadata.json", "ro-crate-preview.html"}
    airlock = request.get("airlock")
    if airlock:
        names |= {"decision.dsse.json"} | {f"review-{i}.dsse.json" for i in range(1, len(airlock["reviewers"]) + 1)}
    there = {p[5:] for p in files if p.startswith("data/")}
    need(names <= there, f"missing: {sorted(names - there)}")
    odd = {p for p in there - names if not p.startswith("plots/") and p.split(".")[0] not in ("report", "results", "ro-crate-preview", "schema")}
    need(not odd, f"does not belong here: {sorted(odd)}")


def verify(data, pinned, history):
    need(len(data) <= MOST, "too large")
    entries = unzip(data)
    folders = {name.split("/")[0] for name in entries}
    need(len(folders) == 1, "more than one folder")
    folder = folders.pop()
    files = {name[len(folder) + 1 :]: body for name, body in entries.items()}
    into = pathlib.Path(tempfile.mkdtemp())
    try:
        unpack(entries, into)
        info = check_bag(folder, into)
    finally:
        shutil.rmtree(into)
    node = read_pem(files["data/node.pub"])
    said = signed(files["provenance.dsse.json"], [node], SLSA)
    ParseDict(said["predicate"], provenance_pb2.Provenance())
    unsigned = {"provenance.dsse.json", "tagmanifest-sha512.txt"}
    digests = {name: hashlib.sha256(body).hexdigest() for name, body in files.items() if name not in unsigned}
    need(subjects(said) == digests, "the statement is over other files")
    request = said["predicate"]["buildDefinition"]["externalParameters"]["request"]
    status = base64.b64decode(said["predicate"]["runDetails"]["byproducts"][0]["content"]).decode()
    need(status in ("released", "withheld"), "no outcome")
    need(folder == f"trocar-{request['job']}", "the folder is named after another job")
    need(info["External-Identifier"].replace("-", "") == "urn:uuid:" + request["job"], "a bag of another job")
    expected(files, request)
    need(not files["data/padding"].strip(b" "), "the padding says something")
    approval = check_asked(files, request)
    decision = check_airlock(files, request, status == "released")
    check_entry(files["data/log-entry.json"], request)
    need(history.log in (None, request["log"]), "another log than the node publishes")
    check_log(files["data/log-entry.json"], files["data/log.tlog-proof"], request)
    check_results(files, request, status, approval)
    check_crate(files, request, status, approval, decision)
    signer = "ed25519:" + node.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    need(not pinned or history.trusts(pinned, signer), "signed by a key that is not trusted")
    in_time(history, signer, request, decision)


def judged(path, pinned, history):
    """`None` where it is good, else why not."""
    try:
        verify(path.read_bytes(), pinned, history)
        return None
    except Bad as error:
        return str(error)
    except InvalidSignature:
        return "a signature"
    except Exception as error:  # a library's own word on hostile bytes: all of them mean no
        return f"{type(error).__name__}: {error}".splitlines()[0]


def text_of(path):
    key = read_pem(path.read_bytes())
    return "ed25519:" + key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def main():
    logging.disable(logging.CRITICAL)
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", action="append", type=pathlib.Path, default=[])
    parser.add_argument("--keys", type=pathlib.Path)
    parser.add_argument("bundles", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    pinned = [text_of(path) for path in args.key]
    if args.keys and not pinned:
        pinned = [text_of(args.keys / "node.pub")]
    history, bad = History(args.keys), False
    for path in args.bundles:
        why = judged(path, pinned, history)
        bad |= why is not None
        print(f"ok {path.name}" if why is None else f"bad {path.name}: {why}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
