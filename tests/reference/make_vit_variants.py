"""Writes vit_variants.safetensors: small vision transformers of timm in the structures of DINOv2 (LayerScale; with
registers; with gated perceptrons) and I-JEPA (no class token), and one whose class token has no position. For each:
weights, images, tokens after the last norm, the feature, and the gradient of a linear functional of the feature. The
first one also for images of two other sizes, for which timm resizes the positions (gradients of tokens alone).

usage: python tests/reference/make_vit_variants.py    (needs torch, timm, safetensors; torch 2.15.0 and timm 1.0.31 wrote
the committed file)
"""
import os, json, torch
from torch import nn
from timm.layers import SwiGLUPacked
from timm.models.vision_transformer import VisionTransformer
from safetensors.torch import save_file

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
common = dict(img_size=16, patch_size=4, embed_dim=12, depth=2, num_heads=3, num_classes=0)
variants = {
    "dinov2": dict(init_values=1e-5, dynamic_img_size=True),
    "registers": dict(init_values=1e-5, reg_tokens=4, no_embed_class=True, img_size=28, patch_size=14),
    "giant": dict(init_values=1e-5, mlp_ratio=2.66667 * 2, mlp_layer=SwiGLUPacked, act_layer=nn.SiLU),
    "ijepa": dict(class_token=False, global_pool="avg", fc_norm=False),
    "free_class_token": dict(no_embed_class=True),
}
tensors = {}
for name, structure in variants.items():
    net = VisionTransformer(**{**common, **structure})
    with torch.no_grad():
        for p in net.parameters():
            p.add_(.1 * torch.randn_like(p) + (.5 if p.shape == (12,) else 0) * torch.rand_like(p))
    side = structure.get("img_size", 16)
    tensors.update({f"{name}.param.{k}": v.clone() for k, v in net.state_dict().items()})
    for size in (side, 8, 24) if "dynamic_img_size" in structure else (side,):
        at = name if size == side else f"{name}.{size}"
        net.zero_grad()
        images = torch.randn(3, 3, size, size)
        tokens = net.forward_features(images)
        feature = net.forward_head(tokens)
        cotangent = torch.randn_like(feature)
        (feature * cotangent).sum().backward()
        tensors.update({f"{at}.input": images, f"{at}.tokens": tokens, f"{at}.feature": feature, f"{at}.cotangent": cotangent})
        tensors.update({f"{at}.grad.{k}": p.grad.clone() for k, p in net.named_parameters()
                        if size == side or k in ("cls_token", "pos_embed")})
save_file({k: v.detach().contiguous() for k, v in tensors.items()},
          os.path.join(os.path.dirname(os.path.abspath(__file__)), "vit_variants.safetensors"),
          {"oracle": json.dumps("timm VisionTransformer"), "variants": json.dumps(list(variants))})
