"""Folders of small images as tensors."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from PIL import Image

STATISTICS = {
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "cifar": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def read_folder(root, threads):
    """All images below root/<class>/ as uint8 [N, 3, H, W], their classes and files; both sorted by name."""
    classes = sorted(d.name for d in os.scandir(root) if d.is_dir())
    files, labels = [], []
    for label, name in enumerate(classes):
        for file in sorted(os.listdir(os.path.join(root, name))):
            if file.lower().endswith((".jpg", ".jpeg")):
                files.append(os.path.join(name, file))
                labels.append(label)

    def decode(file):
        with Image.open(os.path.join(root, file)) as image:
            return np.asarray(image.convert("RGB"))

    with ThreadPoolExecutor(threads) as pool:
        pixels = np.stack(list(pool.map(decode, files, chunksize=256)))
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels), np.array(files)


class Images:
    """train/ and test/ of a folder. `cache` is a file with the decoded images of earlier runs."""

    def __init__(self, folder, cache=None, threads=1):
        if cache and os.path.exists(cache):
            with np.load(cache) as z:
                parts = [z[name] for name in ("x", "y", "files", "tx", "ty")]
        else:
            x, y, files = read_folder(os.path.join(folder, "train"), threads)
            tx, ty, _ = read_folder(os.path.join(folder, "test"), threads)
            parts = [x.numpy(), y.numpy(), files, tx.numpy(), ty.numpy()]
            if cache:
                np.savez(cache, **dict(zip(("x", "y", "files", "tx", "ty"), parts)))
        self.train, self.labels = torch.from_numpy(parts[0]), torch.from_numpy(parts[1])
        self.files = parts[2]
        self.test, self.test_labels = torch.from_numpy(parts[3]), torch.from_numpy(parts[4])

    def rows_of(self, list_of_files):
        """Rows of the training images whose <class>/<file> a text file lists, one per line."""
        with open(list_of_files) as lines:
            wanted = {"/".join(line.strip().replace("\\", "/").split("/")[-2:]) for line in lines if line.strip()}
        rows = [row for row, name in enumerate(self.files) if name in wanted]
        if len(rows) != len(wanted):
            raise SystemExit(f"{list_of_files}: {len(wanted) - len(rows)} of {len(wanted)} names are not training images")
        return torch.tensor(rows)


def to_unit(images):
    """uint8 to [0, 1]."""
    return images.float() / 255


def normalise(x, statistics):
    mean, deviation = STATISTICS[statistics]
    return (x - x.new_tensor(mean).view(1, 3, 1, 1)) / x.new_tensor(deviation).view(1, 3, 1, 1)


class Batches:
    """Rows of whole batches, in a new permutation every epoch; the last incomplete batch is dropped."""

    def __init__(self, count, batch, g):
        self.count, self.batch, self.g = count, batch, g
        self.per_epoch = count // batch
        self.taken = 0

    def __next__(self):
        at = self.taken % self.per_epoch * self.batch
        if at == 0:
            self.order = torch.randperm(self.count, generator=self.g)
        self.taken += 1
        return self.order[at : at + self.batch]
