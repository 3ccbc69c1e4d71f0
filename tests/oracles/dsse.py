"""Pins DSSE vectors with Python securesystemslib: an implementation that shares nothing with runtime/manifest.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install 'securesystemslib[crypto]==1.6.0'
    /tmp/oracle/bin/python tests/oracles/dsse.py runtime/manifest/tests/vectors

Writes a test key (secret.pem, public.pem; the seed stands below, so it protects nothing) and dsse.json: envelopes that
securesystemslib signed and verified. With a folder that has them already, verifies those instead.
"""

import hashlib
import json
import pathlib
import sys

from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, SSlibKey

PAYLOADS = [
    ("application/vnd.in-toto+json", b'{"_type":"https://in-toto.io/Statement/v1"}'),
    ("application/vnd.in-toto+json", b""),
    ("text/plain; charset=\u00fctf-8", bytes(range(256))),
    ("", b"a payload without a type"),
]


def main(folder):
    secret = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"trocar test vectors").digest())
    public = secret.public_key()
    der = public.public_bytes(s.Encoding.DER, s.PublicFormat.SubjectPublicKeyInfo)
    key = SSlibKey.from_crypto(public, keyid=hashlib.sha256(der).hexdigest())
    path = folder / "dsse.json"
    if path.exists():
        vectors = json.loads(path.read_text())
        for vector in vectors:
            Envelope.from_dict(vector["envelope"]).verify([key], 1)
        print(f"{len(vectors)} envelopes verify")
        return
    vectors = []
    for kind, payload in PAYLOADS:
        envelope = Envelope(payload, kind, {})
        envelope.sign(CryptoSigner(secret, key))
        envelope.verify([key], 1)
        vectors.append(
            {"payload_hex": payload.hex(), "pae_hex": envelope.pae().hex(), "envelope": envelope.to_dict()}
        )
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(vectors, indent=1) + "\n")
    pem = secret.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
    (folder / "secret.pem").write_bytes(pem)
    (folder / "public.pem").write_bytes(public.public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo))


main(pathlib.Path(sys.argv[1]))
