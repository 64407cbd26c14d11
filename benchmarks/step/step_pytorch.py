"""Times whole training steps of PyTorch, the peer of the C++ programs in this folder. Prints one JSON line.

Augmentation uses torchvision's v2 transforms on float tensors, a whole batch at once: all images of a batch get the same
crop and colors, which is less work than pretext's draws per image and favors PyTorch. The networks are built from
../accuracy/peer.
"""

import argparse
import json
import resource
import time

import torch
from torchvision.transforms import v2

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("case", choices=("simclr-resnet18-thin", "simclr-resnet18", "simclr-resnet50", "mae-vit-ti", "mae-vit-b",
                                 *(f"simclr-resnet18-{side}" for side in (64, 96, 160, 224))))
p.add_argument("--steps", type=int, default=3)
p.add_argument("--batch", type=int, help="images per step; default: depends on the case")
p.add_argument("--threads", type=int, default=2)
p.add_argument("--channels-last", action="store_true")
p.add_argument("--compile", action="store_true")
p.add_argument("--bf16", action="store_true", help="use autocast")
options = p.parse_args()
torch.set_num_threads(options.threads)
torch.set_flush_denormal(True)
torch.manual_seed(1)

NORMALISE = v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def simclr(encoder, side, batch):
    from lightly.loss import NTXentLoss
    from lightly.models.modules.heads import SimCLRProjectionHead
    from peer.resnet import ResNet18
    from torchvision.models import resnet18, resnet50

    name, backbone, features = {
        "resnet18-thin": lambda: ("ResNet-18 width 16", ResNet18(16), 128),
        "resnet18": lambda: ("ResNet-18", ResNet18(64), 512),
        "torchvision-resnet18": lambda: ("ResNet-18", resnet18(), 512),
        "resnet50": lambda: ("ResNet-50", resnet50(), 2048),
    }[encoder]()
    backbone.fc = torch.nn.Identity()
    model = torch.nn.Sequential(backbone, SimCLRProjectionHead(features, features, 128))
    criterion = NTXentLoss(temperature=0.5)
    transform = v2.Compose([v2.RandomResizedCrop(side, antialias=True), v2.RandomHorizontalFlip(),
                            v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], 0.8), v2.RandomGrayscale(0.2),
                            NORMALISE])

    def forward(model, x):
        views = torch.cat([transform(x), transform(x)])
        if options.channels_last:
            views = views.contiguous(memory_format=torch.channels_last)
        return criterion(*model(views).chunk(2))

    title = f"SimCLR step, {name}, {side} px, {batch} images"
    return title, model, forward, torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)


def mae(name, shape, encoder, decoder, side, batch):
    from peer.optimisers import by_decay
    from peer.vit import MaskedAutoencoder

    model = MaskedAutoencoder(side, shape, encoder, decoder)
    transform = v2.Compose([v2.RandomResizedCrop(side, (0.2, 1), interpolation=v2.InterpolationMode.BICUBIC,
                                                 antialias=True), v2.RandomHorizontalFlip(), NORMALISE])
    g = torch.Generator().manual_seed(1)

    def forward(model, x):
        return model(transform(x), g)

    optimiser = torch.optim.AdamW(by_decay(model.named_parameters(), 0.05), 1e-3, betas=(0.9, 0.95))
    return f"MAE step, {name}, {side} px, {batch} images", model, forward, optimiser


side, batch, make = {
    "simclr-resnet18-thin": (32, 128, lambda *size: simclr("resnet18-thin", *size)),
    "simclr-resnet18": (32, 256, lambda *size: simclr("resnet18", *size)),
    "simclr-resnet50": (224, 16, lambda *size: simclr("resnet50", *size)),
    **{f"simclr-resnet18-{side}": (side, 16, lambda *size: simclr("torchvision-resnet18", *size))
       for side in (64, 96, 160, 224)},
    "mae-vit-ti": (32, 256, lambda *size: mae("ViT-Ti/4", 4, (192, 12, 3), (192, 4, 3), *size)),
    "mae-vit-b": (224, 8, lambda *size: mae("ViT-B/16", 16, (768, 12, 12), (512, 8, 16), *size)),
}[options.case]
batch = options.batch or batch
case, model, forward, optimiser = make(side, batch)
if options.channels_last:
    model = model.to(memory_format=torch.channels_last)
if options.compile:
    model = torch.compile(model)
images = torch.randint(0, 256, (batch, 3, side, side), dtype=torch.uint8)

taken = []
for step in range(options.steps + 1):
    start = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
        loss = forward(model, images.float() / 255)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
    if step:
        taken.append(1000 * (time.perf_counter() - start))
taken.sort()
variant = ", ".join(name for name, used in (("channels last", options.channels_last), ("compiled", options.compile)) if used)
print(json.dumps({"side": "torch", "variant": variant or "eager", "library": f"torch {torch.__version__}",
                  "case": case + (", bf16" if options.bf16 else ""), "threads": options.threads,
                  "ms": round(taken[len(taken) // 2], 4), "fastest_ms": round(taken[0], 4),
                  "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}))
