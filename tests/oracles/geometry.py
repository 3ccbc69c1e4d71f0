"""Where volumes lie, as SimpleITK (ITK, GDCM) sees it: the peer that runtime/imaging's lattices are held against.

    pip install SimpleITK==2.5.7
    python tests/oracles/geometry.py series FOLDER > tests/oracles/geometry_NAME.tsv     (every series below FOLDER)
    python tests/oracles/geometry.py files FOLDER  > tests/oracles/geometry_NAME.tsv     (every file by itself)

A row is the digest of the Series Instance UID, or the file's path; then columns, rows, slices, spacing (3), origin (3) and direction cosines
(9, columns of growing column, row, slice one after the other), mm. Series of which ITK says that slices are missing or
uneven, and files that it does not read as a CT, MR or PT volume, have no row. Nothing of runtime/imaging is shared.
"""
import hashlib
import pathlib
import sys

import SimpleITK as sitk

assert sitk.Version.VersionString() == "2.5.7", "this oracle is SimpleITK 2.5.7"
sitk.ProcessObject.SetGlobalWarningDisplay(False)


def row(name, image):
    direction = image.GetDirection()
    columns = [direction[3 * r + c] for c in range(3) for r in range(3)]
    numbers = [*image.GetSize(), *image.GetSpacing(), *image.GetOrigin(), *columns]
    return "\t".join([name, *[repr(n) for n in numbers]])


def series(folder):
    reader = sitk.ImageSeriesReader()
    for path in sorted({p.parent for p in folder.rglob("*") if p.is_file()}):
        for uid in reader.GetGDCMSeriesIDs(str(path)):
            names = reader.GetGDCMSeriesFileNames(str(path), uid)
            first = sitk.ImageFileReader()
            first.SetFileName(names[0])
            first.ReadImageInformation()
            if first.HasMetaDataKey("0008|0060") and first.GetMetaData("0008|0060").strip() in ("CT", "MR", "PT"):
                reader.SetFileNames(names)
                true_uid = first.GetMetaData("0020|000e").strip().strip("\0")
                yield row(hashlib.sha256(true_uid.encode()).hexdigest(), reader.Execute())


def files(folder):
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(path))
        try:
            reader.ReadImageInformation()
            if reader.GetMetaData("0008|0060").strip() in ("CT", "MR", "PT"):
                image = reader.Execute()
                if image.GetDimension() == 3 and image.GetNumberOfComponentsPerPixel() == 1:
                    yield row(path.relative_to(folder).as_posix(), image)
        except RuntimeError:
            continue


KIND, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
print("# SimpleITK 2.5.7, tests/oracles/geometry.py", KIND)
for line in sorted({"series": series, "files": files}[KIND](FOLDER)):
    print(line)
