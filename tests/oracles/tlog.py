"""Signed notes, checkpoints, cosignatures, Merkle proofs and tiles, by Python alone.

    python3 tlog.py                        prints tlog.tsv, which runtime/tlog/tests/oracle.rs holds ours against
    python3 tlog.py FOLDER LOG [WITNESS]   verifies a folder that `trocar node audit --export` wrote: every tile, every entry, the
                                           root, the log's signature and, where a verifier key of a witness is given, its own

Written from RFC 9162 section 2.1 (the recursions as they are printed there), C2SP signed-note, tlog-checkpoint, tlog-cosignature
and tlog-tiles. Ed25519 is that of the PyPI package cryptography; tlog.tsv was made with 48.0.0 on Python 3.11.
"""
import base64
import os
import struct
import sys
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def leaf(d):
    return sha256(b"\0" + d).digest()


def mth(d):
    if not d:
        return sha256(b"").digest()
    if len(d) == 1:
        return d[0]
    k = split(len(d))
    return sha256(b"\1" + mth(d[:k]) + mth(d[k:])).digest()


def path(m, d):
    if len(d) == 1:
        return []
    k = split(len(d))
    return path(m, d[:k]) + [mth(d[k:])] if m < k else path(m - k, d[k:]) + [mth(d[:k])]


def subproof(m, d, b):
    if m == len(d):
        return [] if b else [mth(d)]
    k = split(len(d))
    return subproof(m, d[:k], b) + [mth(d[k:])] if m <= k else subproof(m - k, d[k:], False) + [mth(d[:k])]


def b64(b):
    return base64.b64encode(b).decode()


class Key:
    def __init__(self, name, kind, seed):
        self.name, self.kind, self.secret = name, kind, Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self.secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def pem(self):
        return self.secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def id(self):
        return keyid(self.name, self.kind, self.public)

    def vkey(self):
        return f"{self.name}+{self.id().hex()}+{b64(bytes([self.kind]) + self.public)}"

    def sign(self, text):
        return f"— {self.name} {b64(self.id() + self.secret.sign(text.encode()))}\n"

    def cosign(self, text, time):
        signed = f"cosignature/v1\ntime {time}\n{text}".encode()
        return f"— {self.name} {b64(self.id() + struct.pack('>Q', time) + self.secret.sign(signed))}\n"


def keyid(name, kind, public):
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def verifier(vkey):
    name, id_, key = vkey.split("+", 2)
    key = base64.b64decode(key, validate=True)
    assert keyid(name, key[0], key[1:]).hex() == id_, "a verifier key whose id is not its own"
    return name, key[0], key[1:]


def verify(note, vkey):
    """The text, if `vkey` signed it; the time too for a witness's key."""
    text, lines = note.rsplit("\n\n", 1)
    text += "\n"
    name, kind, public = verifier(vkey)
    for line in lines.splitlines():
        dash, who, signature = line.split(" ")
        signature = base64.b64decode(signature, validate=True)
        if dash != "—" or who != name or signature[:4] != keyid(name, kind, public):
            continue
        key = Ed25519PublicKey.from_public_bytes(public)
        if kind == 1:
            key.verify(signature[4:], text.encode())
            return text
        (time,) = struct.unpack(">Q", signature[4:12])
        key.verify(signature[12:], f"cosignature/v1\ntime {time}\n{text}".encode())
        return text, time
    raise AssertionError(f"{name} signed nothing")


def number(n):
    groups = [f"{n % 1000:03}"]
    while n >= 1000:
        n //= 1000
        groups.insert(0, f"x{n % 1000:03}")
    return "/".join(groups)


def read(folder, level, n, width):
    partial = f".p/{width}" if width < 256 else ""
    with open(os.path.join(folder, "tile", str(level), number(n) + partial), "rb") as f:
        return f.read()


def widths(size):
    return [(n, min(256, size - n * 256)) for n in range((size + 255) // 256)]


def check(folder, log, witness=None):
    note = open(os.path.join(folder, "checkpoint"), encoding="utf-8").read()
    text = verify(note, log)
    if witness:
        assert verify(note, witness)[0] == text
    origin, size, root = text.splitlines()[:3]
    size = int(size)
    assert origin == verifier(log)[0]
    entries = []
    for n, width in widths(size):
        bundle = read(folder, "entries", n, width)
        while bundle:
            (length,) = struct.unpack(">H", bundle[:2])
            entries.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
    hashes = [leaf(e) for e in entries]
    assert len(hashes) == size and b64(mth(hashes)) == root, "the root is not that of the entries"
    level, here = 0, hashes
    while here:
        for n, width in widths(len(here)):
            assert read(folder, level, n, width) == b"".join(here[n * 256 : n * 256 + width]), (level, n)
        here = [mth(here[i : i + 256]) for i in range(0, len(here) - 255, 256)]
        level += 1
    print(f"{size} entries, root {root}")


def pinned():
    log = Key("example.org/log", 1, bytes(range(32)))
    witness = Key("example.org/witness", 4, bytes(range(32, 64)))
    entries = [b"entry %d" % i for i in range(13)]
    d = [leaf(e) for e in entries]
    text = f"{log.name}\n{len(d)}\n{b64(mth(d))}\n"
    rows = [
        ("log_pem", log.pem().replace("\n", "|")),
        ("witness_pem", witness.pem().replace("\n", "|")),
        ("log", log.vkey()),
        ("witness", witness.vkey()),
        ("note", (text + "\n" + log.sign(text)).replace("\n", "|")),
        ("cosignature", witness.cosign(text, 1795000000).replace("\n", "|")),
    ]
    rows += [(f"root {n}", b64(mth(d[:n]))) for n in range(14)]
    rows += [(f"inclusion {i} {n}", " ".join(map(b64, path(i, d[:n])))) for n in range(1, 14) for i in range(n)]
    rows += [
        (f"consistency {m} {n}", " ".join(map(b64, subproof(m, d[:n], True)))) for n in range(1, 14) for m in range(1, n + 1)
    ]
    for name, value in rows:
        print(f"{name}\t{value}")


if __name__ == "__main__":
    check(*sys.argv[1:]) if len(sys.argv) > 1 else pinned()
