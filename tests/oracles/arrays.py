"""Stored values as pydicom and pylibjpeg decode them: the peer that `pixel_array` of runtime/imaging is held against.

    python3 -m venv /tmp/oracle
    /tmp/oracle/bin/pip install pydicom==3.0.2 numpy==2.4.6 pylibjpeg==2.1.0 \
        pylibjpeg-libjpeg==2.5.0 pylibjpeg-openjpeg==2.6.0 pylibjpeg-rle==2.2.0
    /tmp/oracle/bin/python tests/oracles/arrays.py FOLDER > tests/oracles/arrays_NAME.tsv

A row is a file, its transfer syntax, photometric interpretation, bits allocated, stored and high bit, type and shape of the
array, and the SHA-256 of the values, little endian; a file without an array is no row. Nothing of runtime/imaging is shared.
"""
import hashlib
import logging
import pathlib
import sys
import warnings

# Other plugins than pylibjpeg's, where they happen to be installed, would decode some files in its stead.
sys.modules["gdcm"] = sys.modules["jpeg_ls"] = sys.modules["PIL"] = None
import numpy as np
import pydicom

assert pydicom.__version__ == "3.0.2", "this oracle is pydicom 3.0.2"
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)


def row(path, folder):
    dataset = pydicom.dcmread(path)
    values = np.asarray(dataset.pixel_array)
    little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<")))
    bits = [dataset.BitsAllocated, dataset.get("BitsStored", "-"), dataset.get("HighBit", "-")]
    shape = "x".join(map(str, values.shape))
    digest = "sha256:" + hashlib.sha256(little.tobytes()).hexdigest()
    kind = values.dtype.newbyteorder("=").name
    syntax = dataset.file_meta.TransferSyntaxUID
    return [path.relative_to(folder).as_posix(), syntax, dataset.PhotometricInterpretation, *bits, kind, shape, digest]


def main(folder):
    print("# file, transfer syntax, photometric interpretation, bits allocated, bits stored, high bit, type, shape, digest")
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        try:
            print(*row(path, folder), sep="\t")
        except Exception as error:
            print(path, str(error).split("\n")[0], file=sys.stderr)


main(pathlib.Path(sys.argv[1]))
