#!/usr/bin/env python3
"""Writes a CT series and DICOM SEG objects by highdicom, and the masks that highdicom and SimpleITK see in them.

Pinned (segmentations.tsv was made with exactly these, on Python 3.11):
    highdicom==0.28.0 pydicom==3.0.2 numpy==2.4.6 simpleitk==2.5.7 pylibjpeg-rle==2.2.0 pylibjpeg-openjpeg==2.6.0

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install <the line above>
    /tmp/oracle/bin/python tests/oracles/segmentations.py target/data/segmentations > tests/oracles/segmentations.tsv

`cargo xtask data` does the same into target/data without keeping the table. The SEG files are highdicom's alone: several segments,
frames left out where they are empty, an odd number of pixels a frame so that packed frames begin within a byte. What is expected
of each file is read back from it by highdicom (`get_volume`) and, where its grid is not that of the CT, resampled by SimpleITK's
nearest neighbour. Fractional segments have a voxel where the stored value is at least half of the maximum. A row is a file, a
label, its voxels on the CT's grid and the SHA-256 of its bytes, slices from foot to head.
"""
import hashlib
import pathlib
import sys

sys.modules["gdcm"] = None  # where it is installed pydicom prefers its RLE encoder, which aborts on odd sizes

import highdicom as hd
import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless, generate_uid

SLICES, ROWS, COLUMNS = 12, 37, 41
SPACING = (3.0, 1.25, 1.5)  # slices, rows, columns
ORIGIN = np.array([-31.7, 12.3, 104.5])
CT = "1.2.840.10008.5.1.4.1.1.2"


def uid(*words):
    """The same for the same words."""
    return generate_uid(entropy_srcs=["trocar", *words])


def axes(angle):
    """Directions of columns and rows, turned about the axis of the body."""
    c, s = round(float(np.cos(angle)), 8), round(float(np.sin(angle)), 8)
    return np.array([c, s, 0.0]), np.array([-s, c, 0.0])


def slice_of(number):
    """One CT image."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CT, uid("slice", str(number))
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID, image.SOPInstanceUID = CT, meta.MediaStorageSOPInstanceUID
    image.PatientID, image.PatientName, image.PatientBirthDate, image.PatientSex = "SEG", "Made^By", "", ""
    image.PatientIdentityRemoved, image.DeidentificationMethod = "YES", "made by a script"
    image.StudyInstanceUID, image.SeriesInstanceUID = uid("study"), uid("series")
    image.FrameOfReferenceUID, image.PositionReferenceIndicator = uid("frame"), ""
    image.StudyID, image.SeriesNumber, image.InstanceNumber = "1", 1, number + 1
    image.StudyDate, image.StudyTime, image.AccessionNumber, image.ReferringPhysicianName = "", "", "", ""
    image.Modality, image.Manufacturer = "CT", "testkit"
    across, down = axes(0.2)
    image.ImageOrientationPatient = [*across, *down]
    image.ImagePositionPatient = [float(v) for v in ORIGIN + np.array([0, 0, SPACING[0] * number])]
    image.PixelSpacing, image.SliceThickness = list(SPACING[1:]), SPACING[0]
    image.Rows, image.Columns, image.SamplesPerPixel, image.PhotometricInterpretation = ROWS, COLUMNS, 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.RescaleSlope, image.RescaleIntercept = 1, -1024
    image.PixelData = (np.arange(ROWS * COLUMNS) % 4000).astype("<u2").tobytes()
    return image


def descriptions(labels):
    """Segments 1, 2, ... with codes."""
    kinds = [codes.SCT.Liver, codes.SCT.Spleen, codes.SCT.Neoplasm]
    return [
        hd.seg.SegmentDescription(
            segment_number=n, segment_label=label, segmented_property_category=codes.SCT.Organ,
            segmented_property_type=kinds[(n - 1) % 3], algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL)
        for n, label in enumerate(labels, 1)
    ]


def organs(shape):
    """Three shapes that overlap, the last in few slices: slices, rows, columns, segments."""
    z, y, x = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    first = ((z - 5) / 5) ** 2 + ((y - 16) / 11.3) ** 2 + ((x - 15) / 12.6) ** 2 <= 1
    second = (abs(y - 25) + abs(x - 26) <= 9) & (z > 2)
    third = ((x + 2 * y + z) % 3 == 0) & np.isin(z, [3, 4, 9]) & (x > 20)
    return np.stack([first, second, third], axis=-1)


def write(folder, name, sources, pixels, kind, labels, **more):
    """One SEG by highdicom."""
    seg = hd.seg.Segmentation(
        source_images=sources, pixel_array=pixels, segmentation_type=kind, segment_descriptions=descriptions(labels),
        series_instance_uid=uid("seg series", name), series_number=9, sop_instance_uid=uid("seg", name), instance_number=1,
        manufacturer="testkit", manufacturer_model_name="script", software_versions="1", device_serial_number="1", **more)
    seg.PatientIdentityRemoved, seg.DeidentificationMethod = "YES", "made by a script"
    seg.save_as(folder / name)


def volume(array, spacing, angle, tilt, origin):
    """A highdicom volume on a grid of its own."""
    across, down = axes(angle)
    normal = np.cross(across, down)
    c, s = float(np.cos(tilt)), float(np.sin(tilt))
    down, normal = c * down + s * normal, c * normal - s * down
    affine = np.eye(4)
    affine[:3, :3] = np.stack([normal * spacing[0], down * spacing[1], across * spacing[2]], axis=1)
    affine[:3, 3] = origin
    return hd.Volume(array, affine, coordinate_system="PATIENT", frame_of_reference_uid=uid("frame"),
                     channels={"SegmentNumber": list(range(1, array.shape[3] + 1))})


def image_of(array, affine):
    """A SimpleITK image of slices, rows, columns with highdicom's affine."""
    image = sitk.GetImageFromArray(array)
    axes = affine[:3, :3][:, ::-1]
    spacing = np.linalg.norm(axes, axis=0)
    image.SetSpacing([float(v) for v in spacing])
    image.SetDirection([float(v) for v in (axes / spacing).ravel()])
    image.SetOrigin([float(v) for v in affine[:3, 3]])
    return image


def expected(path, target):
    """What highdicom and SimpleITK see of each segment on the CT's grid."""
    seg = hd.seg.segread(path)
    for number in seg.segment_numbers:
        label = seg.get_segment_description(number).segment_label
        if seg.segmentation_type == hd.seg.SegmentationTypeValues.FRACTIONAL:
            found = seg.get_volume(segment_numbers=[number], rescale_fractional=False, allow_missing_positions=True)
            array = (found.array[..., 0].astype(int) * 2 >= int(seg.MaximumFractionalValue)).astype(np.uint8)
        else:
            found = seg.get_volume(segment_numbers=[number], allow_missing_positions=True)
            array = (found.array[..., 0] != 0).astype(np.uint8)
        moved = sitk.Resample(image_of(array, found.affine), target, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
        mask = sitk.GetArrayFromImage(moved)
        yield label, int(mask.sum()), hashlib.sha256(mask.tobytes()).hexdigest()


def main():
    folder = pathlib.Path(sys.argv[1])
    (folder / "ct").mkdir(parents=True, exist_ok=True)
    sources = [slice_of(n) for n in range(SLICES)]
    for image in sources:
        image.save_as(folder / "ct" / f"{image.InstanceNumber:02}.dcm", enforce_file_format=True)
    shape = (SLICES, ROWS, COLUMNS)
    bits = organs(shape)
    z, y, x = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    chance = np.stack([np.clip(1.2 - 0.09 * abs(x - 20) - 0.03 * abs(y - 18), 0, 1), (x + y + z) % 11 / 10], axis=-1)
    labels = np.where(bits[..., 0], 1, 0)
    labels[bits[..., 1]] = 2
    kinds = hd.seg.SegmentationTypeValues
    write(folder, "binary.dcm", sources, bits, kinds.BINARY, ["Liver", "Spleen", "Lesion"])
    write(folder, "all_frames.dcm", sources, bits[..., 2:].astype(np.uint8), kinds.BINARY, ["Lesion"], omit_empty_frames=False)
    for name, syntax in (("", ExplicitVRLittleEndian), ("_rle", RLELossless), ("_j2k", JPEG2000Lossless)):
        write(folder, f"fractional{name}.dcm", sources, chance, kinds.FRACTIONAL, ["Likely", "Steps"],
              max_fractional_value=200, transfer_syntax_uid=syntax)
    write(folder, "labelmap.dcm", sources, labels.astype(np.uint8), kinds.LABELMAP, ["Liver", "Spleen"])
    finer = organs((21, 33, 45))
    write(folder, "finer.dcm", sources, volume(finer, (1.37, 1.91, 1.13), 0.2, 0.0, ORIGIN + [3.3, -2.1, 1.7]),
          kinds.BINARY, ["Liver", "Spleen", "Lesion"])
    write(folder, "tilted.dcm", sources, volume(finer, (2.17, 1.31, 1.73), -0.4, 0.45, ORIGIN + [-8.9, 7.7, -2.3]),
          kinds.BINARY, ["Liver", "Spleen", "Lesion"])
    across, down = axes(0.2)
    affine = np.eye(4)
    affine[:3, :3] = np.stack([np.cross(across, down) * SPACING[0], down * SPACING[1], across * SPACING[2]], axis=1)
    affine[:3, 3] = ORIGIN
    target = image_of(np.zeros(shape, np.uint8), affine)
    print("file\tlabel\tvoxels\tsha256")
    for path in sorted(folder.glob("*.dcm")):
        for row in expected(path, target):
            print(path.name, *row, sep="\t")


if __name__ == "__main__":
    main()
