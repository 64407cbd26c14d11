"""Writes positions.safetensors: a random table of positions for a class token and a 4 x 6 grid, and what
torch.nn.functional.interpolate makes of its grid at other sizes, as MAE's loader calls it.

usage: python tests/reference/make_positions.py        (needs torch and safetensors; torch 2.15.0 wrote the committed file)
"""
import os, torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.manual_seed(1)
rows, columns, width = 4, 6, 8
table = torch.randn(1, 1 + rows * columns, width, dtype=torch.float64)
tensors = {"pos_embed": table}
for size in ((7, 9), (2, 3), (4, 6), (8, 5)):
    grid = table[:, 1:].reshape(1, rows, columns, width).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=size, mode="bicubic", align_corners=False).permute(0, 2, 3, 1).flatten(1, 2)
    tensors[f"{size[0]}x{size[1]}"] = torch.cat([table[:, :1], grid], dim=1)
save_file(tensors, os.path.join(os.path.dirname(os.path.abspath(__file__)), "positions.safetensors"),
          {"rows": str(rows), "columns": str(columns)})
