"""Roots over the first 0 to 8 leaves in runtime/tlog/src/merkle.rs, by the recursion of RFC 9162 section 2.1.1.

Made with Python 3.11's hashlib. Prints what the test holds.
"""
from hashlib import sha256

LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]


def root(leaves):
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + root(leaves[:k]) + root(leaves[k:])).digest()


for n in range(len(LEAVES) + 1):
    print(root([bytes.fromhex(leaf) for leaf in LEAVES[:n]]).hex())
