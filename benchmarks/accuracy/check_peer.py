"""Checks the peers against other code: views against torchvision's float functions, MAE against five steps of the official code.

usage: check_peer.py [tests/reference/mae_five_steps.safetensors]
"""

import os
import sys

import torch
import torchvision.transforms.v2.functional as tv
from safetensors import safe_open
from safetensors.torch import load_file

from peer import views
from peer.optimisers import by_decay
from peer.vit import MaskedAutoencoder

HERE = os.path.dirname(os.path.abspath(__file__))


def report(name, error, limit):
    print(f"{name}: {error:.1e}")
    if not error <= limit:
        sys.exit(f"{name} differs by {error}, more than the {limit} that rounding explains")


def check_views():
    g = torch.Generator().manual_seed(1)
    x, f = torch.rand(64, 3, 32, 32, generator=g), 2 * torch.rand(64, generator=g) - 1
    top, left, h, w = views.retried_box(64, 32, (0.08, 1.0), g)
    for kernel in views.KERNELS:
        ours = views.separable(x, views.resizing(top, h, 32, kernel), views.resizing(left, w, 32, kernel))
        theirs = [tv.resized_crop(x[i], *(int(b[i]) for b in (top, left, h, w)), [32, 32],
                                  interpolation=tv.InterpolationMode(kernel), antialias=True) for i in range(64)]
        report(f"{kernel} crop", (ours - torch.stack(theirs)).abs().max().item(), 1e-5)
    spread = (0.4, 0.4, 0.4, 0.1)
    theirs = (lambda y, a: tv.adjust_brightness(y, 1 + a), lambda y, a: tv.adjust_contrast(y, 1 + a),
              lambda y, a: tv.adjust_saturation(y, 1 + a), tv.adjust_hue)
    names = ("brightness", "contrast", "saturation", "hue")
    for name, ours, their, s in zip(names, views.JITTER["torchvision"], theirs, spread):
        a = torch.clamp(ours(x, s * f), 0, 1)
        b = torch.stack([their(x[i], float(s * f[i])) for i in range(64)])
        report(name, (a - b).abs().max().item(), 1e-5)


def check_mae(file):
    with safe_open(file, "pt") as reference:
        about = {k: float(v) if k.replace(".", "").isdigit() else v for k, v in reference.metadata().items()}
    t = load_file(file)

    def number(name):
        return int(float(about[name]))

    model = MaskedAutoencoder(
        number("img_size"), number("patch_size"), (number("embed_dim"), number("depth"), number("num_heads")),
        (number("decoder_embed_dim"), number("decoder_depth"), number("decoder_num_heads")),
        float(about["mask_ratio"])).double()
    before = {name[7:]: value for name, value in t.items() if name.startswith("before.")}
    report("MAE positions", (model.pos_embed - before["pos_embed"]).abs().max().item(), 1e-7)
    model.load_state_dict(before)
    optimiser = torch.optim.AdamW(by_decay(model.named_parameters(), float(about["weight_decay"])),
                                  float(about["learning_rate"]), betas=(0.9, 0.95))
    for k, loss_there in enumerate(t["loss"]):
        noise = t[f"noise.{k}"]
        model.random_masking = lambda n, g: (
            noise.argsort(1)[:, : model.kept], noise.argsort(1).argsort(1),
            (noise.argsort(1).argsort(1) >= model.kept).double())
        loss = model(t[f"image.{k}"], None)
        optimiser.zero_grad()
        loss.backward()
        if k == 0:
            worst = max(((p.grad - t[f"grad.{name}"]).abs().max() / t[f"grad.{name}"].abs().max()).item()
                        for name, p in model.named_parameters() if p.requires_grad)
            report("MAE gradients", worst, 1e-12)
        optimiser.step()
        report(f"MAE loss {k}", abs(loss.item() - loss_there.item()), 1e-12)
    report("MAE weights", max((value - t[f"after.{name}"]).abs().max().item()
                              for name, value in model.state_dict().items()), 1e-11)


torch.set_num_threads(1)
check_views()
default = os.path.join(HERE, "..", "..", "tests", "reference", "mae_five_steps.safetensors")
check_mae(sys.argv[1] if len(sys.argv) > 1 else default)
