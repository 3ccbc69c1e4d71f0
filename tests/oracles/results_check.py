#!/usr/bin/env python3
"""Whether results.json of a bundle is what manifests/results.schema.json says, by an implementation of JSON Schema.

Pinned (run with exactly this, on Python 3.11):
    jsonschema==4.26.0

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install <the line above>
    cargo test -p trocar-bundle example_bundles
    /tmp/oracle/bin/python tests/oracles/results_check.py target/tmp/example-bundle.zip target/tmp/example-bundle-withheld.zip

Beyond the bundle as it is, each of a list of damages to it must be refused: a schema that accepts all would accept it too.
"""
import copy
import json
import pathlib
import sys
import zipfile

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]


def results(path):
    with zipfile.ZipFile(path) as bundle:
        name = next(n for n in bundle.namelist() if n.endswith("/data/results.json"))
        return json.loads(bundle.read(name))


def damages(good):
    """Each a copy of a good file with one thing wrong."""
    def damaged(change):
        bad = copy.deepcopy(good)
        change(bad)
        return bad
    yield damaged(lambda r: r.pop("rho"))
    yield damaged(lambda r: r.update(status="perhaps"))
    for i, output in enumerate(good.get("outputs", [])):
        yield damaged(lambda r, i=i: r["outputs"][i].pop("low95"))
        yield damaged(lambda r, i=i: r["outputs"][i].update(minimum=1))
        yield damaged(lambda r, i=i: r["outputs"][i].update(kind="maximum"))
        other = 1.0 if isinstance(output["value"], list) else [1.0]
        yield damaged(lambda r, i=i, v=other: r["outputs"][i].update(value=v))
    for i, derived in enumerate(good.get("derived", [])):
        yield damaged(lambda r, i=i: r["derived"][i].pop("from"))
        yield damaged(lambda r, i=i: r["derived"][i].update(kind="oracle"))
        for j, _ in enumerate(derived["parts"]):
            yield damaged(lambda r, i=i, j=j: r["derived"][i]["parts"][j].update(name="guess"))
            yield damaged(lambda r, i=i, j=j: r["derived"][i]["parts"][j].pop("high95"))


def lengths(value):
    """The lists beside each other that a schema cannot compare."""
    if isinstance(value, dict):
        if isinstance(value.get("value"), list):
            size = {len(value[k]) for k in ["value", "sd", "low95", "high95", "shown"] + ["at"] * ("at" in value)}
            assert len(size) == 1, value
        for inner in value.values():
            lengths(inner)
    elif isinstance(value, list):
        for inner in value:
            lengths(inner)


def main(paths):
    schema = json.loads((ROOT / "manifests/results.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in paths:
        good = results(path)
        validator.validate(good)
        lengths(good)
        refused = [not validator.is_valid(bad) for bad in damages(good)]
        assert all(refused), f"{refused.count(False)} damages of {path} were accepted"
        kinds = sorted({o["kind"] for o in good.get("outputs", []) + good.get("derived", [])})
        print(f"{path}: valid, {len(refused)} damages refused; {' '.join(kinds) or 'nothing released'}")


if __name__ == "__main__":
    main(sys.argv[1:])
