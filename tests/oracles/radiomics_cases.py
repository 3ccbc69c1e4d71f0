"""The five cases that pyradiomics brings, as plain voxels for sdk/rust/tests/radiomics.rs and the bench. Run by `cargo xtask test`.

    python tests/oracles/radiomics_cases.py FOLDER          (with numpy)

pip fetches the source distribution of pyradiomics 3.0.1, its digest is checked, and the image and the region of each case are cut to the
region's box. A file is one line `columns rows slices`, then the voxels as 32-bit reals, little endian, then a byte a voxel: 1 inside.
"""
import gzip
import hashlib
import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import numpy as np

NAME = "pyradiomics-3.0.1"
SHA256 = "47c57f441d6cb7973fa3b2ea48d3948df78e3348e1c69e1e2ff19001601fc2f5"
CASES = ["brain1", "brain2", "breast1", "lung1", "lung2"]
TYPES = {"short": "i2", "unsigned short": "u2", "int": "i4", "unsigned char": "u1", "uint8": "u1", "float": "f4", "double": "f8"}


def fetched():
    with tempfile.TemporaryDirectory() as folder:
        # Its setup asks for numpy, which an isolated build would not have.
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        pip += ["--no-binary=:all:", "--no-build-isolation", "--dest", folder, NAME.replace("-", "==")]
        subprocess.run(pip, check=True, stdout=sys.stderr)
        data = (pathlib.Path(folder) / f"{NAME}.tar.gz").read_bytes()
    assert hashlib.sha256(data).hexdigest() == SHA256, "another pyradiomics 3.0.1"
    return tarfile.open(fileobj=io.BytesIO(data))


def nrrd(data):
    head, _, body = data.partition(b"\n\n")
    fields = dict(line.split(": ", 1) for line in head.decode("latin-1").splitlines() if ": " in line)
    order = "<" if fields.get("endian", "little") == "little" else ">"
    raw = gzip.decompress(body) if fields["encoding"] in ("gzip", "gz") else body
    sizes = [int(size) for size in fields["sizes"].split()]
    return np.frombuffer(raw, order + TYPES[fields["type"]]).reshape(sizes[::-1])


def main(folder):
    folder.mkdir(parents=True)
    with fetched() as archive:
        read = lambda name: nrrd(archive.extractfile(f"{NAME}/data/{name}.nrrd").read())
        for case in CASES:
            image, inside = read(f"{case}_image"), read(f"{case}_label") == 1
            box = tuple(slice(at.min(), at.max() + 1) for at in np.nonzero(inside))
            voxels = image[box].astype("<f4")
            assert (voxels == image[box]).all(), f"{case}: a voxel is not a 32-bit real"
            with open(folder / f"{case}.voxels", "wb") as file:
                file.write(" ".join(map(str, voxels.shape[::-1])).encode() + b"\n")
                file.write(voxels.tobytes() + inside[box].astype("u1").tobytes())


main(pathlib.Path(sys.argv[1]))
