"""Small compressed frames that no file of the pinned data has, with the values that their own encoders or pylibjpeg give.

    python3 -m venv /tmp/oracle
    /tmp/oracle/bin/pip install numpy==2.4.6 imagecodecs==2026.3.6 \
        pydicom==3.0.2 pylibjpeg-libjpeg==2.5.0 pylibjpeg-openjpeg==2.6.0
    apt-get install dcmtk=3.6.7-9~deb12u4
    /tmp/oracle/bin/python tests/oracles/codestreams.py > tests/oracles/codestreams.tsv

A row is a name, transfer syntax, rows, columns, samples, bits allocated, bits stored, sign, the stream in base64, and what is
to be read: `sha256:` of the values, little endian, or `within1:` and the values themselves in base64, of which each may be off
by one. The pictures are made here, from a formula; lossless streams are held against it, not against a decoder.
"""
import base64
import hashlib
import pathlib
import subprocess
import tempfile

import _libjpeg
import imagecodecs
import numpy as np
import openjpeg
import pydicom

ROWS, COLUMNS = 40, 56


def picture(bits, kind, samples=1):
    """Smooth, with a step, over the whole range."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    top = 2 ** bits - 1
    planes = [np.sin(x / (5 + k)) * np.cos(y / (7 - k)) * 0.4 + (x > 20 + 4 * k) * 0.15 for k in range(samples)]
    values = np.rint((np.stack(planes, -1) + 0.45).clip(0, 1) * top).astype(np.int64)
    if np.dtype(kind).kind == "i":
        values -= 2 ** (bits - 1)
    return values.astype(kind).reshape((ROWS, COLUMNS) if samples == 1 else (ROWS, COLUMNS, samples))


def little(values):
    return np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"))).tobytes()


def exactly(values):
    return "sha256:" + hashlib.sha256(little(values)).hexdigest()


def row(name, syntax, values, bits, stream, expected):
    samples = 1 if values.ndim == 2 else values.shape[2]
    signed = int(values.dtype.kind == "i")
    head = [name, "1.2.840.10008.1.2.4." + syntax, *values.shape[:2], samples, 8 * values.dtype.itemsize, bits, signed]
    print(*head, base64.b64encode(bytes(stream)).decode(), expected, sep="\t")


def lossless(name, syntax, values, bits, stream):
    row(name, syntax, values, bits, stream, exactly(values))


def by_libjpeg(name, syntax, values, bits, stream):
    status, out, _ = _libjpeg.decode(bytes(stream), 0, as_array=False)
    assert status.startswith(b"0"), status
    decoded = np.frombuffer(bytes(out), "<u2" if bits > 8 else "u1").reshape(values.shape).astype(values.dtype)
    row(name, syntax, values, bits, stream, exactly(decoded))


def by_openjpeg(name, syntax, values, bits, stream):
    decoded = openjpeg.decode(bytes(stream)).astype(values.dtype)
    row(name, syntax, values, bits, stream, exactly(decoded))


def by_libjxl(name, syntax, values, bits, stream):
    decoded = imagecodecs.jpegxl_decode(bytes(stream)).reshape(values.shape).astype(values.dtype)
    row(name, syntax, values, bits, stream, "within1:" + base64.b64encode(little(decoded)).decode())


def by_dcmtk(values, bits, *options):
    """The frame that dcmcjpeg makes of a grey picture."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "2.25.1"
    dataset = pydicom.Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, "2.25.1"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = values.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, bits, bits - 1
    dataset.PixelRepresentation = 0
    dataset.PixelData = little(values)
    with tempfile.TemporaryDirectory() as folder:
        plain, packed = pathlib.Path(folder, "plain.dcm"), pathlib.Path(folder, "packed.dcm")
        dataset.save_as(plain)
        subprocess.run(["dcmcjpeg", *options, plain, packed], check=True)
        pixels = pydicom.dcmread(packed).PixelData
    return next(pydicom.encaps.generate_frames(pixels, number_of_frames=1))


def main():
    grey8, grey12, colour = picture(8, "u1"), picture(12, "u2"), picture(8, "u1", 3)
    grey16, signed = picture(16, "u2"), picture(12, "i2")
    high = imagecodecs.htj2k_encode
    lossless("htj2k-grey", "201", grey12, 12, high(grey12, reversible=True))
    lossless("htj2k-16-bits", "201", grey16, 16, high(grey16, reversible=True))
    lossless("htj2k-signed", "201", signed, 12, high(signed, reversible=True))
    lossless("htj2k-colour", "202", colour, 8, high(colour, reversible=True))
    by_openjpeg("htj2k-lossy", "203", grey8, 8, high(grey8, reversible=False))
    xl = imagecodecs.jpegxl_encode
    lossless("jpeg-xl-grey", "110", grey12, 12, xl(grey12, lossless=True, bitspersample=12))
    lossless("jpeg-xl-8-bits", "110", grey8, 8, xl(grey8, lossless=True))
    lossless("jpeg-xl-colour", "110", colour, 8, xl(colour, lossless=True))
    by_libjxl("jpeg-xl-lossy", "112", colour, 8, xl(colour, distance=0.5))
    dct = imagecodecs.jpeg8_encode
    repacked = imagecodecs.jpegxl_encode_jpeg(dct(colour, level=95, subsampling="444"))
    by_libjxl("jpeg-xl-of-jpeg", "111", colour, 8, repacked)
    by_libjpeg("jpeg-12-bits", "51", grey12, 12, dct(grey12, level=95, bitspersample=12))
    by_libjpeg("jpeg-8-bits", "51", grey8, 8, dct(grey8, level=90))
    for bits, kind in ((8, "u1"), (12, "u2"), (16, "u2")):
        values = picture(bits, kind)
        lossless(f"jpeg-lossless-{bits}-bits", "57", values, bits, imagecodecs.ljpeg_encode(values, bitspersample=bits))
    for predictor in range(1, 8):
        stream = by_dcmtk(grey12, 12, "+el", "+sv", str(predictor))
        lossless(f"jpeg-lossless-predictor-{predictor}", "57", grey12, 12, stream)
    shifted = by_dcmtk(grey12, 12, "+el", "+sv", "4", "+pt", "2")
    lossless("jpeg-lossless-without-2-bits", "57", grey12 >> 2 << 2, 12, shifted)
    wide = picture(20, "u4")
    two = imagecodecs.jpeg2k_encode
    stream = two(wide, reversible=True, codecformat="j2k", bitspersample=20)
    lossless("jpeg-2000-20-bits", "90", wide, 20, stream)
    lossless("jpeg-2000-part-2", "92", colour, 8, two(colour, reversible=True, codecformat="j2k"))
    lossless("jpeg-ls-colour", "80", colour, 8, imagecodecs.jpegls_encode(colour))
    lossless("jpeg-ls-16-bits", "80", grey16, 16, imagecodecs.jpegls_encode(grey16))


main()
