"""Masked autoencoder on timm's blocks (He et al. 2022), with the parameter names of its official code."""

from functools import partial

import numpy as np
import torch
from timm.models.vision_transformer import Block, PatchEmbed, VisionTransformer
from torch import nn

VIT_MICRO = (128, 6, 4)  # width, depth, heads
VIT_TINY = (192, 12, 3)

norm = partial(nn.LayerNorm, eps=1e-6)


def sincos_positions(width, grid):
    """[1, 1 + grid * grid, width]: zeros for the class token; the column fills the first half, the row the second."""
    omega = 10000.0 ** -(np.arange(width // 4) / (width / 4))

    def along(position):
        angle = position.reshape(-1, 1) * omega
        return np.concatenate([np.sin(angle), np.cos(angle)], 1)

    row, column = np.mgrid[0:grid, 0:grid].astype(np.float64)
    table = np.concatenate([along(column), along(row)], 1)
    return torch.from_numpy(np.concatenate([np.zeros((1, width)), table])).float().unsqueeze(0)


def initialise_linear(module):
    """Xavier weights and zero biases in every linear layer; layer norms have 1 and 0 already."""
    for m in module.modules():
        if isinstance(m, nn.Linear):
            nn.init.xavier_uniform_(m.weight)
            nn.init.zeros_(m.bias)


def initialise_encoder(vit, grid):
    """MAE's initialisation: linear layers and the patch embedding's matrix xavier, its bias torch's, class token N(0, 0.02)."""
    initialise_linear(vit)
    nn.init.xavier_uniform_(vit.patch_embed.proj.weight.view(vit.patch_embed.proj.weight.shape[0], -1))
    nn.init.normal_(vit.cls_token, std=0.02)
    vit.pos_embed.data.copy_(sincos_positions(vit.pos_embed.shape[2], grid))


def patchify(images, p):
    """[N, 3, S, S] -> [N, L, p * p * 3]: rows, columns, channels within a patch."""
    n, c, s, _ = images.shape
    return images.view(n, c, s // p, p, s // p, p).permute(0, 2, 4, 3, 5, 1).reshape(n, (s // p) ** 2, p * p * c)


class MaskedAutoencoder(nn.Module):
    def __init__(self, size, patch, encoder, decoder, ratio=0.75, norm_pix=True):
        """`encoder` and `decoder` are width, depth and heads."""
        super().__init__()
        width, depth, heads = encoder
        narrow, shallow, few = decoder
        self.patch, self.norm_pix = patch, norm_pix
        grid = size // patch
        self.length, self.kept = grid * grid, int(grid * grid * (1 - ratio))
        self.patch_embed = PatchEmbed(size, patch, 3, width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + self.length, width), requires_grad=False)
        self.blocks = nn.Sequential(*[Block(width, heads, 4, qkv_bias=True, norm_layer=norm) for _ in range(depth)])
        self.norm = norm(width)
        self.decoder_embed = nn.Linear(width, narrow)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, narrow))
        self.decoder_pos_embed = nn.Parameter(sincos_positions(narrow, grid), requires_grad=False)
        self.decoder_blocks = nn.Sequential(
            *[Block(narrow, few, 4, qkv_bias=True, norm_layer=norm) for _ in range(shallow)])
        self.decoder_norm = norm(narrow)
        self.decoder_pred = nn.Linear(narrow, patch * patch * 3)
        initialise_encoder(self, grid)
        nn.init.normal_(self.mask_token, std=0.02)

    def random_masking(self, n, g):
        """Rows of the visible patches, the inverse order, and the mask (1: removed); the order is random for each image."""
        shuffled = torch.rand(n, self.length, generator=g).argsort(1)
        restore = shuffled.argsort(1)
        return shuffled[:, : self.kept], restore, (restore >= self.kept).float()

    def encode(self, images, kept):
        x = self.patch_embed(images) + self.pos_embed[:, 1:]
        x = x.gather(1, kept.unsqueeze(2).expand(-1, -1, x.shape[2]))
        cls = (self.cls_token + self.pos_embed[:, :1]).expand(len(x), -1, -1)
        return self.norm(self.blocks(torch.cat([cls, x], 1)))

    def decode(self, tokens, restore):
        x = self.decoder_embed(tokens)
        hidden = self.mask_token.expand(len(x), self.length - self.kept, -1)
        patches = torch.cat([x[:, 1:], hidden], 1)
        patches = patches.gather(1, restore.unsqueeze(2).expand(-1, -1, x.shape[2]))
        x = torch.cat([x[:, :1], patches], 1) + self.decoder_pos_embed
        return self.decoder_pred(self.decoder_norm(self.decoder_blocks(x)))[:, 1:]

    def forward(self, images, g):
        """Mean squared error of the masked patches."""
        kept, restore, mask = self.random_masking(len(images), g)
        prediction = self.decode(self.encode(images, kept), restore)
        goal = patchify(images, self.patch)
        if self.norm_pix:
            goal = (goal - goal.mean(2, keepdim=True)) / (goal.var(2, keepdim=True) + 1e-6).sqrt()
        return (((prediction - goal) ** 2).mean(2) * mask).sum() / mask.sum()

    def encoder_state(self):
        """The part that fine-tuning starts from."""
        return {name: value.contiguous() for name, value in self.state_dict().items()
                if not name.startswith(("decoder_", "mask_token"))}


def classifier(size, patch, encoder, classes, state=None):
    """timm's ViT with the mean of the patch tokens under a separate layer norm, initialised from an encoder's state, or
    like a masked autoencoder."""
    width, depth, heads = encoder
    vit = VisionTransformer(size, patch, num_classes=classes, global_pool="avg", embed_dim=width, depth=depth,
                            num_heads=heads, norm_layer=norm, weight_init="skip")
    initialise_encoder(vit, size // patch)
    if state is not None:
        state = {name: value for name, value in state.items() if not name.startswith("norm.")}
        missing, unexpected = vit.load_state_dict(state, strict=False)
        if unexpected or any(not name.startswith(("head.", "fc_norm.")) for name in missing):
            raise SystemExit(f"the encoder does not fit: missing {missing}, unexpected {unexpected}")
    nn.init.trunc_normal_(vit.head.weight, std=2e-5)
    nn.init.zeros_(vit.head.bias)
    return vit


def layer_of(name, depth):
    """Index of a parameter's layer for layer-wise decay: 0 for the embeddings, depth + 1 for the head."""
    if name.startswith(("cls_token", "pos_embed", "patch_embed")):
        return 0
    return int(name.split(".")[1]) + 1 if name.startswith("blocks.") else depth + 1
