"""Whether a bundle's crates are what RO-Crate 1.2 and Process Run Crate 0.5 ask, by implementations that are not ours.

Pinned (run with exactly these, on Python 3.11; `cargo xtask test` installs them):
    rocrate==0.16.0  roc-validator==0.13.0

    python tests/oracles/crate_check.py BUNDLE...

rocrate reads the result's crate and the algorithm's inside it; roc-validator holds the first against its profiles
ro-crate-1.2 and process-run-crate, and the second against ro-crate-1.2 and workflow-ro-crate, at the level REQUIRED, no
finding left out, without a network. One line a check; exit 1 if one fails.
"""

import json
import logging
import pathlib
import sys
import tempfile
import types
import zipfile

from rocrate.rocrate import ROCrate
from rocrate_validator import models, services
from rocrate_validator.utils.http import HttpRequester

PROFILES = {"data": ["ro-crate-1.2", "process-run-crate"], "data/algorithm": ["ro-crate-1.2", "workflow-ro-crate"]}
# What the context of RO-Crate 1.2 maps elsewhere than to schema.org, of the words that bundles use.
OTHERS = {
    "File": "http://schema.org/MediaObject",
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "Profile": "http://www.w3.org/ns/dx/prof/Profile",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
}


def context_of(folder):
    """The part of the context that the crate uses: the document itself is nowhere fetched."""
    graph = json.loads((folder / "ro-crate-metadata.json").read_bytes())["@graph"]
    kinds = [entity["@type"] for entity in graph]
    words = {key for entity in graph for key in entity if key[0] != "@"}
    words |= {word for kind in kinds for word in (kind if isinstance(kind, list) else [kind])}
    return {"@context": {word: OTHERS.get(word, f"http://schema.org/{word}") for word in words}}


def issues(folder, profile):
    document = context_of(folder)

    def get(self, url, **_):
        # Nothing but the context is ever fetched, so the answer is the same for every address.
        answer = {"status_code": 200, "ok": True, "url": url, "headers": {"Content-Type": "application/ld+json"}}
        return types.SimpleNamespace(**answer, json=lambda: document, text=json.dumps(document))

    HttpRequester.get = get
    settings = services.ValidationSettings(
        rocrate_uri=str(folder), profile_identifier=profile, requirement_severity=models.Severity.REQUIRED
    )
    return [issue.message for issue in services.validate(settings).get_issues()]


def read(folder):
    crate = ROCrate(folder)
    parts = [part.id for part in crate.root_dataset["hasPart"]]
    absent = [part for part in parts if not (folder / part).exists()]
    return [f"{part} is not there" for part in absent] + ([] if crate.mainEntity is not None else ["no main entity"])


def check(bundle, inner):
    failed = False
    with tempfile.TemporaryDirectory() as into:
        with zipfile.ZipFile(bundle) as archive:
            archive.extractall(into)
        [top] = pathlib.Path(into).iterdir()
        for inside, profiles in PROFILES.items():
            if inside != "data" and not inner:
                continue
            found = {"rocrate": read(top / inside)} | {p: issues(top / inside, p) for p in profiles}
            for what, words in found.items():
                print("FAIL" if words else "ok  ", pathlib.Path(bundle).name, inside, what)
                print(*(f"       {word}" for word in words), sep="\n", end="\n" if words else "")
                failed |= bool(words)
    return failed


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    # The algorithm's crate follows from manifest and author: that of the first bundle stands for those of the others.
    sys.exit(1 if any([check(bundle, i == 0) for i, bundle in enumerate(sys.argv[1:])]) else 0)
