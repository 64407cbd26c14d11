"""Random views of a batch of square images: each image has its own draws, each operation is one tensor operation.

Geometry (crop, resize, mirror, blur) is a matrix for the rows and one for the columns of each image.
"""

import math
from dataclasses import dataclass

import torch

from .images import normalise

GRAY = (0.2989, 0.5870, 0.1140)


# ------------------------------------------------------------------------------------------------------------ geometry
def retried_box(n, size, area, g, tries=10):
    """torchvision's sampler for n square images: top, left, height, width. Falls back to the whole image."""
    a = size * size * (area[0] + (area[1] - area[0]) * torch.rand(n, tries, generator=g))
    ratio = torch.exp(math.log(3 / 4) + (math.log(4 / 3) - math.log(3 / 4)) * torch.rand(n, tries, generator=g))
    w = torch.round(torch.sqrt(a * ratio)).long()
    h = torch.round(torch.sqrt(a / ratio)).long()
    good = (w > 0) & (w <= size) & (h > 0) & (h <= size)
    first = good.int().argmax(1, keepdim=True)  # index of the first try that fits
    failed = ~good.any(1)
    w, h = w.gather(1, first)[:, 0], h.gather(1, first)[:, 0]
    w[failed] = size
    h[failed] = size
    return place(h, w, size, g)


def one_shot_box(n, size, area, g):
    """BYOL's sampler: one try, sides clipped to the image."""
    a = size * size * (area[0] + (area[1] - area[0]) * torch.rand(n, generator=g))
    ratio = torch.exp(math.log(3 / 4) + (math.log(4 / 3) - math.log(3 / 4)) * torch.rand(n, generator=g))
    w = torch.round(torch.sqrt(a * ratio)).long().clamp(1, size)
    h = torch.round(torch.sqrt(a / ratio)).long().clamp(1, size)
    return place(h, w, size, g)


def place(h, w, size, g):
    top = (torch.rand(len(h), generator=g) * (size - h + 1)).long()
    left = (torch.rand(len(w), generator=g) * (size - w + 1)).long()
    return top, left, h, w


def bilinear(x):
    return torch.clamp(1 - x.abs(), min=0)


def bicubic(x, a=-0.5):
    x = x.abs()
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros(())))


KERNELS = {"bilinear": bilinear, "bicubic": bicubic}


def resizing(begin, extent, size, kernel):
    """[n, size, size]: the weight of input pixel c of the crop [begin, begin + extent) in output pixel r.

    Half-pixel centres; taps beyond the crop are dropped and the others divided by their sum, which is PIL's and
    torchvision's antialiased resize, and for enlarged crops the plain bilinear one as well.
    """
    scale = (extent / size).view(-1, 1, 1)
    centre = (torch.arange(size) + 0.5).view(1, -1, 1) * scale
    at = torch.arange(size).view(1, 1, -1) - begin.view(-1, 1, 1)
    w = KERNELS[kernel]((at + 0.5 - centre) / scale.clamp(min=1))
    w = w * ((at >= 0) & (at < extent.view(-1, 1, 1)))
    return w / w.sum(2, keepdim=True)


def separable(x, rows, columns):
    """rows @ x @ columns^T for every channel of every image; x: [n, 3, S, S]."""
    n, c, s, _ = x.shape
    x = torch.bmm(rows, x.permute(0, 2, 1, 3).reshape(n, s, c * s)).view(n, s, c, s)
    x = x.permute(0, 2, 1, 3).reshape(n, c * s, s)
    return torch.bmm(x, columns.transpose(1, 2)).view(n, c, s, s)


def crop_resize_flip(x, sampler, area, kernel, g):
    n, _, size, _ = x.shape
    top, left, h, w = sampler(n, size, area, g)
    rows, columns = resizing(top, h, size, kernel), resizing(left, w, size, kernel)
    mirror = torch.rand(n, generator=g) < 0.5
    columns = torch.where(mirror.view(-1, 1, 1), columns.flip(1), columns)
    return torch.clamp(separable(x, rows, columns), 0, 1)


def gaussian_blur(x, sigma):
    """2r + 1 taps with r = int(S // 10 / 2), zeros beyond the border; one sigma for each image."""
    size = x.shape[2]
    radius = size // 10 // 2
    distance = torch.arange(size).view(-1, 1) - torch.arange(size).view(1, -1)
    offsets = torch.arange(-radius, radius + 1)
    total = torch.exp(-(offsets**2) / (2 * sigma.view(-1, 1) ** 2)).sum(1).view(-1, 1, 1)
    band = torch.exp(-(distance**2) / (2 * sigma.view(-1, 1, 1) ** 2)) * (distance.abs() <= radius) / total
    return separable(x, band, band)


# --------------------------------------------------------------------------------------------------------------- colour
def gray_of(x):
    return (GRAY[0] * x[:, 0] + GRAY[1] * x[:, 1] + GRAY[2] * x[:, 2]).unsqueeze(1)


def shift_hue(x, delta):
    """RGB -> HSV, h += delta (mod 1), HSV -> RGB."""
    r, g, b = x.unbind(1)
    top, low = x.amax(1), x.amin(1)
    chroma = top - low
    safe = torch.where(chroma > 0, chroma, torch.ones_like(chroma))
    sextant = torch.where(top == r, (g - b) / safe, torch.where(top == g, 2 + (b - r) / safe, 4 + (r - g) / safe))
    sextant = sextant + 6 * delta.view(-1, 1, 1)
    # each channel of a colour of value v and chroma c is v - c * clamp(min(k, 4 - k), 0, 1), k = (n + 6h) mod 6
    k = torch.remainder(sextant.unsqueeze(1) + x.new_tensor([5.0, 3.0, 1.0]).view(1, 3, 1, 1), 6)
    return top.unsqueeze(1) - chroma.unsqueeze(1) * torch.clamp(torch.minimum(k, 4 - k), 0, 1)


def scale_saturation(x, factor):
    """HSV with S <- min(f S, 1)."""
    value = x.amax(1, keepdim=True)
    chroma = value - x.amin(1, keepdim=True)
    most = value / torch.where(chroma > 0, chroma, torch.ones_like(chroma))
    return value - (value - x) * torch.minimum(factor.view(-1, 1, 1, 1), most)


def blend(x, other, factor):
    return other + factor.view(-1, 1, 1, 1) * (x - other)


# brightness, contrast, saturation, hue of a batch x by amounts f, one for each image
JITTER = {
    "torchvision": (
        lambda x, f: x * (1 + f).view(-1, 1, 1, 1),
        lambda x, f: blend(x, gray_of(x).mean((1, 2, 3), keepdim=True), 1 + f),
        lambda x, f: blend(x, gray_of(x), 1 + f),
        shift_hue,
    ),
    "tensorflow": (
        lambda x, f: x + f.view(-1, 1, 1, 1),
        lambda x, f: blend(x, x.mean((2, 3), keepdim=True), 1 + f),
        lambda x, f: scale_saturation(x, 1 + f),
        shift_hue,
    ),
}


def colour_jitter(x, strengths, formulas, g):
    """Brightness, contrast, saturation and hue in a random order for each image, clamped after each."""
    n = x.shape[0]
    chosen = torch.rand(n, generator=g) < 0.8
    amounts = torch.tensor(strengths).view(4, 1) * (2 * torch.rand(4, n, generator=g) - 1)
    order = torch.rand(n, 4, generator=g).argsort(1)
    for turn in range(4):
        for op, adjust in enumerate(JITTER[formulas]):
            rows = torch.nonzero((order[:, turn] == op) & chosen)[:, 0]
            if len(rows):
                x[rows] = torch.clamp(adjust(x[rows], amounts[op, rows]), 0, 1)
    return x


# ---------------------------------------------------------------------------------------------------------------- views
@dataclass
class View:
    """One distribution of views; called with images in [0, 1], it returns one normalised view of each."""

    area: tuple = (0.08, 1.0)
    sampler: object = retried_box
    kernel: str = "bilinear"
    jitter: tuple = (0.0, 0.0, 0.0, 0.0)
    formulas: str = "torchvision"
    gray: float = 0.0
    blur: float = 0.0
    solarize: float = 0.0
    statistics: str = "cifar"

    def __call__(self, x, g):
        x = crop_resize_flip(x, self.sampler, self.area, self.kernel, g)

        def some(probability):
            if probability <= 0:
                return []
            return torch.nonzero(torch.rand(len(x), generator=g) < probability)[:, 0]

        if any(self.jitter):
            x = colour_jitter(x, self.jitter, self.formulas, g)
        if len(rows := some(self.gray)):
            x[rows] = gray_of(x[rows]).expand(-1, 3, -1, -1)
        if len(rows := some(self.blur)):
            x[rows] = gaussian_blur(x[rows], 0.1 + 1.9 * torch.rand(len(rows), generator=g))
        if len(rows := some(self.solarize)):
            y = x[rows]
            x[rows] = torch.where(y < 0.5, y, 1 - y)
        return normalise(x, self.statistics)
