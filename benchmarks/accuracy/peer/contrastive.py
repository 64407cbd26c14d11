"""NT-Xent and SimCLR's projection head without lightly."""

import torch
from torch import nn
from torch.nn import functional as F


def nt_xent(z, temperature=0.5):
    """Both halves at once, the diagonal masked: fewer passes than lightly's four blocks."""
    u = F.normalize(z, dim=1)
    logits = (u @ u.t() / temperature).fill_diagonal_(float("-inf"))
    n = len(z) // 2
    return F.cross_entropy(logits, (torch.arange(2 * n, device=z.device) + n) % (2 * n))


class ProjectionHead(nn.Module):
    """Linear, batch norm, ReLU, linear, batch norm without shift; lightly's names."""

    def __init__(self, features, out=128):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(features, features, bias=False), nn.BatchNorm1d(features), nn.ReLU(),
                                    nn.Linear(features, out, bias=False), nn.BatchNorm1d(out))
        self.layers[-1].bias.requires_grad_(False)
        for layer in (self.layers[0], self.layers[3]):
            nn.init.normal_(layer.weight, std=0.01)

    def forward(self, x):
        return self.layers(x)
