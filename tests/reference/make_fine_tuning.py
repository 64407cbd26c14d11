"""Writes fine_tuning_five_steps.safetensors: MAE's fine-tuning of a small timm ViT, five steps in float64.

usage: python tests/reference/make_fine_tuning.py OUT [SEED [SIZE]]                  (needs torch, timm, safetensors)
The committed file was written with torch 2.15.0 and timm 1.0.31 (seed 1, size 0). The mean of the patch tokens, fc_norm
and head; mixup or cutmix of timm (its draws are saved, not its generator), SoftTargetCrossEntropy, AdamW in timm's
parameter groups with layer decay and MAE's exclusions from weight decay.
"""
import json, os, sys
from functools import partial
import numpy as np, timm, torch
from safetensors.torch import save_file
from timm.data.mixup import cutmix_bbox_and_lam, mixup_target
from timm.loss import SoftTargetCrossEntropy
from timm.models.vision_transformer import VisionTransformer
from timm.optim import param_groups_layer_decay

out, seed, size = sys.argv[1], *(int(x) for x in (sys.argv[2:] + ["1", "0"][len(sys.argv) - 2:]))
torch.set_default_dtype(torch.float64); torch.manual_seed(seed); np.random.seed(seed)
side, batch, classes = (16, 24)[size], (8, 11)[size], 5
decay, weight_decay, smoothing, beta2 = (.75, .65)[size], (.05, .1)[size], (.1, .2)[size], .999
net = VisionTransformer(img_size=side, patch_size=4, embed_dim=24, depth=2, num_heads=3, num_classes=classes,
                        global_pool="avg", norm_layer=partial(torch.nn.LayerNorm, eps=1e-6))
for p in net.parameters():
    p.data.add_(.1 * torch.randn_like(p))
tensors = {f"before.{k}": v.clone() for k, v in net.state_dict().items()}
groups = param_groups_layer_decay(net, weight_decay, no_weight_decay_list=("pos_embed", "cls_token"), layer_decay=decay)
optimizer = torch.optim.AdamW(groups, lr=1, betas=(.9, beta2))
losses, mixes, rates = [], [], []
for step in range(5):
    x, labels = torch.randn(batch, 3, side, side), torch.randint(classes, (batch,))
    tensors[f"images.{step}"], tensors[f"labels.{step}"] = x.clone(), labels
    share = float(np.random.beta(.8, .8))
    box = (0, 0, 0, 0)
    if step % 2:
        box, share = cutmix_bbox_and_lam(x.shape, share)
        x[:, :, box[0]:box[1], box[2]:box[3]] = x.flip(0)[:, :, box[0]:box[1], box[2]:box[3]]
    else:
        x = x * share + x.flip(0) * (1 - share)
    rates.append(.01 * (step + 1) / 5)
    for group in optimizer.param_groups:
        group["lr"] = rates[-1] * group["lr_scale"]
    loss = SoftTargetCrossEntropy()(net(x), mixup_target(labels, classes, share, smoothing))
    optimizer.zero_grad()
    loss.backward()
    if step == 0:
        tensors |= {f"gradient.{k}": p.grad.clone() for k, p in net.named_parameters()}
    optimizer.step()
    losses.append(loss.item())
    mixes.append([float(share), bool(step % 2), *(int(b) for b in box)])
tensors |= {f"after.{k}": v.clone() for k, v in net.state_dict().items()}
net.eval()
with torch.no_grad():
    tensors["logits"] = net(tensors["images.0"])
tensors["loss"] = torch.tensor(losses)
os.makedirs(out, exist_ok=True)
save_file({k: v.contiguous() for k, v in tensors.items()}, f"{out}/fine_tuning_five_steps.safetensors",
          {k: json.dumps(v) for k, v in dict(layer_decay=decay, weight_decay=weight_decay, smoothing=smoothing,
           beta2=beta2, mixes=mixes, rates=rates, torch=torch.__version__, timm=timm.__version__).items()})
print("torch", torch.__version__, "timm", timm.__version__, losses)
