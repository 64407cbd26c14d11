"""Writes rand_augment.safetensors: what timm's operations of rand-m9-mstd0.5-inc1 make of two images, computed by PIL.

usage: python tests/reference/make_rand_augment.py OUT [SEED [SIZE]]       (needs numpy, timm, PIL, safetensors)
The committed file was written with timm 1.0.31, Pillow 13.0.0 (seed 1, size 0). SIZE 0 and 1 give different extents
and magnitudes. Tensors are 8-bit, (2, H, W, 3): "input", and one per case, "OPERATION:MAGNITUDE:SIGN".
"""
import json, os, sys
import numpy as np, PIL, timm
from PIL import Image
from safetensors.numpy import save_file
from timm.data import auto_augment

out, seed, size = sys.argv[1], *(int(x) for x in (sys.argv[2:] + ["1", "0"][len(sys.argv) - 2:]))
random = np.random.default_rng(seed)
height, width = ((24, 32), (31, 20))[size]

def picture(low, high):
    """Smooth colours with an edge and a little noise: what interpolation and histograms see in photographs."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    planes = []
    for _ in range(3):
        a, b, c, d = random.uniform(-1, 1, 4)
        plane = np.sin(4 * (a * x + b * y) + 3 * c) + .3 * (x + d * y > .4) + .1 * random.normal(size=x.shape)
        plane = (plane - plane.min()) / (plane.max() - plane.min())
        planes.append(low + (high - low) * plane)
    return np.round(np.stack(planes, -1)).astype(np.uint8)

images = [picture(0, 255), picture(40, 190)]
fill = (124, 116, 104)
hparams = dict(img_mean=fill, interpolation=Image.Resampling.BICUBIC)
tensors = {"input": np.stack(images)}
for name in auto_augment._RAND_INCREASING_TRANSFORMS:
    level = auto_augment.LEVEL_TO_ARG[name]
    for magnitude in ((9.0, 4.3), (8.6, 9.9))[size] if level else (9.0,):
        for sign in (1, -1):
            auto_augment._randomly_negate = lambda v, sign=sign: sign * v
            arguments = level(magnitude, hparams) if level else ()
            made = [auto_augment.NAME_TO_OP[name](Image.fromarray(i), *arguments, fillcolor=fill,
                                                  resample=Image.Resampling.BICUBIC) for i in images]
            tensors[f"{name}:{magnitude}:{sign}"] = np.stack([np.asarray(m) for m in made])
# Operations without two directions are the same both ways: keep one.
for key in [k for k in tensors if k.endswith(":-1") and np.array_equal(tensors[k], tensors[k[:-2] + "1"])]:
    del tensors[key]
os.makedirs(out, exist_ok=True)
save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, f"{out}/rand_augment.safetensors",
          {"operations": json.dumps(auto_augment._RAND_INCREASING_TRANSFORMS), "fill": json.dumps(fill),
           "timm": json.dumps(timm.__version__), "pillow": json.dumps(PIL.__version__)})
print(len(tensors), "tensors; timm", timm.__version__, "Pillow", PIL.__version__)
