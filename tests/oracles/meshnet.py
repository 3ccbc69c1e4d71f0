"""Class volumes by onnxruntime, the oracle of runtime/inference and of guest-examples/brain-volumes.

`meshnet.py nets MESHNET UNET`: the two folders that `cargo run -p trocar-testkit --example onnx -- KIND SIDE FOLDER` wrote, of
24 and 64; prints tests/oracles/meshnet.tsv.
`meshnet.py volumes MODEL.onnx INPUT.f32`: voxels of each class, over one volume in the model's own shape; what
`cargo xtask bench sandbox` compares with.
`meshnet.py time MODEL.onnx INPUT.f32 RUNS`: seconds of each run on one thread.

Made with onnxruntime 1.32.0 and numpy 2.4.6.
"""

import sys
import time

import numpy
import onnxruntime


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def given(run, path):
    shape = [size if isinstance(size, int) else 1 for size in run.get_inputs()[0].shape]
    return {run.get_inputs()[0].name: numpy.fromfile(path, dtype="<f4").reshape(shape)}


def volumes(output):
    classes = output.shape[1]
    return numpy.bincount(output[0].argmax(axis=0).ravel(), minlength=classes)


def main(arguments):
    if arguments[0] == "nets":
        print(f"# tests/oracles/meshnet.py, onnxruntime {onnxruntime.__version__}: voxels of each class, mean, sum of squares")
        for name, folder in zip(["meshnet", "unet"], arguments[1:]):
            run = session(folder + "/model.onnx")
            output = run.run(None, given(run, folder + "/input.f32"))[0]
            wide = output.astype(numpy.float64)
            cells = [*volumes(output), repr(float(wide.mean())), repr(float((wide**2).sum()))]
            print("\t".join([name, *map(str, cells)]))
        # As guest-examples/brain-volumes scales its cube.
        run = session(arguments[1] + "/model.onnx")
        [(name, voxels)] = given(run, arguments[1] + "/input.f32").items()
        voxels = (voxels - voxels.min()) / (voxels.max() - voxels.min())
        print("\t".join(["scaled", *map(str, volumes(run.run(None, {name: voxels})[0]))]))
    elif arguments[0] == "volumes":
        run = session(arguments[1])
        print("\t".join(map(str, volumes(run.run(None, given(run, arguments[2]))[0]))))
    elif arguments[0] == "time":
        run = session(arguments[1])
        inputs = given(run, arguments[2])
        run.run(None, inputs)
        for _ in range(int(arguments[3])):
            start = time.perf_counter()
            run.run(None, inputs)
            print(repr(time.perf_counter() - start))
    else:
        raise SystemExit(__doc__)


main(sys.argv[1:])
