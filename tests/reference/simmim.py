"""Writes simmim_five_steps.safetensors: five steps of SimMIM (Xie et al. 2022) on a small vision transformer.

usage: python tests/reference/simmim.py OUT [SEED]     with torch (2.15.0 wrote the stored file, seed 1)

Everything is written out here from the paper and its code in plain PyTorch, in float64: a learned token replaces the
masked patches before the positions are added, the encoder computes on all tokens, a 1x1 convolution and a pixel shuffle
predict the image, and the loss is |x - y| over the masked pixels, divided by their number + 1e-5 and the channels. The
optimizer is torch's AdamW without decay of vectors, positions and class token, on gradients clipped by their whole norm.

Names are those of the official model without "encoder."; the decoder's rows, its predictions and "grad", which is the
clipped gradient, are stored in the order (row, column, channel) of a patch's pixels instead of (channel, row, column).
"""
import json, math, os, struct, sys
import torch, torch.nn as nn, torch.nn.functional as F

torch.set_default_dtype(torch.float64)
META = dict(img_size=24, patch_size=4, mask_patch_size=8, mask_ratio=0.6, embed_dim=16, depth=2, num_heads=2, batch=2,
            learning_rate=1e-3, weight_decay=0.05, betas=[0.9, 0.999], clip_grad=0.2)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width), "proj": nn.Linear(width, width)})
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})

    def forward(self, x):
        n, tokens, width = x.shape
        split = lambda t: t.reshape(n, tokens, self.heads, width // self.heads).transpose(1, 2)
        q, k, v = map(split, self.attn["qkv"](self.norm1(x)).chunk(3, dim=2))
        scores = (q @ k.transpose(2, 3) / math.sqrt(width // self.heads)).softmax(3)
        x = x + self.attn["proj"]((scores @ v).transpose(1, 2).reshape(n, tokens, width))
        return x + self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x))))


class SimMIM(nn.Module):
    def __init__(self, m):
        super().__init__()
        width, self.patch = m["embed_dim"], m["patch_size"]
        self.side = m["img_size"] // self.patch
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, self.side**2 + 1, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, self.patch, self.patch)})
        self.blocks = nn.ModuleList([Block(width, m["num_heads"]) for _ in range(m["depth"])])
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.decoder = nn.Sequential(nn.Conv2d(width, 3 * self.patch**2, 1))
        for p in self.parameters():
            p.data.add_(0.1 * torch.randn_like(p))

    def forward(self, images, mask):
        n = len(images)
        x = self.patch_embed["proj"](images).flatten(2).transpose(1, 2)
        masked = mask.reshape(n, -1, 1)
        x = x * (1 - masked) + self.mask_token * masked
        x = torch.cat([self.cls_token.expand(n, -1, -1), x], 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)[:, 1:].transpose(1, 2).reshape(n, -1, self.side, self.side)
        predicted = F.pixel_shuffle(self.decoder(x), self.patch)
        pixels = mask.repeat_interleave(self.patch, 1).repeat_interleave(self.patch, 2)[:, None]
        return ((images - predicted).abs() * pixels).sum() / (pixels.sum() + 1e-5) / 3, predicted


def draw_mask(m):
    """(side, side) of patches, 1: masked: the part mask_ratio of all units, rounded up, as in the official generator."""
    units, scale = m["img_size"] // m["mask_patch_size"], m["mask_patch_size"] // m["patch_size"]
    mask = torch.zeros(units**2)
    mask[torch.randperm(units**2)[: math.ceil(units**2 * m["mask_ratio"])]] = 1
    return mask.reshape(units, units).repeat_interleave(scale, 0).repeat_interleave(scale, 1)


def stored(name, value, patch):
    """The decoder's tensors with one row per pixel and channel, in the order (row, column, channel)."""
    if "decoder" not in name:
        return value.detach().clone()
    rows = value.detach().reshape(3, patch, patch, -1).permute(1, 2, 0, 3)
    return rows.reshape(len(value), -1) if value.ndim > 1 else rows.reshape(-1)


def write(path, tensors, meta):
    header, blob = {"__metadata__": {k: json.dumps(v) for k, v in meta.items()}}, b""
    for name in sorted(tensors):
        raw = tensors[name].contiguous().numpy().tobytes()
        header[name] = {"dtype": "F64", "shape": list(tensors[name].shape), "data_offsets": [len(blob), len(blob) + len(raw)]}
        blob += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + blob)


out, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
torch.manual_seed(seed)
net, patch, side = SimMIM(META), META["patch_size"], META["img_size"] // META["patch_size"]
undecayed = lambda name, p: p.ndim == 1 or name in ("cls_token", "pos_embed")
optimizer = torch.optim.AdamW([{"params": [p for name, p in net.named_parameters() if not undecayed(name, p)],
                                "weight_decay": META["weight_decay"]},
                               {"params": [p for name, p in net.named_parameters() if undecayed(name, p)],
                                "weight_decay": 0.0}], lr=META["learning_rate"], betas=META["betas"])
tensors = {f"before.{name}": stored(name, p, patch) for name, p in net.named_parameters()}
losses = []
for step in range(5):
    images = torch.randn(META["batch"], 3, META["img_size"], META["img_size"])
    mask = torch.stack([draw_mask(META) for _ in images])
    tensors[f"image.{step}"], tensors[f"mask.{step}"] = images, mask
    loss, predicted = net(images, mask)
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), META["clip_grad"])
    assert norm > META["clip_grad"], f"step {step} clips nothing: {norm}"
    if step == 0:
        of_patches = predicted.detach().reshape(len(images), 3, side, patch, side, patch).permute(0, 2, 4, 3, 5, 1)
        tensors["prediction.0"] = of_patches.reshape(len(images), side**2, -1)
        tensors.update({f"grad.{name}": stored(name, p.grad, patch) for name, p in net.named_parameters()})
    optimizer.step()
    losses.append(loss.item())
tensors.update({f"after.{name}": stored(name, p, patch) for name, p in net.named_parameters()})
os.makedirs(out, exist_ok=True)
write(os.path.join(out, "simmim_five_steps.safetensors"), {**tensors, "loss": torch.tensor(losses)}, META)
print("losses", losses)
