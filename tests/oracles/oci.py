"""Pulls an artefact with oras 0.2.43 (PyPI) and says what it found: manifest and layer digests, configuration, file names.

Usage: oci.py HOST:PORT/REPOSITORY:TAG FOLDER
"""

import hashlib
import json
import pathlib
import sys

import oras.client
import requests


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def main(reference, folder):
    client = oras.client.OrasClient(insecure=True)
    files = client.pull(target=reference, outdir=folder)
    manifest = client.get_manifest(reference)
    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json", manifest
    assert manifest["config"]["mediaType"] == "application/vnd.wasm.config.v0+json", manifest
    (layer,) = manifest["layers"]
    assert layer["mediaType"] == "application/wasm", layer
    data = pathlib.Path(files[0]).read_bytes()
    assert data[:8] == b"\0asm\x0d\0\x01\0", "the layer is no component"
    assert digest(data) == layer["digest"] and len(data) == layer["size"], layer
    host, rest = reference.split("/", 1)
    repository, tag = rest.rsplit(":", 1)
    config = client.get_blob(reference, manifest["config"]["digest"]).content
    assert digest(config) == manifest["config"]["digest"], "the configuration has another digest"
    raw = requests.get(
        f"http://{host}/v2/{repository}/manifests/{tag}", headers={"Accept": manifest["mediaType"]}, timeout=20
    ).content
    names = sorted(pathlib.Path(name).name for name in files)
    print(json.dumps({"manifest": digest(raw), "layer": digest(data), "config": json.loads(config), "files": names}))


main(*sys.argv[1:])
