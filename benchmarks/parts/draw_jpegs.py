"""Writes photo-like JPEG files of 500x375 for parts.cpp and parts.py.   usage: draw_jpegs.py FOLDER COUNT"""
import pathlib, sys
import numpy
from PIL import Image

folder, count = pathlib.Path(sys.argv[1]) / "train" / "all", int(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
random = numpy.random.default_rng(1)
for i in range(count):
    coarse = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=numpy.uint8)).resize((500, 375), Image.BICUBIC)
    grain = random.normal(0, 12, (375, 500, 3))
    Image.fromarray((numpy.asarray(coarse) + grain).clip(0, 255).astype(numpy.uint8)).save(folder / f"{i:04}.jpg", quality=90)
