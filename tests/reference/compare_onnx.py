"""Our ONNX files in ONNX Runtime: features and logits must agree with ours to 1e-4 of the largest, for batches of 3 and 1.

usage: python tests/reference/compare_onnx.py     (from anywhere; needs onnx, onnxruntime, numpy, safetensors, g++, ONNX's C++ library)
Last run with onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6: 1.6e-6 at most. The tests do not need it.
"""
import os, subprocess, sys, tempfile
import numpy, onnx, onnxruntime
from safetensors.numpy import load_file

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
worst = 0.0
with tempfile.TemporaryDirectory() as folder:
    path = lambda name: os.path.join(folder, name)
    subprocess.run(["g++", "-std=c++20", "-O2", "-DONNX_ML=1", "-DONNX_NAMESPACE=onnx", "-I", os.path.join(root, "include"),
                    os.path.join(root, "tests/reference/export_onnx.cpp"), "-o", path("export_onnx"), "-pthread", "-lonnx_proto",
                    "-lprotobuf"], check=True)
    subprocess.run([path("export_onnx"), folder], check=True)
    for file in sorted(os.listdir(folder)):
        if not file.endswith(".onnx"):
            continue
        onnx.checker.check_model(onnx.load(path(file)), full_check=True)
        ours = load_file(path(file[:-5] + ".safetensors"))
        session = onnxruntime.InferenceSession(path(file), providers=["CPUExecutionProvider"])
        outputs = [name for name in ours if name != "images"]
        whole = dict(zip(outputs, session.run(outputs, {"images": ours["images"]})))
        alone = dict(zip(outputs, session.run(outputs, {"images": ours["images"][:1]})))
        for name in outputs:
            difference = max(numpy.abs(whole[name] - ours[name]).max(), numpy.abs(alone[name] - ours[name][:1]).max())
            difference /= numpy.abs(ours[name]).max()
            worst = max(worst, difference)
            print(f"{file}: {name} {ours[name].shape}: largest difference {difference:.1e} of the largest")
        if "logits" in ours:
            total = session.run(["probabilities"], {"images": ours["images"]})[0].sum(axis=1)
            worst = max(worst, numpy.abs(total - 1).max())
        try:
            session.run(outputs, {"images": ours["images"][:, :, 1:]})
            sys.exit(f"{file} accepts images of another size")
        except onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument:
            pass
print(f"at most {worst:.1e}")
sys.exit(bool(worst > 1e-4))
