#!/usr/bin/env python3
"""Whether the results of bundles are what they say, by implementations that are not ours.

Pinned (run with exactly these, on Python 3.11):
    jsonschema==4.26.0 pandas==3.1.1 pyarrow==26.0.1 altair==6.3.0

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install <the line above>
    cargo test -p trocar-bundle example_bundles
    /tmp/oracle/bin/python tests/oracles/results_check.py target/tmp/example-bundle*.zip

jsonschema validates results.json by the schema in the bundle, which is the published one, and every plot's specification by
Vega-Lite's own schema as altair carries it; pandas and pyarrow read results.csv and results.parquet and find the numbers of
results.json. Beyond the bundle as it is, each of a list of damages to it must be refused: a schema that accepts all would
accept it too.
"""
import copy
import io
import json
import pathlib
import sys
import zipfile

import altair
import jsonschema
import pandas
import pyarrow.parquet

ROOT = pathlib.Path(__file__).resolve().parents[2]
NUMBERS = ["value", "sd", "low95", "high95"]


def payload(path):
    """The files below data/, by their path there."""
    with zipfile.ZipFile(path) as bundle:
        inside = {n.split("/data/", 1)[1]: n for n in bundle.namelist() if "/data/" in n}
        return {name: bundle.read(n) for name, n in inside.items()}


def damages(good):
    """Each a copy of a good file with one thing wrong."""
    def damaged(change):
        bad = copy.deepcopy(good)
        change(bad)
        return bad
    yield damaged(lambda r: r.pop("text"))
    yield damaged(lambda r: r.update(status="perhaps"))
    yield damaged(lambda r: r.update(more=1))
    if good["class"] == "any-code":
        yield damaged(lambda r: r.pop("rho"))
    else:
        yield damaged(lambda r: r.update(rho="0.1"))
    if good["status"] == "withheld":
        yield damaged(lambda r: r.update(outputs=[]))
        yield damaged(lambda r: r.update(patients={"value": 5, "sd": 1}))
        yield damaged(lambda r: r.update(patients={"value": 5, "shown": True}))
    for i, output in enumerate(good.get("outputs", [])):
        yield damaged(lambda r, i=i: r["outputs"][i].pop("shown"))
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
            size = {len(value[k]) for k in NUMBERS + ["shown", "at"] if k in value}
            assert len(size) == 1, value
        for inner in value.values():
            lengths(inner)
    elif isinstance(value, list):
        for inner in value:
            lengths(inner)


def told(results):
    """Every number of results.json in the order of the tables: name, part, and its fields or nothing where it is not shown."""
    def rows(name, part, one):
        many = isinstance(one["value"], list)
        fields = [k for k in NUMBERS if k in one]
        columns = [one[k] if many else [one[k]] for k in fields]
        shown = one["shown"] if many else [one["shown"]]
        for flag, *values in zip(shown, *columns):
            yield name, part, [v if flag else None for v in values]
    if results["status"] == "released" and results["class"] == "any-code":
        n = results["patients"]
        ends = [n["value"] - 1.959964 * n["sd"], n["value"] + 1.959964 * n["sd"]]
        yield "patients", "", [n["value"], n["sd"], *ends]
    for output in results.get("outputs", []):
        yield from rows(output["name"], "", output)
    for derived in results.get("derived", []):
        for part in derived["parts"]:
            yield from rows(derived["name"], part["name"], part)


def alike(found, expected):
    if expected is None:
        return pandas.isna(found)
    return not pandas.isna(found) and abs(found - expected) <= 1e-9 * max(1.0, abs(expected))


def tables(files, results):
    """Both tables hold the numbers of results.json, and each other's."""
    comma = pandas.read_csv(io.BytesIO(files["results.csv"]), keep_default_na=False, na_values={
        c: [""] for c in NUMBERS + ["lower", "upper"]
    })
    columns = pyarrow.parquet.read_table(io.BytesIO(files["results.parquet"]))
    expected = list(told(results))
    assert columns.schema.names == list(comma.columns) and columns.num_rows == len(comma) == len(expected)
    frame = columns.to_pandas()
    for name in comma.columns:
        for ours, theirs in zip(frame[name], comma[name]):
            assert (pandas.isna(ours) and pandas.isna(theirs)) or ours == theirs or str(ours) == str(theirs), (name, ours, theirs)
    for (_, row), (name, part, values) in zip(frame.iterrows(), expected):
        assert row["output"] == name and row.get("part", "") == part, (row, name, part)
        numbers = [row[k] for k in NUMBERS if k in row]
        assert all(alike(f, e) for f, e in zip(numbers, values, strict=True)), (row, values)
    return len(expected)


def specifications(files, schema):
    """Every plot is drawn a second time as a valid specification, with its data inside."""
    validator = jsonschema.Draft7Validator(schema)
    plots = {n.removesuffix(".svg") for n in files if n.endswith(".svg")}
    specs = {n.removesuffix(".vl.json") for n in files if n.endswith(".vl.json")}
    assert plots == specs, plots ^ specs
    for name in specs:
        specification = json.loads(files[f"{name}.vl.json"])
        validator.validate(specification)
        bad = copy.deepcopy(specification)
        bad["layer"][-1]["mark"] = {"type": "guess"}
        assert not validator.is_valid(bad)
    return len(specs)


def vega_lite():
    place = pathlib.Path(altair.__file__).parent / "vegalite/v6/schema/vega-lite-schema.json"
    return json.loads(place.read_text())


def main(paths):
    published = (ROOT / "manifests/results.schema.json").read_bytes()
    schema = json.loads(published)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    drawn = vega_lite()
    for path in paths:
        files = payload(path)
        assert files["results.schema.json"] == published, "the bundle has another schema than the published one"
        good = json.loads(files["results.json"])
        validator.validate(good)
        lengths(good)
        refused = [not validator.is_valid(bad) for bad in damages(good)]
        assert all(refused), f"{refused.count(False)} damages of {path} were accepted"
        rows, plots = tables(files, good), specifications(files, drawn)
        kinds = sorted({o["kind"] for o in good.get("outputs", []) + good.get("derived", [])})
        said = f"{len(refused)} damages refused, {rows} numbers, {plots} specifications"
        print(f"{path}: valid, {said}; {' '.join(kinds) or 'nothing released'}")


if __name__ == "__main__":
    main(sys.argv[1:])
