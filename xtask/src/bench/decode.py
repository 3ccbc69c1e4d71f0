"""The peer of `cargo xtask bench decode`, run by it.

    decode.py make FOLDER [SLICE]    one 512 x 512 slice in every transfer syntax, and a series of 32 in JPEG 2000
    decode.py time FILE...           for each file, the fastest of 20 decodes of its frame by each plugin: file, plugin, nanoseconds of
                                     processor time

SLICE is an uncompressed CT file; without one the slice is made from a formula. Encoders are imagecodecs' and pydicom's own.
"""
import pathlib
import sys
import time

import numpy as np
import pydicom
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder

RUNS = 20
SYNTAXES = {
    "rle": "1.2.840.10008.1.2.5",
    "jpeg-lossless-57": "1.2.840.10008.1.2.4.57",
    "jpeg-lossless-70": "1.2.840.10008.1.2.4.70",
    "jpeg-ls": "1.2.840.10008.1.2.4.80",
    "jpeg-ls-near": "1.2.840.10008.1.2.4.81",
    "jpeg-2000": "1.2.840.10008.1.2.4.90",
    "jpeg-2000-lossy": "1.2.840.10008.1.2.4.91",
    "htj2k": "1.2.840.10008.1.2.4.201",
    "jpeg-xl": "1.2.840.10008.1.2.4.110",
    "jpeg-12-bits": "1.2.840.10008.1.2.4.51",
    "jpeg-8-bits": "1.2.840.10008.1.2.4.50",
}


def slice_of(path):
    """Stored values of 12 bits."""
    if path is not None:
        dataset = pydicom.dcmread(path)
        return np.clip(dataset.pixel_array.astype(np.int32), 0, 4095).astype(np.uint16)
    rng = np.random.default_rng(7)
    y, x = np.mgrid[-1:1:512j, -1:1:512j]
    body = 1000.0 * (x**2 / 0.8 + y**2 / 0.5 < 0.8) + 60 * np.sin(9 * x) * np.cos(7 * y)
    return np.clip(body + rng.normal(0, 12, body.shape) + 24, 0, 4095).astype(np.uint16)


def dataset(values, syntax, bits, number=1):
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
    made = pydicom.Dataset()
    made.file_meta = meta
    made.SOPClassUID = meta.MediaStorageSOPClassUID
    made.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = f"2.25.{number}"
    made.StudyInstanceUID, made.SeriesInstanceUID, made.FrameOfReferenceUID = "2.25.100", "2.25.101", "2.25.102"
    made.PatientID, made.PatientIdentityRemoved, made.Modality = "BENCH", "YES", "CT"
    made.ImagePositionPatient, made.ImageOrientationPatient = [0, 0, 3 * number], [1, 0, 0, 0, 1, 0]
    made.PixelSpacing, made.RescaleSlope, made.RescaleIntercept = [0.7, 0.7], 1, -1024
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.Rows, made.Columns = values.shape
    made.BitsAllocated, made.BitsStored, made.HighBit = 8 if bits == 8 else 16, bits, bits - 1
    made.PixelRepresentation = 0
    return made


def save(path, syntax, values, bits, stream, number=1):
    uid = SYNTAXES[syntax]
    # pydicom knows no JPEG XL: the file is written under a UID of the same length, and the right one put in its place.
    known = SYNTAXES["htj2k"] if syntax == "jpeg-xl" else uid
    made = dataset(values, known, bits, number)
    made.PixelData = encapsulate([bytes(stream)])
    made["PixelData"].is_undefined_length = True
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(path, enforce_file_format=True)
    path.write_bytes(path.read_bytes().replace(known.encode(), uid.encode(), 1))


def make(folder, source):
    import imagecodecs as codecs

    grey = slice_of(source)
    eight = (grey >> 4).astype(np.uint8)
    for name, syntax, order in (
        ("implicit", pydicom.uid.ImplicitVRLittleEndian, "<"),
        ("big-endian", pydicom.uid.ExplicitVRBigEndian, ">"),
        ("deflated", pydicom.uid.DeflatedExplicitVRLittleEndian, "<"),
    ):
        plain = dataset(grey, syntax, 12)
        plain.PixelData = grey.astype(order + "u2").tobytes()
        plain["PixelData"].VR = "OW"
        plain.save_as(folder / f"{name}.dcm", enforce_file_format=True)
    native = dataset(grey, pydicom.uid.ExplicitVRLittleEndian, 12)
    native.PixelData = grey.astype("<u2").tobytes()
    native.save_as(folder / "native.dcm", enforce_file_format=True)
    native.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
    native.save_as(folder / "rle.dcm", enforce_file_format=True)
    two = lambda values, **options: codecs.jpeg2k_encode(values, codecformat="j2k", bitspersample=12, **options)
    lossless = codecs.ljpeg_encode(grey, bitspersample=12)
    streams = {
        "jpeg-lossless-57": lossless,
        "jpeg-lossless-70": lossless,
        "jpeg-ls": codecs.jpegls_encode(grey),
        "jpeg-ls-near": codecs.jpegls_encode(grey, level=2),
        "jpeg-2000": two(grey, reversible=True),
        "jpeg-2000-lossy": two(grey, level=40),
        "htj2k": codecs.htj2k_encode(grey, reversible=True),
        "jpeg-xl": codecs.jpegxl_encode(grey, lossless=True, bitspersample=12),
        "jpeg-12-bits": codecs.jpeg8_encode(grey, level=90, bitspersample=12),
    }
    for name, stream in streams.items():
        save(folder / f"{name}.dcm", name, grey, 12, stream)
    save(folder / "jpeg-8-bits.dcm", "jpeg-8-bits", eight, 8, codecs.jpeg8_encode(eight, level=90))
    for number in range(1, 33):
        save(folder / "series" / f"{number:02}.dcm", "jpeg-2000", grey, 12, streams["jpeg-2000"], number)


def fastest(run):
    best = float("inf")
    for _ in range(RUNS):
        # Time of all threads: gdcm decodes JPEG 2000 on every core, and the comparison is of one.
        begun = time.process_time_ns()
        run()
        best = min(best, time.process_time_ns() - begun)
    return best


def clock(path):
    read = pydicom.dcmread(path)
    syntax = read.file_meta.TransferSyntaxUID
    if syntax == SYNTAXES["jpeg-xl"]:
        # pydicom has no plugin for JPEG XL: libjxl itself, through imagecodecs.
        import imagecodecs

        stream = next(pydicom.encaps.generate_frames(read.PixelData, number_of_frames=1))
        yield "libjxl", fastest(lambda: imagecodecs.jpegxl_decode(stream, numthreads=1))
        return
    decoder = get_decoder(syntax)
    plugins = list(decoder.available_plugins) if syntax.is_encapsulated else [None]
    for plugin in plugins:
        options = {} if plugin is None else {"decoding_plugin": plugin}
        try:
            yield plugin or "numpy", fastest(lambda: decoder.as_array(read, index=0, raw=True, **options))
        except Exception as error:
            print(f"{path.name} {plugin}: {error}", file=sys.stderr)


if sys.argv[1] == "make":
    make(pathlib.Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
else:
    for name in sys.argv[2:]:
        for plugin, nanoseconds in clock(pathlib.Path(name)):
            print(name, plugin, nanoseconds, sep="\t")
