"""Writes a case of mae_five_steps where the official MAE repository is not at hand.

usage: mae_five_steps.py CASE OUT SEED   with torch and timm installed.

The algorithm (He et al. 2022) is written out below on timm's blocks. It first repeats the five steps of CASE, a file
that the official model computed, and stops unless every tensor agrees to 1e-12; then it writes
OUT/mae_five_steps.safetensors, a case of other shapes (size 1 of make_reference.py) in the same format.
"""
import json, os, struct, sys
from functools import partial
import numpy as np, torch, torch.nn as nn
from timm.models.vision_transformer import Block

torch.set_default_dtype(torch.float64)


def read(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        blob = f.read()
    meta = {k: json.loads(v) for k, v in header.pop("__metadata__").items()}
    tensor = lambda e: torch.from_numpy(np.frombuffer(blob[slice(*e["data_offsets"])], np.float64).reshape(e["shape"]).copy())
    return {k: tensor(e) for k, e in header.items()}, meta


def write(path, tensors, meta):
    header, blob = {"__metadata__": {k: json.dumps(v) for k, v in meta.items()}}, b""
    for name in sorted(tensors):
        raw = tensors[name].detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F64", "shape": list(tensors[name].shape), "data_offsets": [len(blob), len(blob) + len(raw)]}
        blob += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + blob)


def sincos(width, side):
    """(side·side + 1, width): the class token's row of zeros, then [PE(column), PE(row)] of every place."""
    omega = 1 / 10000 ** (np.arange(width // 4) / (width // 4))
    one = lambda at: np.concatenate([np.sin(at[:, None] * omega), np.cos(at[:, None] * omega)], 1)
    rows, columns = (a.reshape(-1).astype(np.float64) for a in np.mgrid[:side, :side])
    table = np.concatenate([one(columns), one(rows)], 1)
    return torch.from_numpy(np.concatenate([np.zeros((1, width)), table]))[None]


class Patches(nn.Module):
    def __init__(self, patch, width):
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class MAE(nn.Module):
    def __init__(self, img_size, patch_size, embed_dim, depth, num_heads, decoder_embed_dim, decoder_depth, decoder_num_heads):
        super().__init__()
        self.patch, side = patch_size, img_size // patch_size
        norm = partial(nn.LayerNorm, eps=1e-6)
        stack = lambda d, n, h: nn.ModuleList([Block(d, h, 4, qkv_bias=True, norm_layer=norm) for _ in range(n)])
        self.patch_embed = Patches(patch_size, embed_dim)
        self.cls_token = nn.Parameter(.02 * torch.randn(1, 1, embed_dim))
        self.pos_embed = nn.Parameter(sincos(embed_dim, side), requires_grad=False)
        self.blocks, self.norm = stack(embed_dim, depth, num_heads), norm(embed_dim)
        self.decoder_embed = nn.Linear(embed_dim, decoder_embed_dim)
        self.mask_token = nn.Parameter(.02 * torch.randn(1, 1, decoder_embed_dim))
        self.decoder_pos_embed = nn.Parameter(sincos(decoder_embed_dim, side), requires_grad=False)
        self.decoder_blocks, self.decoder_norm = stack(decoder_embed_dim, decoder_depth, decoder_num_heads), norm(decoder_embed_dim)
        self.decoder_pred = nn.Linear(decoder_embed_dim, patch_size**2 * 3)

    def forward(self, images, noise, ratio):
        n, places = noise.shape
        keep = int(places * (1 - ratio))
        rank = noise.argsort(1).argsort(1)  # where each place stands when sorted by noise
        mask = (rank >= keep).to(images)
        rows = torch.arange(n)[:, None]
        x = self.patch_embed(images) + self.pos_embed[:, 1:]
        x = x[rows, noise.argsort(1)[:, :keep]]
        x = torch.cat([self.cls_token.expand(n, -1, -1), x], 1)
        for block in self.blocks:
            x = block(x)
        x = self.decoder_embed(self.norm(x))
        cls, seen = x[:, :1], x[:, 1:]
        everything = torch.cat([seen, self.mask_token.expand(n, places - keep, -1)], 1)
        x = torch.cat([cls, everything[rows, rank]], 1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            x = block(x)
        prediction = self.decoder_pred(self.decoder_norm(x))[:, 1:]
        p, side = self.patch, images.shape[2] // self.patch
        target = images.reshape(n, 3, side, p, side, p).permute(0, 2, 4, 3, 5, 1).reshape(n, places, -1)
        target = (target - target.mean(2, keepdim=True)) / (target.var(2, keepdim=True) + 1e-6).sqrt()
        each = ((prediction - target) ** 2).mean(2)
        return (each * mask).sum() / mask.sum(), prediction, mask


SHAPE = ("img_size", "patch_size", "embed_dim", "depth", "num_heads", "decoder_embed_dim", "decoder_depth", "decoder_num_heads")


def five_steps(net, meta, images, noises):
    learned = [p for p in net.parameters() if p.requires_grad]
    groups = [{"params": [p for p in learned if p.ndim > 1], "weight_decay": meta["weight_decay"]},
              {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.}]
    optimizer = torch.optim.AdamW(groups, lr=meta["learning_rate"], betas=meta["betas"])
    t = {f"before.{k}": v.clone() for k, v in net.state_dict().items()}
    losses = []
    for k, (image, noise) in enumerate(zip(images, noises)):
        t[f"image.{k}"], t[f"noise.{k}"] = image, noise
        loss, prediction, mask = net(image, noise, meta["mask_ratio"])
        optimizer.zero_grad()
        loss.backward()
        if k == 0:
            t.update({"prediction.0": prediction, "mask.0": mask})
            t.update({f"grad.{name}": p.grad.clone() for name, p in net.named_parameters() if p.grad is not None})
        optimizer.step()
        losses.append(loss.item())
    t.update({f"after.{k}": v.clone() for k, v in net.state_dict().items()})
    return {**t, "loss": torch.tensor(losses)}


case, out, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
official, meta = read(case)
net = MAE(**{k: meta[k] for k in SHAPE})
net.load_state_dict({k.removeprefix("before."): v for k, v in official.items() if k.startswith("before.")})
steps = range(len(official["loss"]))
ours = five_steps(net, meta, [official[f"image.{k}"] for k in steps], [official[f"noise.{k}"] for k in steps])
assert ours.keys() == official.keys(), ours.keys() ^ official.keys()
# A small gradient is the rest of large ones that cancel (a key's bias has none at all), and AdamW's first steps make it
# as large as any other: what is compared is the difference as a part of the largest number of its kind.
kind = lambda name: name.split(".")[0]
largest = {}
for name, v in official.items():
    largest[kind(name)] = max(largest.get(kind(name), 0), v.abs().max().item())
apart = {name: (ours[name] - v).abs().max().item() / largest[kind(name)] for name, v in official.items()}
worst = max(apart, key=apart.get)
print(f"the official case is repeated to {apart[worst]:.1e} ({worst})")
assert apart[worst] < 1e-12

torch.manual_seed(seed)
shape = dict(zip(SHAPE, (24, 4, 48, 3, 3, 24, 2, 2)))
net = MAE(**shape)
for name, p in net.named_parameters():
    if "pos_embed" not in name:
        p.data.add_(.02 * torch.randn_like(p))
places = (shape["img_size"] // shape["patch_size"]) ** 2
images = [torch.randn(3, 3, shape["img_size"], shape["img_size"]) for _ in steps]
os.makedirs(out, exist_ok=True)
write(f"{out}/mae_five_steps.safetensors", five_steps(net, meta, images, [torch.rand(3, places) for _ in steps]), {**meta, **shape})
