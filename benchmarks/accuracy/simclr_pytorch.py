"""SimCLR on a folder of 32x32 JPEG images, in PyTorch: the peer of pretext's own training program.

Thin ResNet-18 with the CIFAR stem, lightly's projection head and NT-Xent loss, the augmentation of the SimCLR paper
written as batched tensor operations, and a weighted k-nearest-neighbour evaluation of the backbone feature.

The folder must hold train/<class>/*.jpg and test/<class>/*.jpg. Everything runs on the CPU.
"""

import argparse
import json
import math
import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from lightly.loss import NTXentLoss
from lightly.models.modules.heads import SimCLRProjectionHead
from PIL import Image
from torch import nn
from torch.nn import functional as F

MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)
GRAY = (0.2989, 0.5870, 0.1140)


# ---------------------------------------------------------------------------------------------------------------- data
def read_folder(root, threads):
    """All images below root/<class>/ as uint8 [N, 3, H, W] with their class numbers; classes and files sorted by name."""
    classes = sorted(d.name for d in os.scandir(root) if d.is_dir())
    files, labels = [], []
    for label, name in enumerate(classes):
        for file in sorted(os.listdir(os.path.join(root, name))):
            if file.lower().endswith((".jpg", ".jpeg")):
                files.append(os.path.join(root, name, file))
                labels.append(label)

    def decode(file):
        with Image.open(file) as image:
            return np.asarray(image.convert("RGB"))

    with ThreadPoolExecutor(threads) as pool:
        pixels = np.stack(list(pool.map(decode, files, chunksize=256)))
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels)


def to_unit(images):
    return images.float() / 255


def normalise(x):
    return (x - x.new_tensor(MEAN).view(1, 3, 1, 1)) / x.new_tensor(STD).view(1, 3, 1, 1)


# -------------------------------------------------------------------------------------------------------- augmentation
def sample_boxes(n, size, min_area, g):
    """torchvision's RandomResizedCrop sampler for n square images: rows top, left, height, width."""
    tries = 10
    area = size * size * (min_area + (1 - min_area) * torch.rand(n, tries, generator=g))
    ratio = torch.exp(math.log(3 / 4) + (math.log(4 / 3) - math.log(3 / 4)) * torch.rand(n, tries, generator=g))
    w = torch.round(torch.sqrt(area * ratio)).long()
    h = torch.round(torch.sqrt(area / ratio)).long()
    good = (w > 0) & (w <= size) & (h > 0) & (h <= size)
    first = good.int().argmax(1, keepdim=True)  # index of the first try that fits
    failed = ~good.any(1)
    w, h = w.gather(1, first)[:, 0], h.gather(1, first)[:, 0]
    w[failed] = size  # the central fallback of a square image is the whole image
    h[failed] = size
    top = (torch.rand(n, generator=g) * (size - h + 1)).long()
    left = (torch.rand(n, generator=g) * (size - w + 1)).long()
    return top, left, h, w


def crop_resize_flip(x, min_area, g):
    """Crop, bilinear resize to the input size (half-pixel centres, edge clamp, no antialias), mirror half of them."""
    n, _, size, _ = x.shape
    top, left, h, w = (t.float().view(-1, 1) for t in sample_boxes(n, size, min_area, g))
    centre = (torch.arange(size) + 0.5) / size
    ys = torch.minimum(torch.clamp(centre * h - 0.5, min=0), h - 1) + top
    xs = torch.minimum(torch.clamp(centre * w - 0.5, min=0), w - 1) + left
    mirror = torch.rand(n, 1, generator=g) < 0.5
    xs = torch.where(mirror, xs.flip(1), xs)
    # pixel coordinate c is (2c + 1) / size - 1 in grid_sample's frame
    grid = torch.empty(n, size, size, 2)
    grid[..., 0] = ((2 * xs + 1) / size - 1).view(n, 1, size)
    grid[..., 1] = ((2 * ys + 1) / size - 1).view(n, size, 1)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


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


def blend(x, other, factor):
    return torch.clamp(other + factor.view(-1, 1, 1, 1) * (x - other), 0, 1)


def colour_jitter(x, strength, g):
    """Brightness, contrast, saturation and hue in an order of its own for every image, clamped after each."""
    n = x.shape[0]
    chosen = torch.rand(n, generator=g) < 0.8
    spread = 0.8 * strength
    factors = max(0.0, 1 - spread) + (1 + spread - max(0.0, 1 - spread)) * torch.rand(3, n, generator=g)
    hue = 0.2 * strength * (2 * torch.rand(n, generator=g) - 1)
    order = torch.rand(n, 4, generator=g).argsort(1)
    for place in range(4):
        for op in range(4):
            rows = torch.nonzero((order[:, place] == op) & chosen)[:, 0]
            if not len(rows):
                continue
            y = x[rows]
            if op == 0:
                y = blend(y, torch.zeros(()), factors[0, rows])
            elif op == 1:
                y = blend(y, gray_of(y).mean((1, 2, 3), keepdim=True), factors[1, rows])
            elif op == 2:
                y = blend(y, gray_of(y), factors[2, rows])
            else:
                y = torch.clamp(shift_hue(y, hue[rows]), 0, 1)
            x[rows] = y
    return x


def augment(x, min_area, strength, g):
    x = crop_resize_flip(x, min_area, g)
    if strength > 0:
        x = colour_jitter(x, strength, g)
    rows = torch.nonzero(torch.rand(x.shape[0], generator=g) < 0.2)[:, 0]
    x[rows] = gray_of(x[rows]).expand(-1, 3, -1, -1)
    return normalise(x)


# --------------------------------------------------------------------------------------------------------------- model
class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class ResNet18(nn.Module):
    """ResNet-18 with torchvision's layout and names, base width as a parameter, 3x3 stride-1 stem without max-pool."""

    def __init__(self, width):
        super().__init__()
        self.features = 8 * width
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        channels = width
        for stage in range(4):
            outputs = width << stage
            blocks = [BasicBlock(channels, outputs, 1 if stage == 0 else 2), BasicBlock(outputs, outputs, 1)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
            channels = outputs
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        for module in self.modules():
            if isinstance(module, BasicBlock):
                nn.init.zeros_(module.bn2.weight)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return x.mean((2, 3))


# ----------------------------------------------------------------------------------------------------------- optimiser
class Lars(torch.optim.Optimizer):
    """v = m v + lr t g with g += wd w and t = eta |w| / |g|; vectors (BN, bias) get neither decay nor adaptation."""

    def __init__(self, params, lr, momentum, weight_decay, eta=1e-3):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay, eta=eta))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                step = p.grad
                if p.ndim > 1:
                    step = step + group["weight_decay"] * p
                    w, g = p.norm(), step.norm()
                    step = step * torch.where((w > 0) & (g > 0), group["eta"] * w / g, torch.ones(()))
                v = self.state[p].setdefault("v", torch.zeros_like(p))
                v.mul_(group["momentum"]).add_(step, alpha=group["lr"])
                p.sub_(v)


def learning_rate(step, steps, warmup, peak):
    """Linear warm-up over `warmup` steps, then cosine to zero; the first step is not zero."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


# ---------------------------------------------------------------------------------------------------------- evaluation
@torch.no_grad()
def extract(function, images, batch=500):
    parts = [function(normalise(to_unit(images[i : i + batch]))) for i in range(0, len(images), batch)]
    return F.normalize(torch.cat(parts).flatten(1), dim=1)


def knn(bank, bank_labels, queries, labels, k=200, tau=0.1):
    """Weighted k-nearest-neighbour accuracy on unit vectors (cosine similarity, weights exp(s / tau))."""
    right, classes = 0, int(bank_labels.max()) + 1
    for i in range(0, len(queries), 500):
        s, index = (queries[i : i + 500] @ bank.T).topk(k, dim=1)
        votes = torch.zeros(len(s), classes).scatter_add_(1, bank_labels[index], torch.exp((s - s[:, :1]) / tau))
        right += int((votes.argmax(1) == labels[i : i + 500]).sum())
    return right / len(queries)


# ---------------------------------------------------------------------------------------------------------------- main
def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, help="folder with train/ and test/")
    p.add_argument("--cache", help=".npz file to keep the decoded images in between runs")
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--steps", type=int, default=0, help="number of steps; takes the place of --epochs")
    p.add_argument("--images", type=int, default=0, help="images per epoch, drawn anew every epoch; 0: all")
    p.add_argument("--batch", type=int, default=256, help="images per step; twice as many views")
    p.add_argument("--optimizer", choices=("sgd", "nesterov", "lars"), default="sgd")
    p.add_argument("--lr", type=float, default=0.1, help="peak learning rate, as is")
    p.add_argument("--momentum", type=float, default=0.9)
    p.add_argument("--weight-decay", type=float, default=1e-4, help="on weights of two or more dimensions only")
    p.add_argument("--warmup", type=float, default=0.1, help="warm-up as a share of all steps")
    p.add_argument("--temperature", type=float, default=0.5)
    p.add_argument("--jitter", type=float, default=0.5, help="strength s: .8s .8s .8s .2s")
    p.add_argument("--min-area", type=float, default=0.08)
    p.add_argument("--width", type=int, default=16, help="channels of the first stage")
    p.add_argument("--hidden", type=int, default=0, help="hidden width of the head; 0: as wide as the feature")
    p.add_argument("--out-dim", type=int, default=128, help="output width of the head")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--bank", type=int, default=0, help="images in the kNN bank, evenly strided; 0: all")
    p.add_argument("--queries", type=int, default=0, help="kNN queries, evenly strided; 0: all")
    p.add_argument("--baselines", action="store_true", help="also evaluate raw pixels and the untrained backbone")
    p.add_argument("--time-only", type=int, default=0, help="time that many steps and stop")
    p.add_argument("--save", help="file for the backbone weights (.safetensors)")
    p.add_argument("--out", help="JSON file for the results")
    return p.parse_args()


def load(args):
    if args.cache and os.path.exists(args.cache):
        with np.load(args.cache) as z:
            return [torch.from_numpy(z[name]) for name in ("x", "y", "tx", "ty")]
    data = [*read_folder(os.path.join(args.data, "train"), args.threads)]
    data += read_folder(os.path.join(args.data, "test"), args.threads)
    if args.cache:
        np.savez(args.cache, **{name: t.numpy() for name, t in zip(("x", "y", "tx", "ty"), data)})
    return data


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)
    g = torch.Generator().manual_seed(args.seed)

    start = time.perf_counter()
    images, labels, test_images, test_labels = load(args)
    result = {"settings": {k: v for k, v in vars(args).items() if k not in ("data", "cache", "out", "save")}}
    result["versions"] = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
    result["decode_seconds"] = round(time.perf_counter() - start, 2)

    backbone = ResNet18(args.width).to(memory_format=torch.channels_last)
    head = SimCLRProjectionHead(backbone.features, args.hidden or backbone.features, args.out_dim)
    criterion = NTXentLoss(temperature=args.temperature)

    def spread(x, y, n):
        index = torch.arange(n) * len(x) // n if n else torch.arange(len(x))
        return x[index], y[index]

    bank, bank_labels = spread(images, labels, args.bank)
    queries, query_labels = spread(test_images, test_labels, args.queries)

    def evaluate(function):
        return knn(extract(function, bank), bank_labels, extract(function, queries), query_labels)

    def embed(x):
        return backbone(x.contiguous(memory_format=torch.channels_last))

    if args.baselines:
        backbone.eval()
        result["knn_raw"] = evaluate(lambda x: x)
        result["knn_untrained"] = evaluate(embed)
        print(f"raw pixels {result['knn_raw']:.4f}  untrained {result['knn_untrained']:.4f}", flush=True)

    per_epoch = args.images or len(images)
    steps_per_epoch = per_epoch // args.batch
    steps = args.steps or args.epochs * steps_per_epoch
    warmup = max(1, round(args.warmup * steps))
    params = [*backbone.parameters(), *head.parameters()]
    if args.optimizer == "lars":
        optimizer = Lars(params, args.lr, args.momentum, args.weight_decay)
    else:
        groups = [
            {"params": [p for p in params if p.ndim > 1], "weight_decay": args.weight_decay},
            {"params": [p for p in params if p.ndim <= 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.SGD(groups, args.lr, momentum=args.momentum, nesterov=args.optimizer == "nesterov")

    backbone.train()
    head.train()
    order, times, losses = torch.empty(0, dtype=torch.long), [], []
    start = time.perf_counter()
    for step in range(steps):
        begin = time.perf_counter()
        at = step % steps_per_epoch * args.batch
        if at == 0:
            order = torch.randperm(len(images), generator=g)
        x = to_unit(images[order[at : at + args.batch]])
        views = augment(torch.cat([x, x]), args.min_area, args.jitter, g)
        views = views.contiguous(memory_format=torch.channels_last)
        augmented = time.perf_counter()
        z0, z1 = head(backbone(views)).chunk(2)
        loss = criterion(z0, z1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, warmup, args.lr)
        optimizer.step()
        losses.append(loss.item())
        times.append((augmented - begin, time.perf_counter() - begin))
        if not math.isfinite(losses[-1]):
            raise SystemExit(f"the loss is {losses[-1]} at step {step}")
        if step + 1 == args.time_only:
            break
        if (step + 1) % 100 == 0:
            print(f"step {step + 1}/{steps}  loss {np.mean(losses[-100:]):.4f}  "
                  f"{np.mean([t[1] for t in times[-100:]]) * 1e3:.1f} ms/step", flush=True)
    result["steps"] = len(losses)
    result["views"] = 2 * args.batch * len(losses)
    result["train_seconds"] = round(time.perf_counter() - start, 2)
    result["augment_ms"] = round(float(np.median([t[0] for t in times])) * 1e3, 2)
    result["step_ms"] = round(float(np.median([t[1] for t in times])) * 1e3, 2)
    result["loss"] = round(float(np.mean(losses[-100:])), 4)

    if not args.time_only:
        backbone.eval()
        start = time.perf_counter()
        result["knn"] = evaluate(embed)
        result["evaluate_seconds"] = round(time.perf_counter() - start, 2)
    if args.save:
        from safetensors.torch import save_file

        save_file({k: v.contiguous() for k, v in backbone.state_dict().items()}, args.save)
    print(json.dumps(result))
    if args.out:
        with open(args.out, "w") as file:
            json.dump(result, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
