"""Writes reference cases of the methods after SimCLR, BYOL and MAE as safetensors, computed in float64 by the peers themselves.

usage: PEERS=/folder/of/clones python make_methods_reference.py OUT SEED SIZE [NAME...]
SIZE 0 and 1 give different shapes and hyper-parameters; NAME... writes only the cases whose names begin so.
Needs torch, torchvision, timm and lightly; PEERS holds clones of moco (the commit before its files were removed), moco-v3, barlowtwins, vicreg, swav, dino, ibot, dinov2, ijepa, msn, SupContrast, solo-learn, lejepa, stable-pretraining. Their code is called, never copied.
Everything is computed once more by the few lines of numpy below (losses, their slopes, heads, optimizers, targets, queues, centres); a difference stops the script.
"""
import ast, copy, itertools, json, logging, math, os, random, struct, sys, tempfile, types, typing, warnings, zlib
from functools import partial, reduce
from operator import mul
import numpy as np
os.environ["XFORMERS_DISABLED"] = "1"; warnings.simplefilter("ignore"); logging.disable(logging.WARNING)
import torch, torchvision, timm, lightly
import torch.distributed as dist, torch.nn as nn, torch.nn.functional as F
from torchvision.models.resnet import BasicBlock
from lightly.loss import (BarlowTwinsLoss, DCLLoss, DCLWLoss, DINOLoss, FroSSLLoss, IBOTPatchLoss, KoLeoLoss, LeJEPALoss, MSNLoss, NegativeCosineSimilarity,
                          NTXentLoss, SwaVLoss, TiCoLoss, VICRegLoss)
from lightly.loss.emp_ssl_loss import EMPSSLLoss
from lightly.loss.hypersphere_loss import HypersphereLoss
from lightly.loss.wmse_loss import WMSELoss
from lightly.models.modules import heads
from lightly.models.utils import update_momentum
from lightly.utils.lars import LARS as LightlyLARS
from timm.layers import PatchEmbed, resample_abs_pos_embed
from timm.models.vision_transformer import VisionTransformer as TimmVisionTransformer

PEERS = os.environ.get("PEERS", "peers")
out, seed, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]); only = tuple(sys.argv[4:])
torch.set_default_dtype(torch.float64); torch.set_num_threads(1); os.makedirs(out, exist_ok=True)
torch.Tensor.cuda = lambda self, *a, **k: self  # official code asks for a GPU
torch.Tensor.float = torch.Tensor.double        # and for single precision
dist.init_process_group("gloo", init_method=f"file://{tempfile.mktemp()}", rank=0, world_size=1)

def borrow(path, *names, **given):
    """Classes and functions of a peer's file, called where they lie, without the imports that need CUDA, apex or Lightning."""
    tree = ast.parse(open(f"{PEERS}/{path}").read())
    tree.body = [node for node in tree.body if getattr(node, "name", None) in names]
    assert {node.name for node in tree.body} == set(names), (path, names)
    scope = dict(torch=torch, nn=nn, F=F, np=np, math=math, dist=dist, partial=partial, random=random, optim=torch.optim, Any=typing.Any, List=typing.List, **given)
    exec(compile(tree, path, "exec"), scope)
    return [scope[n] for n in names] if len(names) > 1 else scope[names[0]]

# ------------------------------------------------------------------------------------------------ files and checks
NAMES = {torch.float64: "F64", torch.float32: "F32", torch.int64: "I64", torch.uint8: "U8", torch.bool: "BOOL"}
written, checks = [], 0

def save(name, tensors, **meta):
    header, blob = {"__metadata__": {k: json.dumps(v) for k, v in meta.items()}}, b""
    for k in sorted(tensors):
        t = torch.as_tensor(tensors[k]).detach().contiguous()
        t = t.to(torch.uint8) if t.dtype == torch.bool else t
        raw = t.numpy().tobytes()
        header[k] = {"dtype": NAMES[t.dtype], "shape": list(t.shape), "data_offsets": [len(blob), len(blob) + len(raw)]}
        blob += raw
    h = json.dumps(header).encode(); h += b" " * (-len(h) % 8)
    with open(f"{out}/{name}.safetensors", "wb") as f: f.write(struct.pack("<Q", len(h)) + h + blob)
    assert len(h) + len(blob) < 1.5e6, name
    written.append((name, len(h) + len(blob), len(tensors)))
    print(f"{name:34s} {len(h) + len(blob):8d} bytes {len(tensors):4d} tensors", flush=True)

def array(x): return x.detach().numpy() if isinstance(x, torch.Tensor) else np.asarray(x, dtype=float)

def same(found, expected, within=1e-10, scale=None, what=""):
    """Stops the script unless two results agree, relative to the largest number expected (or to `scale`)."""
    global checks
    found, expected = array(found).squeeze(), array(expected).squeeze()
    assert found.shape == expected.shape, (what, found.shape, expected.shape)
    worst = np.abs(found - expected).max() / max(np.abs(expected).max() if scale is None else scale, 1e-30)
    assert worst <= within, f"{what}: {worst:.3e} apart"
    checks += 1

def begin(name):
    """Every case has random numbers of its own, whatever else is written. Is it asked for?"""
    key = zlib.crc32(f"{name} {seed} {size}".encode()); torch.manual_seed(key); random.seed(key); np.random.seed(key % 2**32)
    return not only or name.startswith(only)

def state(prefix, m, rename=lambda k: k):
    return {f"{prefix}.{rename(k)}": v.clone() for k, v in m.state_dict().items() if v.dtype.is_floating_point}
def grads(prefix, m, rename=lambda k: k):
    return {f"{prefix}.{rename(k)}": p.grad.clone() for k, p in m.named_parameters() if p.grad is not None}

def perturb(m, by=.05):  # no parameter or statistic stays at a value that hides a mistake
    for p in m.parameters(): p.data.add_(by * torch.randn_like(p))
    for k, b in m.named_buffers():
        if b.dtype.is_floating_point: b.add_(.1 * torch.rand_like(b))

def slopes(f, inputs, gradients, within=2e-6):
    """Torch's gradients along two random directions against central differences of the numpy formula."""
    for k, g in gradients.items():
        for _ in range(2):
            d = np.random.standard_normal(inputs[k].shape); h = 1e-5
            up, down = (float(np.squeeze(f(**{**inputs, k: inputs[k] + s * h * d}))) for s in (1, -1))
            same((up - down) / (2 * h), (g * d).sum(), within, max(abs((g * d).sum()), .1 * np.linalg.norm(g) * np.linalg.norm(d)), f"slope {k}")

class Case:
    """A loss: named inputs, any number of labelled values with their gradients, each checked by numpy."""
    def __init__(self, name, **inputs): self.name, self.inputs, self.t = name, inputs, dict(inputs)
    def add(self, label, peer, formula, wrt, **fixed):
        leaves = {k: v.clone().requires_grad_(k in wrt) for k, v in self.inputs.items()}
        value = peer(**leaves).reshape(1); value.backward()
        arrays = {k: v.numpy() for k, v in self.inputs.items()}
        f = partial(formula, **fixed)
        same(value, f(**arrays), what=f"{self.name} {label}")
        g = {k: leaves[k].grad for k in wrt}
        slopes(f, arrays, {k: v.numpy() for k, v in g.items()})
        self.t[label] = value.detach(); self.t.update({f"{label}.grad.{k}": v for k, v in g.items()})
        return value.item()
    def save(self, **meta): save(self.name, self.t, **meta)

# ------------------------------------------------------------------------------------------------ the same in numpy
def unit(x, axis=-1): return x / np.sqrt((x * x).sum(axis, keepdims=True))
def lse(x): m = x.max(-1, keepdims=True); return np.squeeze(m, -1) + np.log(np.exp(x - m).sum(-1))
def log_softmax(x): return x - lse(x)[..., None]
def softmax(x): return np.exp(log_softmax(x))
def cross(p, x): return -(p * log_softmax(x)).sum(-1)          # of a distribution p and logits x, row by row
def rows(a, b, t): return np.mean(lse(unit(a) @ unit(b).T / t) - (unit(a) * unit(b)).sum(-1) / t)  # InfoNCE, labels on the diagonal

def n_dcl(z1, z2, t, weights=None, **_):
    u, n, total = unit(np.concatenate([z1, z2])), len(z1), 0.
    for i in range(2 * n):
        s = u @ u[i] / t; j = (i + n) % (2 * n); w = 1. if weights is None else weights[i % n]
        total += -w * s[j] + np.log(sum(np.exp(s[k]) for k in range(2 * n) if k not in (i, j)))
    return total / (2 * n)
def n_queue(q, k, queue, t, **_):
    u, v = unit(q), unit(k)
    logits = np.concatenate([(u * v).sum(-1, keepdims=True), u @ queue.T], 1) / t
    return np.mean(lse(logits) - logits[:, 0])
def n_nt_xent(z1, z2, t):
    u = unit(np.concatenate([z1, z2])); n = len(z1); s = u @ u.T / t; np.fill_diagonal(s, -np.inf)
    return np.mean([lse(s[i]) - s[i, (i + n) % (2 * n)] for i in range(2 * n)])
def n_cos(p, z): return np.mean((unit(p) * unit(z)).sum(-1))
def n_barlow(z1, z2, lam, unbiased=False, factor=1., **_):
    def standard(z):
        c = z - z.mean(0)
        return c / (z.std(0, ddof=1) + 1e-5) if unbiased else c / np.sqrt(z.var(0) + 1e-5)
    c = standard(z1).T @ standard(z2) / len(z1); d = np.diag(c)
    return factor * (((1 - d) ** 2).sum() + lam * ((c ** 2).sum() - (d ** 2).sum()))
def off(c): return (c ** 2).sum() - (np.diag(c) ** 2).sum()
def n_vicreg(z1, z2, inv, var, cov, half=.5, correlate=False, **_):
    v = sum(np.maximum(0, 1 - np.sqrt(z.var(0, ddof=1) + 1e-4)).mean() for z in (z1, z2))
    if correlate: c = sum(off(np.corrcoef(z.T)) / z.shape[1] ** 2 for z in (z1, z2))
    else: c = sum(off(np.cov(z.T)) / z.shape[1] for z in (z1, z2))
    return inv * ((z1 - z2) ** 2).mean() + half * var * v + cov * c
def n_sinkhorn(scores, eps, iterations=3):  # by scaling vectors: rows are samples, columns prototypes
    q = np.exp(scores / eps); b, k = q.shape; v = np.ones(b)
    for _ in range(iterations):
        u = 1 / (k * (q.T @ v)); v = 1 / (b * (q @ u))
    return b * q * v[:, None] * u
def n_swav(scores, codes, t): return np.mean([np.mean(cross(q, s / t)) for i, q in enumerate(codes) for v, s in enumerate(scores) if v != i])
def n_dino(students, teachers, ts): return np.mean([np.mean(cross(q, s / ts)) for i, q in enumerate(teachers) for v, s in enumerate(students) if v != i])
def n_patches(student, teacher, masks, ts):  # (N, L, K), (N, L, K), (N, L): a mean per image, an image without masked patches counts as 0
    return np.mean([np.mean(cross(q[m], s[m] / ts)) if m.any() else 0. for s, q, m in zip(student, teacher, masks)])
def n_koleo(x, eps=1e-8, **_):
    u = unit(x); s = u @ u.T; np.fill_diagonal(s, -2); nearest = u[s.argmax(1)]
    return -np.mean(np.log(np.sqrt(((u - nearest + eps) ** 2).sum(1)) + eps))
def n_sigreg(z, directions, knots=17, t_max=3.):  # the trapezoid rule over [-t_max, t_max], knots shared by both halves; z (..., N, D)
    t = np.linspace(-t_max, t_max, 2 * knots - 1); gauss = np.exp(-t * t / 2)
    ecf = np.exp(1j * (z @ directions)[..., None] * t).mean(-3)
    return np.trapezoid(np.abs(ecf - gauss) ** 2 * gauss, t).mean() * z.shape[-2]
def n_lejepa(views, centre_of, directions, lam): return (1 - lam) * ((views - views[:centre_of].mean(0)) ** 2).mean() + lam * n_sigreg(views, directions)
def n_tico(z1, z2, c, rho): u, v = unit(z1), unit(z2); return 1 - np.mean((u * v).sum(1)) + rho * np.mean(np.einsum("ni,ij,nj->n", u, c, u))
def n_whiten(z): c = z - z.mean(0); return np.linalg.solve(np.linalg.cholesky(c.T @ c / (len(z) - 1)), c.T).T
def n_supcon(z, labels, t, base):
    u, total = unit(z), 0.
    for i in range(len(u)):
        others = [k for k in range(len(u)) if k != i]; s = u @ u[i] / t
        positive = [k for k in others if labels[k] == labels[i]]
        total -= np.mean([s[p] - np.log(np.exp(s[others]).sum()) for p in positive])
    return t / base * total / len(u)
def n_smooth_l1(p, h): d = np.abs(p - h); return np.mean(np.where(d < 1, .5 * d * d, d - .5))
def n_layer_norm(h, eps=1e-5): return (h - h.mean(-1, keepdims=True)) / np.sqrt(h.var(-1, keepdims=True) + eps)
def n_gelu(x): return x * .5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))
def n_layers(modules, x):  # a head in training mode
    for m in modules:
        if isinstance(m, nn.Linear): x = x @ array(m.weight).T + (0 if m.bias is None else array(m.bias))
        elif isinstance(m, nn.BatchNorm1d):
            x = (x - x.mean(0)) / np.sqrt(x.var(0) + m.eps)
            if m.affine: x = x * array(m.weight) + array(m.bias)
        elif isinstance(m, nn.ReLU): x = np.maximum(x, 0)
        elif isinstance(m, nn.GELU): x = n_gelu(x)
        else: raise TypeError(m)
    return x
def n_cubic(x, a): x = np.abs(x); return np.where(x <= 1, (a + 2) * x**3 - (a + 3) * x**2 + 1, np.where(x < 2, a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a, 0))
def n_resize_matrix(n, m, scale, antialias):  # (m, n): bicubic, half-pixel centres; scale = source pixels for one of the result
    w = np.zeros((m, n))
    for i in range(m):
        if antialias:  # a = -1/2, wider when it shrinks, taps outside left out
            s = max(scale, 1.); c = (i + .5) * scale; lo, hi = max(int(c - 2 * s + .5), 0), min(int(c + 2 * s + .5), n)
            taps = n_cubic((np.arange(lo, hi) - c + .5) / s, -.5); w[i, lo:hi] = taps / taps.sum()
        else:          # a = -3/4, taps outside repeat the border
            c = (i + .5) * scale - .5; f = math.floor(c)
            for k in range(-1, 3): w[i, min(max(f + k, 0), n - 1)] += n_cubic(np.array(c - f - k), -.75)
    return w
def n_sgd(w, g, memory, lr, wd, momentum, **_):
    g = g + wd * w; memory["v"] = momentum * memory.get("v", 0) + g; return w - lr * memory["v"]
def n_lars(w, g, memory, lr, wd, momentum, trust=1e-3, adapt=True, **_):  # variant B: momentum of the adapted update, rate outside
    if adapt:
        g = g + wd * w; a, b = np.linalg.norm(w), np.linalg.norm(g); g = g * (trust * a / b if a > 0 and b > 0 else 1)
    memory["v"] = momentum * memory.get("v", 0) + g; return w - lr * memory["v"]
def n_larc(w, g, memory, lr, wd, momentum, trust=1e-3, eps=1e-8, **_):  # variant C/D: sum of norms, every tensor
    a, b = np.linalg.norm(w), np.linalg.norm(g)
    if a > 0 and b > 0: g = (g + wd * w) * trust * a / (b + wd * a + eps)
    memory["v"] = momentum * memory.get("v", 0) + g; return w - lr * memory["v"]
def n_adamw(w, g, memory, lr, wd, betas, eps, **_):  # every tensor counts its own steps
    (b1, b2), k = betas, memory.get("k", 0) + 1; memory["k"] = k
    memory["m"], memory["s"] = b1 * memory.get("m", 0) + (1 - b1) * g, b2 * memory.get("s", 0) + (1 - b2) * g * g
    return w * (1 - lr * wd) - lr * (memory["m"] / (1 - b1**k)) / (np.sqrt(memory["s"] / (1 - b2**k)) + eps)

class Watched:
    """A peer's optimizer; every step is done once more in numpy. `adapt` tells which tensors LARS adapts and decays."""
    def __init__(self, opt, rule, adapt=lambda p: True): self.opt, self.rule, self.adapt, self.memory = opt, rule, adapt, {}
    def step(self):
        groups = [(g, [(p, array(p).copy(), array(p.grad).copy()) for p in g["params"] if p.grad is not None]) for g in self.opt.param_groups]
        self.opt.step()
        for g, members in groups:
            for p, w, d in members:
                expected = self.rule(w, d, self.memory.setdefault(p, {}), g["lr"], g.get("weight_decay", 0), momentum=g.get("momentum"), betas=g.get("betas"), eps=g.get("eps"), adapt=self.adapt(p))
                same(p, expected, 1e-12, what="optimizer")

def follow(online, target, m):
    """The target keeps the part m of itself; parameters only."""
    before = [array(p).copy() for p in target.parameters()]
    update_momentum(online, target, m)
    for b, p, q in zip(before, target.parameters(), online.parameters()): same(p, m * b + (1 - m) * array(q), 1e-13, what="target")

def settle(name, run, steps, **meta):
    """Writes a method's case; a second run whose weights begin 1e-14 away must end there, too, so that 1e-9 can be asked of others."""
    if not begin(name): return
    results = []
    for shake in (0., 1e-14):
        begin(name); results.append(run(name, shake))
    (t, more), (moved, _) = results
    assert all(torch.isfinite(v).all() for v in t.values() if v.dtype.is_floating_point), name
    apart = (0., "")
    for k in t:
        if (k.startswith("after.") and k[6:] not in more["vanishing_gradients"]) or k == "loss":  # AdamW makes a step of what rounding leaves of nothing
            away, scale = moved[k] - t[k], t[k].abs().max().item()
            if k.endswith("qkv.bias"): third = len(away) // 3; away[third:2 * third] = 0  # a key's bias has no gradient, either
            if scale > 1e-12: apart = max(apart, ((away.abs().max() / scale).item(), k))
    apart, where = apart
    assert apart < 1e-10, f"{name}: {where} ends {apart:.1e} apart"
    assert len(t["loss"]) == steps and len(set(t["loss"].tolist())) == steps
    save(name, t, **meta, **more, steps=steps, ends_apart_when_shaken_by_1e_14=float(f"{apart:.1e}"))
def shaken(m, by):
    """The same weights, moved by so many parts of themselves."""
    if by:
        g = np.random.default_rng(0)
        for v in m.state_dict().values():
            if v.dtype.is_floating_point: v.mul_(torch.from_numpy(1 + by * g.standard_normal(tuple(v.shape))))
    return m
def frozen(m):
    for p in m.parameters(): p.requires_grad_(False)
    return m
def apart(m):  # a target that is not where the online network is
    m = copy.deepcopy(m)
    for p in frozen(m).parameters(): p.add_(.02 * torch.randn_like(p))
    return m
def pair(*shape): a = torch.randn(*shape); return a, .5 * a + .5 * torch.randn(*shape)

def unit_gain(m):  # where the last layer's gain is not learned it is one
    for k, p in m.named_parameters():
        if k.endswith("weight_g") and not p.requires_grad: p.fill_(1)
    return m

class Trunk(nn.Module):
    """torchvision blocks behind a CIFAR stem, thin; forward gives the pooled feature h. The trunk of make_reference.py."""
    def __init__(self, width=8, num_classes=0):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False); self.bn1 = nn.BatchNorm2d(width)
        down = lambda i, o, s: nn.Sequential(nn.Conv2d(i, o, 1, s, bias=False), nn.BatchNorm2d(o))
        self.layer1 = nn.Sequential(BasicBlock(width, width), BasicBlock(width, width))
        self.layer2 = nn.Sequential(BasicBlock(width, 2 * width, 2, down(width, 2 * width, 2)))
        self.fc = nn.Linear(2 * width, num_classes) if num_classes else nn.Identity()
    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x))); return self.fc(self.layer2(self.layer1(x)).mean((2, 3)))
FEATURES = 16
N, SIDE, SMALL = 6 + size, 8 + 4 * size, 4 + 2 * size  # images of a step, pixels of a side, of a small crop

# ------------------------------------------------------------------------------------------------ peers' parts
moco_builder = borrow("moco/moco/builder.py", "MoCo", "concat_all_gather")[0]
MoCoV3, MoCoV3ResNet, MoCoV3ViT, _ = borrow("moco-v3/moco/builder.py", "MoCo", "MoCo_ResNet", "MoCo_ViT", "concat_all_gather")
MoCoV3LARS = borrow("moco-v3/moco/optimizer.py", "LARS")
moco3_rate, moco3_momentum = borrow("moco-v3/main_moco.py", "adjust_learning_rate", "adjust_moco_momentum")
BarlowLARS, barlow_rate = borrow("barlowtwins/main.py", "LARS", "adjust_learning_rate")
VICRegOfficial, VICRegProjector, VICRegLARS, bias_or_norm, vicreg_rate, _, _ = borrow(
    "vicreg/main_vicreg.py", "VICReg", "Projector", "LARS", "exclude_bias_and_norm", "adjust_learning_rate", "off_diagonal", "FullGatherLayer")
SwAVResNet = borrow("swav/src/resnet50.py", "ResNet")
dino_utils = types.SimpleNamespace(**dict(zip(("clip", "cancel", "groups", "cosine", "wrapper", "lars"), borrow(
    "dino/utils.py", "clip_gradients", "cancel_gradients_last_layer", "get_params_groups", "cosine_scheduler", "MultiCropWrapper", "LARS"))))
trunc = partial(nn.init.trunc_normal_)
DINOHead, DINOViT = borrow("dino/vision_transformer.py", "drop_path", "DropPath", "Mlp", "Attention", "Block", "PatchEmbed", "DINOHead", "VisionTransformer", trunc_normal_=trunc)[-2:]
DINOOfficialLoss = borrow("dino/main_dino.py", "DINOLoss")
iBOTHead = borrow("ibot/models/head.py", "CSyncBatchNorm", "PSyncBatchNorm", "CustomSequential", "DINOHead", "iBOTHead", trunc_normal_=trunc)[-1]
iBOTViT = borrow("ibot/models/vision_transformer.py", "drop_path", "DropPath", "Mlp", "Attention", "Block", "PatchEmbed", "VisionTransformer", trunc_normal_=trunc)[-1]
iBOTLoss = borrow("ibot/main_ibot.py", "iBOTLoss")
iBOTWrapper = borrow("ibot/utils.py", "MultiCropWrapper")
apply_masks = borrow("ijepa/src/masks/utils.py", "apply_masks")
repeat_interleave_batch = borrow("ijepa/src/utils/tensors.py", "repeat_interleave_batch")
IJEPAPredictor, IJEPAViT = borrow("ijepa/src/models/vision_transformer.py", "get_2d_sincos_pos_embed", "get_2d_sincos_pos_embed_from_grid", "get_1d_sincos_pos_embed_from_grid", "drop_path",
    "DropPath", "MLP", "Attention", "Block", "PatchEmbed", "VisionTransformerPredictor", "VisionTransformer", trunc_normal_=trunc, apply_masks=apply_masks, repeat_interleave_batch=repeat_interleave_batch)[-2:]
IJEPARate, IJEPADecay = borrow("ijepa/src/utils/schedulers.py", "WarmupCosineSchedule", "CosineWDSchedule")
IJEPAMasks = borrow("ijepa/src/masks/multiblock.py", "MaskCollator", Value=__import__("multiprocessing").Value, logger=logging.getLogger())
SupConLoss = borrow("SupContrast/losses.py", "SupConLoss")
only_one = dict(gather=lambda x, *a: x, get_rank=lambda: 0, concat_all_gather_no_grad=lambda x: x)
solo = types.SimpleNamespace(
    queue=borrow("solo-learn/solo/losses/mocov2plus.py", "mocov2plus_loss_func"), nnclr=borrow("solo-learn/solo/losses/nnclr.py", "nnclr_loss_func", **only_one),
    mocov3=borrow("solo-learn/solo/losses/mocov3.py", "mocov3_loss_func", **only_one), simsiam=borrow("solo-learn/solo/losses/simsiam.py", "simsiam_loss_func"),
    barlow=borrow("solo-learn/solo/losses/barlow.py", "barlow_loss_func"), swav=borrow("solo-learn/solo/losses/swav.py", "swav_loss_func"),
    vicreg=borrow("solo-learn/solo/losses/vicreg.py", "invariance_loss", "variance_loss", "covariance_loss", "vicreg_loss_func", **only_one)[-1],
    sinkhorn=borrow("solo-learn/solo/utils/sinkhorn_knopp.py", "SinkhornKnopp"), dino=borrow("solo-learn/solo/losses/dino.py", "DINOLoss"),
    wmse=borrow("solo-learn/solo/losses/wmse.py", "wmse_loss_func"), ressl=borrow("solo-learn/solo/losses/ressl.py", "ressl_loss_func"),
    supcon=borrow("solo-learn/solo/losses/simclr.py", "simclr_loss_func", **only_one))
v_inv, v_var = borrow("solo-learn/solo/losses/vicreg.py", "invariance_loss", "variance_loss")
solo.vibcreg = borrow("solo-learn/solo/losses/vibcreg.py", "covariance_loss", "vibcreg_loss_func", gather=lambda x: x, invariance_loss=v_inv, variance_loss=v_var)[-1]
SPBarlow = borrow("stable-pretraining/stable_pretraining/losses/joint_embedding.py", "BarlowTwinsLoss", get_world_size=lambda: 1, all_reduce=lambda x: x,
                  off_diagonal=borrow("stable-pretraining/stable_pretraining/losses/utils.py", "off_diagonal"))
msn_official = borrow("msn/src/losses.py", "init_msn_loss", AllReduce=types.SimpleNamespace(apply=lambda x: x))
sys.path.insert(0, f"{PEERS}/dinov2"); import dinov2.loss, dinov2.layers.dino_head, dinov2.models.vision_transformer, dinov2.data.masking, dinov2.utils.param_groups, dinov2.utils.utils
sys.path.insert(0, f"{PEERS}/lejepa"); import lejepa
torch.cuda.amp.autocast = lambda *a, **k: torch.enable_grad()

# ------------------------------------------------------------------------------------------------ losses alone
n, d = 5 + size, 9
randn, normalize = torch.randn, partial(F.normalize, dim=-1)

def surely_nearest(similarity, gap=1e-3):
    """The column of the largest number in each row; none is so near the second that single precision could take it."""
    two = similarity.topk(2, 1).values
    assert (two[:, 0] - two[:, 1]).min() > gap, f"two neighbours are as near as each other: {(two[:, 0] - two[:, 1]).min()}"
    return similarity.argmax(1)

if begin("loss_dcl"):
    case = Case("loss_dcl", z1=randn(n, d), z2=randn(n, d)); u, v = (unit(case.inputs[k].numpy()) for k in ("z1", "z2"))
    for t in (.1, .5, 1.):
        weights = 2 - n * softmax((u * v).sum(1) / .5)
        case.add(f"dcl_{t}", lambda z1, z2: DCLLoss(temperature=t)(z1, z2), n_dcl, ("z1", "z2"), t=t)
        case.add(f"dclw_{t}", lambda z1, z2: DCLWLoss(temperature=t, sigma=.5)(z1, z2), n_dcl, ("z1", "z2"), t=t, weights=weights)
    case.save(oracle="lightly DCLLoss, DCLWLoss", temperatures=[.1, .5, 1.], sigma=.5, note="mean over both views; the positive is not in the denominator; DCLW's weight 2 - n softmax(s+/sigma) has no gradient")

if begin("loss_moco_queue"):
    K = 3 * n; case = Case("loss_moco_queue", q1=randn(n, d), q2=randn(n, d), k1=randn(n, d), k2=randn(n, d), queue1=normalize(randn(K, d)), queue2=normalize(randn(K, d)))
    def bank(t, queue, at=0):
        c = NTXentLoss(temperature=t, memory_bank_size=tuple(queue.shape)); c.memory_bank.bank = queue.clone(); c.memory_bank.bank_ptr[0] = at; return c
    put = lambda queue, k, at: np.concatenate([queue[:at], unit(k), queue[at + n:]])
    for t in (.07, .2):
        case.add(f"one_sided_{t}", lambda q1, k2, queue1, **_: bank(t, queue1)(q1, k2), lambda q1, k2, queue1, **_: n_queue(q1, k2, queue1, t), ("q1",))
        case.add(f"two_queues_{t}", lambda q1, q2, k1, k2, queue1, queue2: (solo.queue(normalize(q1), normalize(k2), queue2.T, t) + solo.queue(normalize(q2), normalize(k1), queue1.T, t)) / 2,
                 lambda q1, q2, k1, k2, queue1, queue2: (n_queue(q1, k2, queue2, t) + n_queue(q2, k1, queue1, t)) / 2, ("q1", "q2"))
        def twice(q1, q2, k1, k2, queue1, **_): c = bank(t, queue1, n); return .5 * (c(q1, k2) + c(q2, k1))
        case.add(f"one_queue_twice_{t}", twice, lambda q1, q2, k1, k2, queue1, **_: (n_queue(q1, k2, queue1, t) + n_queue(q2, k1, put(queue1, k2, n), t)) / 2, ("q1", "q2"))
        official = moco_builder(lambda num_classes: nn.Identity(), dim=d, K=K, T=t); official.queue.copy_(case.inputs["queue1"].T)
        logits, labels = official(case.inputs["q1"], case.inputs["k2"]); same(F.cross_entropy(logits, labels), case.t[f"one_sided_{t}"], what="official MoCo")
    c = bank(.2, case.inputs["queue1"], 2 * n); c(case.inputs["q1"].clone().requires_grad_(), case.inputs["k2"])
    case.t["queue1_after_enqueueing_k2_at_the_end"] = c.memory_bank.bank; assert c.memory_bank.bank_ptr.item() == 0
    same(c.memory_bank.bank, put(array(case.inputs["queue1"]), array(case.inputs["k2"]), 2 * n))
    case.save(oracle="one_sided, one_queue_twice: lightly NTXentLoss with a memory bank; two_queues: solo-learn mocov2plus", temperatures=[.07, .2], one_queue_twice_position=n,
              note="q, k are not of unit length yet; queues are (K, d), unit rows; two_queues: (q1, k2, queue2) and (q2, k1, queue1), mean; one_queue_twice: k2 overwrites rows n..2n before the second term")

if begin("loss_moco_v3"):
    case = Case("loss_moco_v3", q1=randn(n, d), q2=randn(n, d), k1=randn(n, d), k2=randn(n, d))
    for t in (.2, 1.):
        f = lambda q, k: MoCoV3.contrastive_loss(types.SimpleNamespace(T=t), q, k)
        case.add(f"symmetric_{t}", lambda q1, q2, k1, k2: f(q1, k2) + f(q2, k1), lambda q1, q2, k1, k2: 2 * t * (rows(q1, k2, t) + rows(q2, k1, t)), ("q1", "q2"))
        same(sum(solo.mocov3(case.inputs[a], case.inputs[b], t) for a, b in (("q1", "k2"), ("q2", "k1"))), case.t[f"symmetric_{t}"], what="solo-learn MoCo v3")
    case.save(oracle="facebookresearch/moco-v3 contrastive_loss", temperatures=[.2, 1.], note="2 t (CE(q1 k2^T / t) + CE(q2 k1^T / t)), labels on the diagonal; keys have no gradient")

if begin("loss_nnclr"):
    K = 4 * n; case = Case("loss_nnclr", z1=randn(n, d), z2=randn(n, d), p1=randn(n, d), p2=randn(n, d), queue=normalize(randn(K, d)))
    queue = case.inputs["queue"]; nearest = [surely_nearest(normalize(case.inputs[k]) @ queue.T) for k in ("z1", "z2")]; nn1, nn2 = (queue[i] for i in nearest)
    case.t.update(nearest1=nearest[0], nearest2=nearest[1])
    for t in (.1, .2):
        case.add(f"nnclr_{t}", lambda p1, p2, **_: solo.nnclr(nn1, p2, t) / 2 + solo.nnclr(nn2, p1, t) / 2, lambda p1, p2, **_: (rows(array(nn1), p2, t) + rows(array(nn2), p1, t)) / 2, ("p1", "p2"))
        case.add(f"lightly_{t}", lambda p1, p2, **_: .5 * (NTXentLoss(t)(nn1, p2) + NTXentLoss(t)(nn2, p1)), lambda p1, p2, **_: (n_nt_xent(array(nn1), p2, t) + n_nt_xent(array(nn2), p1, t)) / 2, ("p1", "p2"))
    case.save(oracle="nnclr: solo-learn nnclr_loss_func (the paper's eq. 2); lightly: what lightly's NNCLR computes instead, NT-Xent over neighbours and predictions together", temperatures=[.1, .2],
              note="rows are the neighbours, columns the predictions of the other view; the neighbour has no gradient")

if begin("loss_simsiam"):
    case = Case("loss_simsiam", **{f"{k}{v}": randn(n, d) for k in "pz" for v in (1, 2, 3)}); D = NegativeCosineSimilarity()
    case.add("simsiam", lambda p1, p2, z1, z2, **_: .5 * (D(p1, z2) + D(p2, z1)), lambda p1, p2, z1, z2, **_: -.5 * (n_cos(p1, z2) + n_cos(p2, z1)), ("p1", "p2"))
    others = lambda z, i: sum(z[j] for j in range(3) if j != i) / 2
    case.add("fast_siam", lambda p1, p2, p3, z1, z2, z3: sum(D(p, others((z1, z2, z3), i)) for i, p in enumerate((p1, p2, p3))) / 3,
             lambda p1, p2, p3, z1, z2, z3: -sum(n_cos(p, others((z1, z2, z3), i)) for i, p in enumerate((p1, p2, p3))) / 3, ("p1", "p2", "p3"))
    same(sum(solo.simsiam(case.inputs[a], case.inputs[b]) for a, b in (("p1", "z2"), ("p2", "z1"))) / 2, case.t["simsiam"], what="solo-learn SimSiam")
    case.save(oracle="lightly NegativeCosineSimilarity", note="z has no gradient; fast_siam: every view against the mean of the others' z (not normalised before the mean)")

if begin("loss_barlow_twins"):
    b, e = 8 + 2 * size, 6; case = Case("loss_barlow_twins", z1=randn(b, e) * 2 + 1, z2=randn(b, e)); both = ("z1", "z2")
    case.inputs["z2"].add_(case.inputs["z1"])
    for lam in (.0051, .05):
        case.add(f"biased_{lam}", lambda z1, z2: BarlowTwinsLoss(lambda_param=lam)(z1, z2), n_barlow, both, lam=lam)
        case.add(f"unbiased_{lam}", lambda z1, z2: SPBarlow(lam)(z1, z2), n_barlow, both, lam=lam, unbiased=True)
        case.add(f"solo_{lam}", lambda z1, z2: solo.barlow(z1, z2, lam, .1), n_barlow, both, lam=lam, factor=.1)
    case.save(oracle="biased: lightly BarlowTwinsLoss (= the official code: batch norm without affine, eps 1e-5 in the root); unbiased: stable-pretraining (std with n-1, eps 1e-5 added to it); solo: solo-learn, the biased one times 0.1",
              lambdas=[.0051, .05], note="C = z1^T z2 / n in all of them")

if begin("loss_vicreg"):
    b, e = 7 + size, 6; spread = torch.linspace(.2, 2, e); case = Case("loss_vicreg", z1=randn(b, e) * spread, z2=randn(b, e) * spread); both = ("z1", "z2")
    case.inputs["z2"].add_(.5 * case.inputs["z1"])
    std = torch.sqrt(case.inputs["z1"].var(0) + 1e-4); assert (std > 1).any() and (std < 1).any()  # the hinge is on both sides
    case.add("vicreg", lambda z1, z2: VICRegLoss()(z1, z2), n_vicreg, both, inv=25, var=25, cov=1)
    case.add("weights_10_5_2", lambda z1, z2: VICRegLoss(10, 5, 2)(z1, z2), n_vicreg, both, inv=10, var=5, cov=2)
    case.add("solo", lambda z1, z2: solo.vicreg(z1, z2), n_vicreg, both, inv=25, var=25, cov=1, half=1)
    case.add("vibcreg", lambda z1, z2: solo.vibcreg(z1, z2), n_vicreg, both, inv=25, var=25, cov=200, half=1, correlate=True)
    whole = types.SimpleNamespace(projector=lambda x: x, backbone=lambda x: x, num_features=e, args=types.SimpleNamespace(batch_size=b, sim_coeff=25., std_coeff=25., cov_coeff=1.))
    same(VICRegOfficial.forward(whole, case.inputs["z1"], case.inputs["z2"]), case.t["vicreg"], what="official VICReg")
    case.save(oracle="lightly VICRegLoss (= facebookresearch/vicreg); solo: solo-learn, whose variance term is twice as large; vibcreg: solo-learn, correlations instead of covariances, divided by D^2",
              note="unbiased variance and covariance; sqrt(var + 1e-4); hinge at 1; MSE over all elements")

if begin("loss_swav"):
    K, m, t, eps = 7 - size, 2 * n, .1, .05; P = normalize(randn(K, d)); score = lambda rows_: normalize(randn(rows_, d)) @ P.T
    case = Case("loss_swav", high1=score(n), high2=score(n), low1=score(n), low2=score(n), queue1=score(m), queue2=score(m)); crops = ("high1", "high2", "low1", "low2")
    a = {k: v.numpy() for k, v in case.inputs.items()}
    codes = [n_sinkhorn(a[k], eps) for k in crops[:2]]; with_queue = [n_sinkhorn(np.concatenate([a[k], a[q]]), eps)[:n] for k, q in (("high1", "queue1"), ("high2", "queue2"))]
    case.add("swav", lambda high1, high2, low1, low2, **_: SwaVLoss()([high1, high2], [low1, low2]), lambda high1, high2, low1, low2, **_: n_swav((high1, high2, low1, low2), codes, t), crops)
    case.add("two_crops", lambda high1, high2, **_: SwaVLoss()([high1, high2], []), lambda high1, high2, **_: n_swav((high1, high2), codes, t), crops[:2])
    case.add("with_queue", lambda high1, high2, low1, low2, queue1, queue2: SwaVLoss()([high1, high2], [low1, low2], [queue1, queue2]),
             lambda high1, high2, low1, low2, **_: n_swav((high1, high2, low1, low2), with_queue, t), crops)
    sinkhorn = borrow("swav/main_swav.py", "distributed_sinkhorn", args=types.SimpleNamespace(epsilon=eps, sinkhorn_iterations=3, world_size=1))
    for i, k in enumerate(crops[:2]):
        q = sinkhorn(case.inputs[k]); same(q, codes[i], what="official Sinkhorn"); same(solo.sinkhorn(3, eps)(case.inputs[k]), codes[i]); case.t[f"code{i + 1}"] = q
        q = sinkhorn(torch.cat([case.inputs[f"queue{i + 1}"], case.inputs[k]]))[-n:]; same(q, with_queue[i]); case.t[f"code{i + 1}_with_queue"] = q
    for r in (1, 5): case.t[f"code1_after_{r}_iterations"] = q = solo.sinkhorn(r, eps)(case.inputs["high1"]); same(q, n_sinkhorn(a["high1"], eps, r))
    same(solo.swav([case.inputs[k] for k in crops], [torch.from_numpy(q) for q in codes], t), case.t["swav"], what="solo-learn SwAV")
    case.save(oracle="lightly SwaVLoss; codes: facebookresearch/swav distributed_sinkhorn (solo-learn agrees)", temperature=t, epsilon=eps, iterations=3,
              note="scores are cosines with unit prototypes, (n, K); codes have no gradient; mean over assigning crops of the mean over the other crops")

if begin("loss_dino"):
    K, epochs = 8 - size, (0, 1, 4); case = Case("loss_dino", **{f"student{c}_{v}": randn(n, K) for c in range(3) for v in range(4)}, **{f"teacher{c}_{v}": randn(n, K) + 1 for c in range(3) for v in range(2)})
    warm, last, warmup = (.04, .07, 3) if size == 0 else (.03, .05, 4); momentum = .9 if size == 0 else .8
    official = DINOOfficialLoss(K, 4, warm, last, warmup, 6, student_temp=.1, center_momentum=momentum)
    others = [DINOLoss(K, warm, last, warmup, .1, momentum), solo.dino(K, warm, last, warmup, 6, .1, 4, momentum)]; centre = np.zeros(K)
    for c, epoch in enumerate(epochs):
        s, t_ = [f"student{c}_{v}" for v in range(4)], [f"teacher{c}_{v}" for v in range(2)]; tt = np.linspace(warm, last, warmup)[epoch] if epoch < warmup else last
        q = [softmax((array(case.inputs[k]) - centre) / tt) for k in t_]
        case.add(f"call{c}", lambda **x: official(torch.cat([x[k] for k in s]), torch.cat([x[k] for k in t_]), epoch), lambda **x: n_dino([x[k] for k in s], q, .1), s)
        centre = momentum * centre + (1 - momentum) * np.concatenate([array(case.inputs[k]) for k in t_]).mean(0)
        same(official.center, centre); case.t[f"centre{c}"] = official.center.clone(); others[1].epoch = epoch
        same(others[0]([case.inputs[k] for k in t_], [case.inputs[k] for k in s], epoch=epoch), case.t[f"call{c}"], what="lightly DINO"); same(others[0].center, centre)
        same(others[1](torch.cat([case.inputs[k] for k in s]), torch.cat([case.inputs[k] for k in t_])), case.t[f"call{c}"], what="solo-learn DINO")
    case.save(oracle="facebookresearch/dino DINOLoss (lightly and solo-learn agree)", epochs=list(epochs), warmup_teacher_temperature=warm, teacher_temperature=last, warmup_epochs=warmup, student_temperature=.1, centre_momentum=momentum,
              note="three calls with one centre, which begins at 0 and moves after each; views 0 and 1 are the global ones; linspace over the warm-up epochs")

if begin("loss_ibot"):
    b, h, K, Kp = 3 + size, 3 + size, 7, 6 + size; L = h * h
    case = Case("loss_ibot", student_cls=randn(2 * b, K), student_local=randn(2 * b, K), teacher_cls=randn(2 * b, K), student_patch=randn(2 * b, L, Kp), teacher_patch=randn(2 * b, L, Kp), centre=.1 * randn(1, K), centre_patch=.1 * randn(1, 1, Kp))
    mask = torch.rand(2 * b, h, h) < .4; mask[1] = False; mask[2, 0, 0] = True; case.t["mask"] = mask; a = {k: v.numpy() for k, v in case.inputs.items()}; flat = mask.flatten(1).numpy(); tc, tp = .05, .06
    def official():
        f = iBOTLoss(K, Kp, 2, 2, tc, tc, tp, tp, 1, 2, student_temp=.1, center_momentum=.9, center_momentum2=.8); f.center, f.center2 = case.inputs["centre"].clone(), case.inputs["centre_patch"].clone(); return f
    def call(key, f=None, **x): return (f or official())((x["student_cls"], x["student_patch"]), (x["teacher_cls"], x["teacher_patch"]), x["student_local"], mask.split(b), 1)[key]
    q, p = softmax((a["teacher_cls"] - a["centre"]) / tc), softmax((a["teacher_patch"] - a["centre_patch"]) / tp); cut = lambda x, k: np.split(x, k)
    n_cls = lambda student_cls, student_local, **_: n_dino(cut(student_cls, 2) + cut(student_local, 2), cut(q, 2), .1)
    n_patch = lambda student_patch, **_: n_patches(student_patch, p, flat, .1)
    case.add("cls", partial(call, "cls"), n_cls, ("student_cls", "student_local")); case.add("patch", partial(call, "patch"), n_patch, ("student_patch",))
    case.add("total", partial(call, "loss"), lambda **x: n_cls(**x) + n_patch(**x), ("student_cls", "student_local", "student_patch"))
    f = official(); call("loss", f, **case.inputs); case.t.update(centre_after=f.center, centre_patch_after=f.center2)
    same(f.center, .9 * a["centre"] + .1 * a["teacher_cls"].mean(0)); same(f.center2, .8 * a["centre_patch"] + .2 * a["teacher_patch"].mean((0, 1)))
    lightly_patch = IBOTPatchLoss(Kp, tp, .1, center_momentum=.8); lightly_patch.center.center = case.inputs["centre_patch"][0].clone(); chosen = mask.flatten(1)
    same(lightly_patch(case.inputs["teacher_patch"][chosen], case.inputs["student_patch"][chosen], mask), case.t["patch"], what="lightly iBOT")
    case.t["centre_patch_after_masked_only"] = lightly_patch.center.value; same(lightly_patch.center.value, .8 * a["centre_patch"] + .2 * a["teacher_patch"][flat].mean(0))
    v2 = dinov2.loss.iBOTPatchLoss(Kp); same(v2.forward_masked(case.inputs["student_patch"][chosen], torch.from_numpy(p)[chosen], chosen), case.t["patch"], what="DINOv2 iBOT")
    case.save(oracle="bytedance/ibot iBOTLoss; patch: lightly IBOTPatchLoss and DINOv2 agree; centre_patch_after_masked_only: lightly and DINOv2, who average the masked tokens only", student_temperature=.1, teacher_temperature=tc, teacher_patch_temperature=tp,
              centre_momentum=.9, centre_patch_momentum=.8, note="rows: view 1's images, then view 2's; an image without a masked patch counts as 0 in the mean; local crops have a cls only")

if begin("loss_koleo"):
    x = randn(6 + size, d); surely_nearest((normalize(x) @ normalize(x).T).fill_diagonal_(-2)); case = Case("loss_koleo", x=x)
    case.add("koleo", lambda x: KoLeoLoss()(x), n_koleo, ("x",)); same(dinov2.loss.KoLeoLoss()(x), case.t["koleo"], what="DINOv2 KoLeo")
    case.save(oracle="lightly KoLeoLoss (= DINOv2)", epsilon=1e-8, note="-mean log(|u - nearest + eps| + eps), eps added to every component of the difference; gradients through both")

if begin("loss_dino_v2"):
    b, h, K = 3 + size, 3, 7; L = h * h; tt = .07 if size == 0 else .05
    case = Case("loss_dino_v2", student1=randn(b, K), student2=randn(b, K), local1=randn(b, K), local2=randn(b, K), teacher=.3 * randn(2 * b, K), student_patch=randn(2 * b, L, K), teacher_patch=.3 * randn(2 * b, L, K))
    mask = torch.rand(2 * b, L) < .4; mask[1] = False; mask[2, 0] = True; case.t["mask"] = mask; a = {k: v.numpy() for k, v in case.inputs.items()}
    cls, patches = dinov2.loss.DINOLoss(K), dinov2.loss.iBOTPatchLoss(K)
    q = cls.sinkhorn_knopp_teacher(case.inputs["teacher"], tt); same(q, n_sinkhorn(a["teacher"], tt)); q1, q2 = q.chunk(2); nq = [array(q1), array(q2)]
    p = patches.sinkhorn_knopp_teacher(case.inputs["teacher_patch"][mask], tt, torch.tensor(int(mask.sum()))); same(p, n_sinkhorn(a["teacher_patch"][mask.numpy()], tt))
    whole = np.zeros_like(a["teacher_patch"]); whole[mask.numpy()] = array(p); case.t.update(codes=q, patch_codes=p)
    def total(student1, student2, local1, local2, **_):  # the weights of ssl_meta_arch: a sum of pairs, over their number
        pairs = 2 + 2 * 2; return (cls([local1, local2], [q1, q2]) + 2 * cls([torch.cat([student1, student2])], [torch.cat([q2, q1])])) / pairs
    names = ("student1", "student2", "local1", "local2")
    case.add("cls", total, lambda student1, student2, local1, local2, **_: n_dino([student1, student2, local1, local2], nq, .1), names)
    case.add("patch", lambda student_patch, **_: patches.forward_masked(student_patch[mask], p, mask), lambda student_patch, **_: n_patches(student_patch, whole, mask.numpy(), .1), ("student_patch",))
    case.save(oracle="facebookresearch/dinov2 DINOLoss.sinkhorn_knopp_teacher, iBOTPatchLoss.sinkhorn_knopp_teacher, forward_masked", teacher_temperature=tt, student_temperature=.1, iterations=3,
              note="Sinkhorn over both global views' rows together, over all masked patches together; no centre; cls = mean over the pairs of different crops, as in DINO")

if begin("loss_lejepa"):
    M, D, lam = 5 + size, 6, .05 if size == 0 else .02; A = randn(D, M); A = A / A.norm(dim=0); case = Case("loss_lejepa", global1=1.5 * randn(n, D), global2=randn(n, D) + .3, local1=randn(n, D), local2=randn(n, D))
    case.t["directions"] = A; names = ("global1", "global2", "local1", "local2"); stack = lambda x, f: f([x[k] for k in names])
    def peer(lam):
        f = LeJEPALoss(lambda_param=lam, sigreg_num_vectors=M); s = f.sigreg; t = torch.linspace(0, 3, 17); phi = torch.exp(-t * t / 2); w = torch.full((17,), 2 * 3 / 16); w[[0, -1]] = 3 / 16
        s.t, s.phi, s.weights, s._generate_unit_vectors = t, phi, w * phi, lambda *a: A  # lightly keeps them in single precision
        return lambda **x: f(global_proj=torch.stack([x["global1"], x["global2"]]), local_proj=torch.stack([x["local1"], x["local2"]]))
    for label, l in (("lejepa", lam), ("sigreg", 1.), ("invariance", 0.)): case.add(label, peer(l), lambda **x: n_lejepa(stack(x, np.stack), 2, A.numpy(), l), names)
    plain = LeJEPALoss(lambda_param=lam, sigreg_num_vectors=M); plain.sigreg._generate_unit_vectors = lambda *a: A
    rounding = abs(plain(global_proj=torch.stack([case.inputs[k] for k in names[:2]]), local_proj=torch.stack([case.inputs[k] for k in names[2:]])).item() / case.t["lejepa"].item() - 1); assert rounding < 1e-6
    test = lejepa.univariate.EppsPulley(n_points=17); test.t = torch.linspace(0, 3, 17); test.phi = torch.exp(-test.t**2 / 2); w = torch.full((17,), 2 * 3 / 16); w[[0, -1]] = 3 / 16; test.weights = w * test.phi
    same(test(torch.stack([case.inputs[k] for k in names]) @ A).mean(), case.t["sigreg"], what="lejepa's own SIGReg")
    together = torch.cat([case.inputs[k] for k in names]); case.t["sigreg_of_all_views_together"] = test(together @ A).mean().reshape(1); same(case.t["sigreg_of_all_views_together"], n_sigreg(array(together), A.numpy()))
    case.save(oracle="lightly LeJEPALoss (its SIGReg in double precision), rbalestr-lab/lejepa agrees; sigreg_of_all_views_together: what stable-pretraining takes instead", lam=lam, knots=17, t_max=3, slices=M, lightly_single_precision_is_apart=rounding,
              note="(1-lam) mean((z - mean of global z)^2) + lam SIGReg, a statistic per view and slice, averaged; directions (D, M), unit columns")

if begin("loss_tico"):
    beta, rho = (.9, 8.) if size == 0 else (.8, 20.); case = Case("loss_tico", **{f"z{v}_{c}": randn(n, d) for c in range(2) for v in (1, 2)}); f, C = TiCoLoss(beta, rho), np.zeros((d, d))
    for c in range(2):
        u = unit(array(case.inputs[f"z1_{c}"])); C = beta * C + (1 - beta) * u.T @ u / n
        case.add(f"call{c}", lambda **x: f(x[f"z1_{c}"], x[f"z2_{c}"]), lambda **x: n_tico(x[f"z1_{c}"], x[f"z2_{c}"], C, rho), (f"z1_{c}", f"z2_{c}")); same(f.C, C); case.t[f"covariance{c}"] = f.C.clone()
    case.save(oracle="lightly TiCoLoss", beta=beta, rho=rho, note="two calls with one covariance, which begins at 0, moves before it is used and has no gradient; grad.z2_* is what reaches the second argument if it is not detached")

if begin("loss_supcon"):
    case = Case("loss_supcon", z1=randn(n, d), z2=randn(n, d)); labels = torch.tensor([0, 1, 0, 2, 1, 1][:n]); case.t["labels"] = labels; both = ("z1", "z2"); twice_ = np.tile(labels.numpy(), 2)
    for t, base in ((.1, .1), (.5, .5), (.1, .07)):
        case.add(f"supcon_{t}_base_{base}", lambda z1, z2: SupConLoss(temperature=t, base_temperature=base)(torch.stack([normalize(z1), normalize(z2)], 1), labels),
                 lambda z1, z2: n_supcon(np.concatenate([z1, z2]), twice_, t, base), both)
    def inside(z1, z2, t=.1):
        u = unit(np.concatenate([z1, z2])); s = np.exp(u @ u.T / t); np.fill_diagonal(s, 0); return -np.mean(np.log((s * (twice_[:, None] == twice_)).sum(1) / s.sum(1)))
    case.add("solo_0.1", lambda z1, z2: solo.supcon(torch.cat([z1, z2]), labels.repeat(2), .1), inside, both)
    case.save(oracle="HobbitLong/SupContrast SupConLoss (the mean outside the logarithm, eq. 2); solo_0.1: solo-learn's SupCon, the sum inside the logarithm", note="rows: view 1's images, then view 2's; the factor t/base multiplies the loss")

if begin("loss_feature_regression"):
    case = Case("loss_feature_regression", prediction=2 * randn(3, 4 + size, 6), feature=3 * randn(3, 4 + size, 6) + 1); goal = F.layer_norm(case.inputs["feature"], (6,)); same(goal, n_layer_norm(array(case.inputs["feature"]))); case.t["goal"] = goal
    assert ((case.inputs["prediction"] - goal).abs() > 1).any() and ((case.inputs["prediction"] - goal).abs() < 1).any()
    case.add("smooth_l1", lambda prediction, **_: F.smooth_l1_loss(prediction, goal), lambda prediction, **_: n_smooth_l1(prediction, goal.numpy()), ("prediction",))
    case.add("squares", lambda prediction, **_: F.mse_loss(prediction, goal), lambda prediction, **_: ((prediction - goal.numpy()) ** 2).mean(), ("prediction",))
    case.save(oracle="torch smooth_l1_loss, layer_norm as facebookresearch/ijepa calls them", note="goal = layer norm of the feature without affine, eps 1e-5; beta 1; mean over all elements")

if begin("loss_msn"):
    K, b = 7, 4 + size; case = Case("loss_msn", anchors=randn(2 * b, d), targets=randn(b, d), prototypes=randn(K, d)); a = {k: v.numpy() for k, v in case.inputs.items()}; t, sharp = .1, .25
    p = softmax(unit(a["targets"]) @ unit(a["prototypes"]).T / t) ** (1 / sharp); p /= p.sum(1, keepdims=True); official, _ = borrow("msn/src/losses.py", "init_msn_loss", "distributed_sinkhorn", logger=logging.getLogger(), AllReduce=types.SimpleNamespace(apply=lambda x: x)); official = official(num_views=2, tau=t)
    for label, iterations, weight in (("msn", 0, 1.), ("sinkhorn", 3, 5.)):
        q = np.tile(n_sinkhorn(np.log(p), 1., 3) if iterations else p, (2, 1))
        def formula(anchors, prototypes, **_):
            x = unit(anchors) @ unit(prototypes).T / t; mean = softmax(x).mean(0); return np.mean(cross(q, x)) + weight * (math.log(K) + (mean * np.log(mean)).sum())
        case.add(label, lambda anchors, targets, prototypes: MSNLoss(t, iterations, weight)(anchors, targets, prototypes, sharp), formula, ("anchors", "prototypes")); case.t[f"{label}.targets"] = torch.from_numpy(q)
        l, r, *_ = official(case.inputs["anchors"], case.inputs["targets"], case.inputs["prototypes"], torch.eye(K), T=sharp, use_sinkhorn=iterations > 0); same(l + weight * r, case.t[label], what="official MSN")
    case.save(oracle="lightly MSNLoss (= facebookresearch/msn)", temperature=t, sharpening=sharp, weights={"msn": 1., "sinkhorn": 5.}, note="anchors: view 1's images, then view 2's; targets have no gradient; + weight (log K - entropy of the mean prediction)")

if begin("loss_wmse"):
    b, e = 12 + 2 * size, 4; case = Case("loss_wmse", z1=randn(b, e), z2=randn(b, e)); both = ("z1", "z2")
    case.add("wmse", lambda z1, z2: WMSELoss(embedding_dim=e, w_size=b, num_samples=2)(torch.cat([z1, z2])), lambda z1, z2: 2 - 2 * n_cos(n_whiten(z1), n_whiten(z2)), both)
    case.t["whitened1"] = torch.from_numpy(n_whiten(array(case.inputs["z1"])))
    case.save(oracle="lightly WMSELoss with the whole batch as one sub-batch", note="each view whitened by the inverse of the Cholesky factor of its covariance (n-1), then 2 - 2 cos; gradients through the whitening of both")

if begin("loss_align_uniform"):
    case = Case("loss_align_uniform", z1=randn(n, d), z2=randn(n, d)); both = ("z1", "z2")
    def uniform(u, t): i, j = np.triu_indices(len(u), 1); return math.log(np.mean(np.exp(-t * ((u[i] - u[j]) ** 2).sum(1))))
    for t, lam in ((1., 1.), (2., .5)):
        case.add(f"t_{t}_weight_{lam}", lambda z1, z2: HypersphereLoss(t=t, lam=lam)(z1, z2), lambda z1, z2: ((unit(z1) - unit(z2)) ** 2).sum(1).mean() + lam * (uniform(unit(z1), t) + uniform(unit(z2), t)) / 2, both)
    case.save(oracle="lightly HypersphereLoss", note="mean |u-v|^2 + weight/2 (log mean over pairs i<j exp(-t |u_i-u_j|^2) + the same of v)")

if begin("loss_frossl"):
    case = Case("loss_frossl", z1=randn(n, d), z2=randn(n, d)); both = ("z1", "z2")
    def frossl(z1, z2):
        u, v = unit(z1, 0), unit(z2, 0); m = (u + v) / 2; return sum(2 * math.log(np.linalg.norm(x.T @ x / d)) + 2 * ((x - m) ** 2).sum() / n for x in (u, v))
    case.add("frossl", lambda z1, z2: FroSSLLoss()([z1, z2]), frossl, both)
    case.save(oracle="lightly FroSSLLoss", note="columns of unit length; per view log |C|_F^2 of the covariance of trace 1, plus V D mean((z - mean view)^2)")

if begin("loss_ressl"):
    K = 3 * n; case = Case("loss_ressl", q=randn(n, d), k=randn(n, d), queue=normalize(randn(K, d)))
    case.add("ressl", lambda q, k, queue: solo.ressl(normalize(q), normalize(k), queue, .1, .04), lambda q, k, queue: np.mean(cross(softmax(unit(k) @ queue.T / .04), unit(q) @ queue.T / .1)), ("q",))
    case.save(oracle="solo-learn ressl_loss_func", temperature_q=.1, temperature_k=.04, note="cross-entropy between the similarities of key and query to the queue; the key has no gradient")

# ------------------------------------------------------------------------------------------------ heads
def head(name, net, x, modules, rename=lambda k: f"layers.{k}", call=None, **meta):
    """Training-mode and inference-mode forward, gradients of a fixed linear functional of the (last) output; modules(net) is what numpy computes."""
    perturb(net, .1); unit_gain(net); call = call or (lambda x: net(x)); x = x.clone().requires_grad_(); first = lambda y: y if isinstance(y, tuple) else (y,)
    t = {"input": x.detach().clone(), **state("before", net, rename)}; net.eval()
    for i, y in enumerate(first(call(x))): t[f"inference{i or ''}"] = y.detach().clone()
    net.train(); expected = modules(net, array(x)); ys = first(call(x)); total = 0.
    for i, y in enumerate(ys):
        same(y, first(expected)[i], what=name); c = torch.randn_like(y); total = total + (c * y).sum(); t.update({f"train{i or ''}": y, f"cotangent{i or ''}": c})
    total.backward(); t.update({"grad.input": x.grad, **grads("grad", net, rename), **{k: v for k, v in state("after", net, rename).items() if "running" in k}})
    save(name, t, **meta)
plain_layers = lambda net, x: n_layers(list(net.layers if hasattr(net, "layers") else net), x)
of_lightly = lambda k: k
X, B = FEATURES, 5 + size
mlp3 = lambda seq: (lambda k: f"layers.{k}")

if begin("head_moco_v2"): head("head_moco_v2", heads.MoCoProjectionHead(X, 16, 8), randn(B, X), plain_layers, of_lightly, oracle="lightly MoCoProjectionHead (= official mlp)", note="linear with bias - ReLU - linear with bias")
build = partial(MoCoV3._build_mlp, None)
if begin("head_moco_v3_projector"): head("head_moco_v3_projector", build(2, X, 24, 8), randn(B, X), plain_layers, oracle="facebookresearch/moco-v3 _build_mlp(2, ..)", note="ResNet: two linear layers without bias, BN-ReLU between, BN without affine at the end")
if begin("head_moco_v3_predictor"): head("head_moco_v3_predictor", build(2, 8, 24, 8, False), randn(B, 8), plain_layers, oracle="facebookresearch/moco-v3 _build_mlp(2, .., last_bn=False)", note="ResNet: no BN at the end")
if begin("head_moco_v3_vit_projector"): head("head_moco_v3_vit_projector", build(3, X, 24, 8), randn(B, X), plain_layers, oracle="facebookresearch/moco-v3 _build_mlp(3, ..)", note="ViT: three linear layers without bias")
if begin("head_simsiam_projector"): head("head_simsiam_projector", heads.SimSiamProjectionHead(X, 12, 10), randn(B, X), plain_layers, of_lightly, oracle="lightly SimSiamProjectionHead", note="three linear layers without bias, BN after each, the last without affine and ReLU")
if begin("head_simsiam_predictor"): head("head_simsiam_predictor", heads.SimSiamPredictionHead(10, 6, 10), randn(B, 10), plain_layers, of_lightly, oracle="lightly SimSiamPredictionHead", note="bottleneck; no bias in front of BN, bias at the end")
if begin("head_barlow_twins"):
    net = heads.ProjectionHead([(X, 12, nn.BatchNorm1d(12), nn.ReLU()), (12, 12, nn.BatchNorm1d(12), nn.ReLU()), (12, 10, None, None, False)])
    head("head_barlow_twins", net, randn(B, X), plain_layers, of_lightly, oracle="lightly ProjectionHead as the official projector has it", note="three linear layers without bias; lightly's BarlowTwinsProjectionHead has a bias at the end, whose gradient is 0")
if begin("head_vicreg"): head("head_vicreg", VICRegProjector(types.SimpleNamespace(mlp="12-12-10"), X), randn(B, X), plain_layers, oracle="facebookresearch/vicreg Projector", note="linear with bias - BN - ReLU twice, linear without bias")
if begin("head_nnclr_projector"): head("head_nnclr_projector", heads.NNCLRProjectionHead(X, 12, 8), randn(B, X), plain_layers, of_lightly, oracle="lightly NNCLRProjectionHead", note="as SimSiam's, the last BN with affine")
if begin("head_nnclr_predictor"): head("head_nnclr_predictor", heads.NNCLRPredictionHead(8, 12, 8), randn(B, 8), plain_layers, of_lightly, oracle="lightly NNCLRPredictionHead")
if begin("head_lejepa"): head("head_lejepa", heads.LeJEPAProjectionHead(X, 12, 6), randn(B, X), plain_layers, of_lightly, oracle="lightly LeJEPAProjectionHead")

class SwAVNet(nn.Module):
    """The official network with another backbone; forward, forward_head are theirs."""
    def __init__(self, backbone, hidden, dim, prototypes):
        super().__init__(); self.backbone = backbone; self.projection_head = nn.Sequential(nn.Linear(FEATURES, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, dim))
        self.prototypes, self.l2norm = nn.Linear(dim, prototypes, bias=False), True
    forward_backbone = lambda self, x: self.backbone(x)
    forward, forward_head = SwAVResNet.forward, SwAVResNet.forward_head
swav_names = lambda k: k.replace("projection_head.", "projection_head.layers.")
def unit_prototypes(net):
    with torch.no_grad(): net.prototypes.weight.copy_(F.normalize(net.prototypes.weight.data.clone(), dim=1, p=2))
if begin("head_swav"):
    net = SwAVNet(nn.Identity(), 24, 8, 12 - 2 * size); net.backbone = nn.Identity()
    raw = net.prototypes.weight.data.mul_(3).clone()
    def swav_head(x): unit_prototypes(net); return net.forward_head(x)
    def n_swav_head(net, x): z = unit(n_layers(list(net.projection_head), x)); return z, z @ unit(array(net.prototypes.weight)).T
    head("head_swav", net, randn(B, X), n_swav_head, swav_names, swav_head, oracle="facebookresearch/swav forward_head; prototypes normalised first, in place", note="train, inference: the unit embedding; train1, inference1: its scores; linear layers with bias, prototypes without; before.prototypes.weight is not of unit length yet, gradients are at the normalised rows")

dino_names = lambda k: k.replace("head.", "", 1).replace("mlp.", "layers.") if k.startswith("head.") else k.replace("mlp.", "layers.") if k.startswith("mlp.") else k
def n_weight_norm(layer): v = array(layer.weight_v); return array(layer.weight_g) * unit(v)
def n_dino_head(net, x): return unit(n_layers(list(net.mlp), x)) @ n_weight_norm(net.last_layer).T
for label, kw in (("head_dino", dict(norm_last_layer=True)), ("head_dino_free_gain", dict(norm_last_layer=False)), ("head_dino_batch_norm", dict(use_bn=True))):
    if begin(label): head(label, DINOHead(X, 12 - size, hidden_dim=14, bottleneck_dim=6, **kw), randn(B, X), n_dino_head, dino_names, oracle="facebookresearch/dino DINOHead", norm_last_layer=kw.get("norm_last_layer", True),
        note="linear-GELU twice, linear, l2 norm, rows g v/|v|; weight_g has no gradient where norm_last_layer" + ("; BN between linear (with bias) and GELU" if "use_bn" in kw else ""))
if begin("head_ibot"):
    net = iBOTHead(X, 12, patch_out_dim=9 + size, hidden_dim=14, bottleneck_dim=6, norm_last_layer=False, shared_head=False)
    def n_ibot_head(net, x): z = unit(n_layers(list(net.mlp), x)); return z[:, 0] @ n_weight_norm(net.last_layer).T, z[:, 1:] @ n_weight_norm(net.last_layer2).T
    head("head_ibot", net, randn(B, 1 + 4, X), n_ibot_head, dino_names, oracle="bytedance/ibot iBOTHead, shared_head=False", note="input: tokens (B, 1+T, D); one MLP, last_layer for the class token, last_layer2 for the patches (train1)")

# ------------------------------------------------------------------------------------------------ positions, schedules, masks
if begin("position_interpolation"):
    g, D = 4 + size, 6; table = randn(1, 1 + g * g, D); t = {"table": table}
    def vit(kind): return types.SimpleNamespace(pos_embed=nn.Parameter(table.clone()), patch_embed=types.SimpleNamespace(patch_size=1), patch_size=1, interpolate_offset=kind.get("offset", 0.), interpolate_antialias=kind.get("antialias", False))
    V2 = dinov2.models.vision_transformer.DinoVisionTransformer
    variants = {"dino": (DINOViT, {}, .1, False), "dinov2_antialias": (V2, dict(antialias=True), 0., True), "dinov2_plain": (V2, {}, 0., False)}
    for m in (2, 3, g + 2):
        for label, (cls, kind, offset, aa) in variants.items():
            net = vit(kind); y = cls.interpolate_pos_encoding(net, torch.zeros(1, 1 + m * m, D), m, m); c = torch.randn_like(y); (y * c).sum().backward()
            w = n_resize_matrix(g, m, g / (m + offset) if offset else g / m, aa); same(y[0, 1:], np.einsum("ir,jc,rcd->ijd", w, w, table[0, 1:].numpy().reshape(g, g, D)).reshape(m * m, D), 1e-9, what=label); same(y[0, 0], table[0, 0])
            t.update({f"{label}_{m}": y, f"{label}_{m}.cotangent": c, f"{label}_{m}.grad": net.pos_embed.grad})
        y = resample_abs_pos_embed(table, (m, m), num_prefix_tokens=1); same(y, t[f"dinov2_antialias_{m}"], 1e-6, what="timm"); t[f"timm_{m}"] = y
    save("position_interpolation", t, from_side=g, to_sides=[2, 3, g + 2], oracle="dino: facebookresearch/dino interpolate_pos_encoding (iBOT, DINOv2's default are the same); dinov2_antialias, dinov2_plain: DINOv2 with interpolate_offset 0; timm: resample_abs_pos_embed",
         note="the class token's row stays; dino: bicubic a=-.75, source coordinate (i+.5) g/(m+.1) - .5, border repeated; antialias: a=-.5, kernel widened by g/m when smaller, taps outside left out")

if begin("schedules"):
    t, E, I, W = {}, 6 + size, 4, 2; steps = E * I; k = np.arange(steps)
    def cosine_to(a, b, x): return b + (a - b) * .5 * (1 + np.cos(np.pi * x))
    def put_schedule(name, values, formula=None):
        t[name] = torch.tensor([float(v) for v in values]); same(t[name], formula, 1e-12, what=name)
    class Opt:  # what the peers' schedulers write into
        def __init__(self, groups=1): self.param_groups = [dict(lr=0., weight_decay=0.) for _ in range(groups)]
    ramp = lambda base, end: np.concatenate([np.linspace(0, base, W * I), cosine_to(base, end, np.arange(steps - W * I) / (steps - W * I))])
    put_schedule("dino_rate", dino_utils.cosine(.5, 1e-3, E, I, W), ramp(.5, 1e-3)); put_schedule("dino_weight_decay", dino_utils.cosine(.04, .4, E, I), cosine_to(.04, .4, k / steps)); put_schedule("dino_momentum", dino_utils.cosine(.996, 1, E, I), cosine_to(.996, 1, k / steps))
    put_schedule("dino_teacher_temperature_by_epoch", DINOOfficialLoss(4, 4, .04, .07, 3, E).teacher_temp_schedule, np.concatenate([np.linspace(.04, .07, 3), np.full(E - 3, .07)]))
    c = dinov2.utils.utils.CosineScheduler(.07, .07, 3 * I, 3 * I, .04); put_schedule("dinov2_teacher_temperature", [c[i] for i in range(steps)], np.concatenate([np.linspace(.04, .07, 3 * I), np.full(steps - 3 * I, .07)]))
    o = Opt(); s = IJEPARate(o, W * I, 2e-4, 1e-3, steps, final_lr=1e-6); j = np.arange(1, steps + 1)
    put_schedule("ijepa_rate", [s.step() for _ in k], np.where(j < W * I, 2e-4 + (1e-3 - 2e-4) * j / (W * I), cosine_to(1e-3, 1e-6, (j - W * I) / (steps - W * I))))
    s = IJEPADecay(o, .04, steps, .4); put_schedule("ijepa_weight_decay", [s.step() for _ in k], cosine_to(.04, .4, j / steps)); put_schedule("ijepa_momentum", [.996 + i * (1 - .996) / steps for i in k], .996 + .004 * k / steps)
    a = types.SimpleNamespace(lr=.6, warmup_epochs=W, epochs=E, moco_m=.99, batch_size=256, learning_rate_weights=.2, learning_rate_biases=.0048, base_lr=.2)
    put_schedule("moco_v3_rate", [moco3_rate(o, i / I, a) for i in k], np.where(k < W * I, .6 * k / (W * I), cosine_to(.6, 0, (k / I - W) / (E - W)))); put_schedule("moco_v3_momentum", [moco3_momentum(i / I, a) for i in k], cosine_to(.99, 1, k / steps))
    a.epochs, loader, two = 16, range(1), Opt(2)  # ten epochs of warm-up are written into the code
    def barlow(i): barlow_rate(a, two, loader, i); return two.param_groups[0]["lr"], two.param_groups[1]["lr"]
    shape = np.concatenate([np.arange(10) / 10, (lambda q: q + .001 * (1 - q))(.5 * (1 + np.cos(np.pi * np.arange(6) / 6)))]); both = np.array([barlow(i) for i in range(16)])
    put_schedule("barlow_rate_weights_16_epochs_of_one_step", both[:, 0], .2 * shape); put_schedule("barlow_rate_biases_16_epochs_of_one_step", both[:, 1], .0048 * shape); put_schedule("vicreg_rate_16_epochs_of_one_step", [vicreg_rate(a, o, loader, i) for i in range(16)], .2 * shape)
    save("schedules", t, epochs=E, steps_per_epoch=I, warmup_epochs=W, oracle="dino cosine_scheduler, DINOLoss; dinov2 CosineScheduler; ijepa WarmupCosineSchedule, CosineWDSchedule and main's momentum; moco-v3, barlowtwins, vicreg adjust_learning_rate",
         dino=[.5, 1e-3], note="I-JEPA steps its schedulers before the optimizer: its first step has number 1; its momentum begins with number 0")

if begin("mask_samplers"):
    t, meta, real = {}, {}, torch.rand
    for h, patch in ((14, 16), (16, 14), (6, 4)):  # 224 pixels, and a small grid
        c = IJEPAMasks((h * patch,) * 2, patch, enc_mask_scale=(.85, 1.), pred_mask_scale=(.15, .2), aspect_ratio=(.75, 1.5), nenc=1, npred=4, min_keep=10 if h > 6 else 3); sizes = {"target": [], "context": []}
        for u in np.linspace(0, .999, 112):
            torch.rand = lambda *a, **k: torch.tensor([float(u)])
            sizes["target"].append(c._sample_block_size(None, (.15, .2), (.75, 1.5))); sizes["context"].append(c._sample_block_size(None, (.85, 1.), (1., 1.)))
            s, r = int(h * h * (.15 + u * (.2 - .15))), .75 + u * (1.5 - .75); e = [int(round(math.sqrt(s * r))), int(round(math.sqrt(s / r)))]; assert sizes["target"][-1] == tuple(min(x, h - 1) for x in e)
            s = int(h * h * (.85 + u * (1. - .85))); assert sizes["context"][-1] == (min(int(round(math.sqrt(s))), h - 1),) * 2
        torch.rand = real; t.update({f"ijepa_{h}.u": torch.linspace(0, .999, 112), **{f"ijepa_{h}.{k}_size": torch.tensor(v) for k, v in sizes.items()}})
        seen, kept, overlaps, target, context = [], [], 0, torch.zeros(h * h), torch.zeros(h * h)
        for _ in range(400):
            _, enc, pred = c([torch.zeros(1)] * 8)
            target.index_add_(0, torch.cat(pred).flatten(), torch.ones(torch.cat(pred).numel())); context.index_add_(0, enc[0].flatten(), torch.ones(enc[0].numel()))
            overlaps += sum(bool(set(enc[0][i].tolist()) & set(torch.cat([p[i] for p in pred]).tolist())) for i in range(8))  # only where a constraint had to be dropped
            assert all((m[:, 1:] > m[:, :-1]).all() for m in enc + pred); seen.append(enc[0].shape[1]); kept.append(pred[0].shape[1])
        t.update({f"ijepa_{h}.target_frequency": target.view(h, h) / (400 * 8 * 4), f"ijepa_{h}.context_frequency": context.view(h, h) / (400 * 8), f"ijepa_{h}.context_counts": torch.tensor(seen), f"ijepa_{h}.target_counts": torch.tensor(kept)})
        meta[f"ijepa_{h}"] = dict(target_tokens=[min(kept), max(kept)], context_tokens=[min(seen), float(np.mean(seen)), max(seen)], images_whose_context_overlaps_a_target=overlaps, last_row_and_column_are_targets=bool(target.view(h, h)[-1].any() or target.view(h, h)[:, -1].any()))
    class Images:  # stands for ImageFolder
        def __init__(self, views, h): self.views = [torch.zeros(3, h, h)] * views
        def __getitem__(self, i): return (self.views, 0)
    Masks = borrow("ibot/loader.py", "ImageFolderMask", ImageFolder=Images)
    for h, ratio, var in ((14, [0., .3], [0., .2]), (14, .3, 0.), (8, [0., .3], [0., .2])):
        label = f"ibot_{h}_{'mixed' if isinstance(ratio, list) else 'fixed'}"; m = Masks(2, h, patch_size=1, pred_ratio=ratio, pred_ratio_var=var, pred_aspect_ratio=(.3, 1 / .3)); m.set_epoch(0)
        drawn = np.array([np.stack(m[0][-1]) for _ in range(2000)]).reshape(4000, h, h); counts = drawn.sum((1, 2)); t[f"{label}.frequency"], t[f"{label}.counts"] = torch.from_numpy(drawn.mean(0)), torch.from_numpy(counts)
        high = (.5 if isinstance(ratio, list) else .3) * h * h; assert counts.max() <= high
        meta[label] = dict(pred_ratio=ratio, pred_ratio_var=var, never_above=high, none_masked=float((counts == 0).mean()), mean_of_the_others=float(counts[counts > 0].mean()), largest=int(counts.max()))
    g = dinov2.data.masking.MaskingGenerator((16, 16), max_num_patches=.5 * 256)
    for want in (26, 64, 128):
        counts = np.array([g(want).sum() for _ in range(1000)]); assert counts.max() <= want; t[f"dinov2_16_{want}.counts"] = torch.from_numpy(counts); meta[f"dinov2_16_{want}"] = dict(smallest=int(counts.min()), mean=float(counts.mean()), largest=int(counts.max()))
    save("mask_samplers", t, **meta, oracle="facebookresearch/ijepa MaskCollator (400 batches of 8), bytedance/ibot ImageFolderMask (4000 masks), facebookresearch/dinov2 MaskingGenerator (1000 each)",
         note="*_size: (h, w) for a draw u, exact; everything else is a sample: compare means within a few per cent and the bounds exactly")

# ------------------------------------------------------------------------------------------------ whole methods on the thin trunk
def together(**parts): return nn.ModuleDict(parts)
half_cosine = lambda k, K: .5 * (1 + math.cos(math.pi * k / K))
def set_rate(opt, *rates, decay=None):
    for i, g in enumerate(opt.param_groups):
        g["lr"] = rates[min(i, len(rates) - 1)]
        if decay is not None and i == 0: g["weight_decay"] = decay
embed = lambda m, x: m["projection_head"](m["backbone"](x))

class Run:
    """What every method's case holds: states before and after, inputs, losses, first gradients."""
    def __init__(self): self.t, self.losses, self.rates, self.rename = {}, [], [], lambda k: k
    def before(self, **parts): self.parts = parts; [self.t.update(state(f"before{k and '.' + k}", m, self.rename)) for k, m in self.named()]
    def named(self): return [("" if k == "all" else k, m) for k, m in self.parts.items()]
    def images(self, k, **views): self.t.update({f"{name}.{k}": v for name, v in views.items()})
    def learn(self, k, loss, opt, watched, before_step=None):
        """Backward, first gradients, one step that numpy checks."""
        opt.zero_grad(set_to_none=True); loss.backward()
        if before_step: before_step()
        if k == 0:
            [self.t.update(grads(f"grad{n and '.' + n}", m, self.rename)) for n, m in self.named()]; g = {n: v.abs().max().item() for n, v in self.t.items() if n.startswith("grad.")}
            self.vanishing = sorted(n[5:] for n, v in g.items() if v < 1e-12 * max(g.values()))
        watched.step(); self.losses.append(loss.item()); self.rates.append([g["lr"] for g in opt.param_groups])
    def end(self, **more):
        for k, m in self.named(): self.t.update(state(f"after{k and '.' + k}", m, self.rename))
        r = torch.tensor(self.rates); self.t.update(loss=torch.tensor(self.losses), rate=r[:, 0])
        return self.t, dict(vanishing_gradients=self.vanishing, **more)

def moco_v2(name, shake):
    K, t, m, lr, wd = 3 * N, (.2, .1)[size], (.9, .97)[size], (.3, .2)[size], (1e-4, 5e-4)[size]; r = Run()
    online = together(backbone=Trunk(), projection_head=heads.MoCoProjectionHead(FEATURES, 16, 8)); perturb(online); target = apart(online); shaken(online, shake); shaken(target, shake)
    crit = NTXentLoss(temperature=t, memory_bank_size=(K, 8)); crit.memory_bank.bank = queue = normalize(randn(K, 8)); queue = array(queue).copy()
    opt = torch.optim.SGD(online.parameters(), lr=lr, momentum=.9, weight_decay=wd); w = Watched(opt, n_sgd); r.before(online=online, target=target); r.t["before.queue"] = crit.memory_bank.bank.clone()
    for k in range(10):
        a, b = pair(N, 3, SIDE, SIDE); r.images(k, view1=a, view2=b); follow(online, target, m); set_rate(opt, lr * half_cosine(k, 10))
        q = embed(online, a)
        with torch.no_grad(): key = embed(target, b)
        loss = crit(q, key); same(loss, n_queue(array(q), array(key), queue, t)); at = k * N % K; queue[at:at + N] = unit(array(key)); same(crit.memory_bank.bank, queue); r.learn(k, loss, opt, w)
    r.t["after.queue"] = crit.memory_bank.bank
    return r.end(temperature=t, momentum=.9, weight_decay=wd, learning_rate=lr, target_momentum=m, queue=K, queue_position_after=10 * N % K)
settle("moco_v2_ten_steps", moco_v2, 10, oracle="lightly NTXentLoss with memory bank, MoCoProjectionHead, update_momentum; torch SGD", decayed="everything", schedule="lr*0.5*(1+cos(pi*k/10))",
       order="target follows; view 1 through the online network, view 2 through the target, in training mode; loss against the old queue; keys (unit rows) into the queue at the position, which goes on by N; step")

def moco_v3(name, shake):
    t, m0, lr, wd = (1., .2)[size], (.9, .97)[size], (.6, .4)[size], (1e-4, 1e-6)[size]; r = Run()
    net = MoCoV3ResNet(lambda num_classes: Trunk(num_classes=num_classes), dim=8, mlp_dim=24, T=t); perturb(net)
    for p in net.momentum_encoder.parameters(): p.add_(.02 * torch.randn_like(p))
    shaken(net, shake); opt = MoCoV3LARS(net.parameters(), lr, weight_decay=wd, momentum=.9); w = Watched(opt, n_lars, lambda p: p.ndim > 1)
    args = types.SimpleNamespace(lr=lr, warmup_epochs=2, epochs=10, moco_m=m0); r.rename = lambda k: k.replace("fc.", "projection_head.layers.") if k.startswith("fc.") else f"backbone.{k}"
    r.before(online=net.base_encoder, target=net.momentum_encoder); predictor = lambda p: state(p, net.predictor, lambda k: f"prediction_head.layers.{k}"); r.t.update(predictor("before")); seen = {}
    for f in ("base_encoder", "momentum_encoder"): getattr(net, f).register_forward_hook(lambda mod, i, o, f=f: seen.setdefault(f, []).append(array(o).copy()))
    net.predictor.register_forward_hook(lambda mod, i, o: seen.setdefault("q", []).append(array(o).copy())); momenta = []
    for k in range(10):
        a, b = pair(N, 3, SIDE, SIDE); r.images(k, view1=a, view2=b); moco3_rate(opt, float(k), args); m = moco3_momentum(float(k), args); momenta.append(m); seen.clear()
        before = [array(p).copy() for p in net.momentum_encoder.parameters()]; loss = net(a, b, m)
        for x, p, o in zip(before, net.momentum_encoder.parameters(), net.base_encoder.parameters()): same(p, m * x + (1 - m) * array(o), 1e-13)
        (q1, q2), (k1, k2) = seen["q"], seen["momentum_encoder"]; same(loss, 2 * t * (rows(q1, k2, t) + rows(q2, k1, t)))
        r.learn(k, loss, opt, w)
        if k == 0: r.t.update(grads("grad", net.predictor, lambda k: f"prediction_head.layers.{k}"))
    r.t.update(predictor("after")); r.t["target_momentum"] = torch.tensor(momenta); result = r.end(temperature=t, momentum=.9, weight_decay=wd, trust_coefficient=1e-3, learning_rate=lr, target_momentum_base=m0); return result
settle("moco_v3_ten_steps", moco_v3, 10, oracle="facebookresearch/moco-v3 MoCo_ResNet, LARS, adjust_learning_rate, adjust_moco_momentum", schedule="lr*k/2 for k<2, then lr*0.5*(1+cos(pi*(k-2)/8)); momentum 1-(1-m0)*0.5*(1+cos(pi*k/10))",
       order="view 1, then view 2 through online and predictor; target follows with m(k); view 1, then view 2 through the target, in training mode; loss (q1,k2)+(q2,k1), each 2t times the mean; LARS variant B")

def simsiam(name, shake):
    lr, wd = (.05, .03)[size], (1e-4, 5e-4)[size]; r = Run(); D = NegativeCosineSimilarity()
    net = together(backbone=Trunk(), projection_head=heads.SimSiamProjectionHead(FEATURES, 12, 10), prediction_head=heads.SimSiamPredictionHead(10, 6, 10)); shaken(perturb(net) or net, shake)
    opt = torch.optim.SGD([{"params": list(net["backbone"].parameters()) + list(net["projection_head"].parameters())}, {"params": net["prediction_head"].parameters()}], lr=lr, momentum=.9, weight_decay=wd); w = Watched(opt, n_sgd); r.before(all=net)
    for k in range(10):
        a, b = pair(N, 3, SIDE, SIDE); r.images(k, view1=a, view2=b); set_rate(opt, lr * half_cosine(k, 10), lr)
        z1, z2 = embed(net, a), embed(net, b); p1, p2 = net["prediction_head"](z1), net["prediction_head"](z2); loss = .5 * (D(p1, z2.detach()) + D(p2, z1.detach()))
        same(loss, -.5 * (n_cos(array(p1), array(z2)) + n_cos(array(p2), array(z1)))); r.learn(k, loss, opt, w)
    r.t["rate_of_the_predictor"] = torch.tensor(r.rates)[:, 1]
    return r.end(momentum=.9, weight_decay=wd, learning_rate=lr)
settle("simsiam_ten_steps", simsiam, 10, oracle="lightly SimSiamProjectionHead, SimSiamPredictionHead, NegativeCosineSimilarity; torch SGD", decayed="everything", schedule="lr*0.5*(1+cos(pi*k/10)); the predictor's stays lr",
       order="view 1 through backbone and projector, then view 2; predictor on z1, then z2; -cos(p1, z2)/2 - cos(p2, z1)/2, z without gradient")

def regularised(kind):
    def run(name, shake):
        r, wd = Run(), (1e-4, 1e-6)[size]; barlow = kind == "barlow"; lam, weights = (.0051, .02)[size], ((25., 25., 1.), (10., 10., .5))[size]
        net = together(backbone=Trunk(), projection_head=(heads.BarlowTwinsProjectionHead if barlow else heads.VICRegProjectionHead)(FEATURES, 12, 10)); shaken(perturb(net, .1) or net, shake); crit = BarlowTwinsLoss(lam) if barlow else VICRegLoss(*weights)
        params = list(net.parameters()); scale = ((.4, .2) if barlow else (.1, .05))[size]
        if barlow: opt = BarlowLARS([{"params": [p for p in params if p.ndim > 1]}, {"params": [p for p in params if p.ndim == 1]}], lr=0, weight_decay=wd, weight_decay_filter=True, lars_adaptation_filter=True)
        else: opt = VICRegLARS(params, lr=0, weight_decay=wd, weight_decay_filter=bias_or_norm, lars_adaptation_filter=bias_or_norm)
        w = Watched(opt, n_lars, lambda p: p.ndim > 1); r.before(all=net); args = types.SimpleNamespace(batch_size=256, epochs=20, learning_rate_weights=scale, learning_rate_biases=.024 * scale, base_lr=scale)
        for k in range(10):
            a, b = pair(N, 3, SIDE, SIDE); r.images(k, view1=a, view2=b); (barlow_rate if barlow else vicreg_rate)(args, opt, range(1), 6 + k)  # ten steps of warm-up are written into the code: 6 to 15
            z1, z2 = embed(net, a), embed(net, b); loss = crit(z1, z2); x, y = array(z1), array(z2)
            same(loss, n_barlow(x, y, lam) if barlow else n_vicreg(x, y, *weights)); r.learn(k, loss, opt, w)
        if barlow: r.t["rate_of_biases_and_norms"] = torch.tensor(r.rates)[:, 1]
        return r.end(momentum=.9, weight_decay=wd, trust_coefficient=1e-3, **(dict(lam=lam) if barlow else dict(invariance=weights[0], variance=weights[1], covariance=weights[2])))
    return run
settle("barlow_twins_ten_steps", regularised("barlow"), 10, oracle="lightly BarlowTwinsLoss, BarlowTwinsProjectionHead; facebookresearch/barlowtwins LARS, adjust_learning_rate", schedule="in the tensors: steps 6 to 15 of 20, ten of them warm-up",
       order="view 1, then view 2 through the network (own statistics each); LARS variant B, biases and norms with a rate of their own, neither decayed nor adapted")
settle("vicreg_ten_steps", regularised("vicreg"), 10, oracle="lightly VICRegLoss, VICRegProjectionHead; facebookresearch/vicreg LARS, adjust_learning_rate", schedule="in the tensors: steps 6 to 15 of 20, ten of them warm-up", order="view 1, then view 2 through the network (own statistics each); LARS variant B")

def nnclr(name, shake):
    K, t, lr, wd = 4 * N, (.1, .2)[size], (.4, .3)[size], (1e-4, 1e-6)[size]; r = Run()
    net = together(backbone=Trunk(), projection_head=heads.NNCLRProjectionHead(FEATURES, 12, 8), prediction_head=heads.NNCLRPredictionHead(8, 12, 8)); shaken(perturb(net) or net, shake)
    opt = MoCoV3LARS(net.parameters(), lr, weight_decay=wd, momentum=.9); w = Watched(opt, n_lars, lambda p: p.ndim > 1); r.before(all=net); queue = normalize(randn(K, 8)); r.t["before.queue"] = queue.clone()
    for k in range(10):
        a, b = pair(N, 3, SIDE, SIDE); r.images(k, view1=a, view2=b); set_rate(opt, lr * half_cosine(k, 10))
        z1, z2 = embed(net, a), embed(net, b); p1, p2 = net["prediction_head"](z1), net["prediction_head"](z2)
        with torch.no_grad(): i1, i2 = (surely_nearest(normalize(z) @ queue.T, 1e-5) for z in (z1, z2)); nn1, nn2 = queue[i1].clone(), queue[i2].clone()
        loss = solo.nnclr(nn1, p2, t) / 2 + solo.nnclr(nn2, p1, t) / 2; same(loss, (rows(array(nn1), array(p2), t) + rows(array(nn2), array(p1), t)) / 2)
        at = k * N % K; queue[at:at + N] = normalize(z1.detach()); r.t.update({f"nearest1.{k}": i1, f"nearest2.{k}": i2}); r.learn(k, loss, opt, w)
    r.t["after.queue"] = queue
    return r.end(temperature=t, momentum=.9, weight_decay=wd, trust_coefficient=1e-3, learning_rate=lr, queue=K, queue_position_after=10 * N % K)
settle("nnclr_ten_steps", nnclr, 10, oracle="solo-learn nnclr_loss_func and its order; lightly NNCLRProjectionHead, NNCLRPredictionHead; facebookresearch/moco-v3 LARS", schedule="lr*0.5*(1+cos(pi*k/10))",
       order="view 1, then view 2 through backbone and projector; predictor on z1, then z2; nearest rows of the queue for unit z1, z2; loss; unit z1 into the queue; step (LARS variant B)")

def supcon(name, shake):
    t, lr, wd = (.1, .5)[size], (.2, .1)[size], 1e-4; r = Run(); labels = torch.tensor([0, 1, 0, 2, 1, 1, 3][:N])
    net = together(backbone=Trunk(), projection_head=heads.MoCoProjectionHead(FEATURES, 16, 8)); shaken(perturb(net) or net, shake); opt = torch.optim.SGD(net.parameters(), lr=lr, momentum=.9, weight_decay=wd); w = Watched(opt, n_sgd); r.before(all=net); crit = SupConLoss(temperature=t, base_temperature=t)
    for k in range(10):
        a, b = pair(N, 3, SIDE, SIDE); r.images(k, view1=a, view2=b); set_rate(opt, lr * half_cosine(k, 10)); y = labels[torch.randperm(N)]; r.t[f"labels.{k}"] = y
        z = embed(net, torch.cat([a, b])); u = normalize(z); loss = crit(torch.stack([u[:N], u[N:]], 1), y); same(loss, n_supcon(array(z), np.tile(y.numpy(), 2), t, t)); r.learn(k, loss, opt, w)
    return r.end(temperature=t, momentum=.9, weight_decay=wd, learning_rate=lr)
settle("supcon_ten_steps", supcon, 10, oracle="HobbitLong/SupContrast SupConLoss; lightly MoCoProjectionHead (linear-ReLU-linear, as SupContrast's); torch SGD", decayed="everything", schedule="lr*0.5*(1+cos(pi*k/10))", order="both views together through the network (joint statistics)")

def tico(name, shake):
    beta, rho, m0, lr, wd = (.9, .8)[size], (8., 20.)[size], (.9, .97)[size], (.3, .2)[size], (1e-4, 1e-6)[size]; r = Run()
    online = together(backbone=Trunk(), projection_head=heads.TiCoProjectionHead(FEATURES, 16, 8)); perturb(online); target = apart(online); shaken(online, shake); shaken(target, shake); crit, C = TiCoLoss(beta, rho), np.zeros((8, 8))
    opt = MoCoV3LARS(online.parameters(), lr, weight_decay=wd, momentum=.9); w = Watched(opt, n_lars, lambda p: p.ndim > 1); r.before(online=online, target=target); momenta = []
    for k in range(10):
        a, b = pair(N, 3, SIDE, SIDE); r.images(k, view1=a, view2=b); momenta.append(1 - (1 - m0) * half_cosine(k, 10)); follow(online, target, momenta[-1]); set_rate(opt, lr * half_cosine(k, 10))
        z1 = embed(online, a)
        with torch.no_grad(): z2 = embed(target, b)
        loss = crit(z1, z2); u = unit(array(z1)); C = beta * C + (1 - beta) * u.T @ u / N; same(loss, n_tico(array(z1), array(z2), C, rho)); same(crit.C, C); r.learn(k, loss, opt, w)
    r.t.update({"after.covariance": crit.C, "target_momentum": torch.tensor(momenta)})
    return r.end(beta=beta, rho=rho, momentum=.9, weight_decay=wd, trust_coefficient=1e-3, learning_rate=lr, target_momentum_base=m0)
settle("tico_ten_steps", tico, 10, oracle="lightly TiCoLoss, TiCoProjectionHead, update_momentum; facebookresearch/moco-v3 LARS", schedule="lr*0.5*(1+cos(pi*k/10)); momentum 1-(1-m0)*0.5*(1+cos(pi*k/10))",
       order="target follows; view 1 through the online network, view 2 through the target; covariance moves, then the loss takes it; step (LARS variant B). The covariance begins at 0")

def plain(head_, loss_of, formula, both, **hyper):
    """Two views, one network, a loss of both embeddings: five SGD steps."""
    def run(name, shake):
        lr, wd = (.1, .05)[size], 1e-4; r = Run(); net = together(backbone=Trunk(), projection_head=head_()); shaken(perturb(net, .1) or net, shake); opt = torch.optim.SGD(net.parameters(), lr=lr, momentum=.9, weight_decay=wd); w = Watched(opt, n_sgd); r.before(all=net)
        for k in range(5):
            a, b = pair(N, 3, SIDE, SIDE); r.images(k, view1=a, view2=b); set_rate(opt, lr * half_cosine(k, 5)); z1, z2 = embed(net, torch.cat([a, b])).chunk(2) if both else (embed(net, a), embed(net, b))
            loss = loss_of(z1, z2); same(loss, formula(array(z1), array(z2))); r.learn(k, loss, opt, w)
        return r.end(momentum=.9, weight_decay=wd, learning_rate=lr, **hyper)
    return run
T_ = (.1, .5)[size]
simclr_head, barlow_head = lambda: heads.SimCLRProjectionHead(FEATURES, 16, 8), lambda: heads.BarlowTwinsProjectionHead(FEATURES, 12, 10)
plain_meta = dict(decayed="everything", schedule="lr*0.5*(1+cos(pi*k/5))")
def n_dclw(z1, z2): return n_dcl(z1, z2, T_, 2 - len(z1) * softmax((unit(z1) * unit(z2)).sum(1) / .5))
def n_frossl(z1, z2):
    u, v = unit(z1, 0), unit(z2, 0); m = (u + v) / 2; k = z1.shape[1]; return sum(2 * math.log(np.linalg.norm(x.T @ x / k)) + 2 * ((x - m) ** 2).sum() / len(x) for x in (u, v))
def n_align_uniform(z1, z2, t=2.):
    i, j = np.triu_indices(len(z1), 1); spread = lambda u: math.log(np.mean(np.exp(-t * ((u[i] - u[j]) ** 2).sum(1)))); return ((unit(z1) - unit(z2)) ** 2).sum(1).mean() + (spread(unit(z1)) + spread(unit(z2))) / 2
settle("dcl_five_steps", plain(simclr_head, lambda a, b: DCLLoss(T_)(a, b), lambda a, b: n_dcl(a, b, T_), True, temperature=T_), 5, oracle="lightly DCLLoss, SimCLRProjectionHead; torch SGD", order="both views together (joint statistics)", **plain_meta)
settle("dclw_five_steps", plain(simclr_head, lambda a, b: DCLWLoss(T_, .5)(a, b), n_dclw, True, temperature=T_, sigma=.5), 5, oracle="lightly DCLWLoss, SimCLRProjectionHead; torch SGD", order="both views together (joint statistics)", **plain_meta)
settle("wmse_five_steps", plain(lambda: heads.SimCLRProjectionHead(FEATURES, 16, 3), lambda a, b: WMSELoss(embedding_dim=3, w_size=N, num_samples=2)(torch.cat([a, b])), lambda a, b: 2 - 2 * n_cos(n_whiten(a), n_whiten(b)), True), 5, oracle="lightly WMSELoss (the whole batch as one sub-batch), SimCLRProjectionHead; torch SGD", order="both views together (joint statistics), each view whitened by itself", **plain_meta)
settle("frossl_five_steps", plain(barlow_head, lambda a, b: FroSSLLoss()([a, b]), n_frossl, False), 5, oracle="lightly FroSSLLoss, BarlowTwinsProjectionHead; torch SGD", order="view 1, then view 2 (own statistics each)", **plain_meta)
settle("align_uniform_five_steps", plain(simclr_head, lambda a, b: HypersphereLoss(t=2., lam=1.)(a, b), n_align_uniform, False, t=2., weight=1.), 5, oracle="lightly HypersphereLoss, SimCLRProjectionHead; torch SGD", order="view 1, then view 2 (own statistics each)", **plain_meta)

def fast_siam(name, shake):
    lr, wd, V = (.05, .03)[size], (1e-4, 5e-4)[size], 3 + size; r = Run(); D = NegativeCosineSimilarity()
    net = together(backbone=Trunk(), projection_head=heads.SimSiamProjectionHead(FEATURES, 12, 10), prediction_head=heads.SimSiamPredictionHead(10, 6, 10)); shaken(perturb(net) or net, shake); opt = torch.optim.SGD(net.parameters(), lr=lr, momentum=.9, weight_decay=wd); w = Watched(opt, n_sgd); r.before(all=net)
    for k in range(5):
        base = randn(N, 3, SIDE, SIDE); views = [base] + [.5 * base + .5 * randn(N, 3, SIDE, SIDE) for _ in range(V - 1)]; r.images(k, **{f"view{i + 1}": v for i, v in enumerate(views)}); set_rate(opt, lr * half_cosine(k, 5))
        z = [embed(net, v) for v in views]; p = [net["prediction_head"](x) for x in z]; goal = [torch.stack([x for j, x in enumerate(z) if j != i]).mean(0).detach() for i in range(V)]; loss = sum(D(a, g) for a, g in zip(p, goal)) / V
        same(loss, -np.mean([n_cos(array(p[i]), np.mean([array(x) for j, x in enumerate(z) if j != i], 0)) for i in range(V)])); r.learn(k, loss, opt, w)
    return r.end(momentum=.9, weight_decay=wd, learning_rate=lr, views=V)
settle("fast_siam_five_steps", fast_siam, 5, oracle="lightly's FastSiam loop (NegativeCosineSimilarity against the mean of the other views' projections), SimSiam heads; torch SGD", order="every view by itself through backbone and projector, in order, then through the predictor; the mean of the others' z, not normalised, without gradient", **plain_meta)

def ressl(name, shake):
    K, m, lr, wd, tq, tk = 3 * N, (.9, .97)[size], (.1, .05)[size], (1e-4, 5e-4)[size], .1, (.04, .05)[size]; r = Run()
    online = together(backbone=Trunk(), projection_head=heads.MoCoProjectionHead(FEATURES, 16, 8)); perturb(online); target = apart(online); shaken(online, shake); shaken(target, shake); queue = normalize(randn(K, 8)); opt = torch.optim.SGD(online.parameters(), lr=lr, momentum=.9, weight_decay=wd); w = Watched(opt, n_sgd); r.before(online=online, target=target); r.t["before.queue"] = queue.clone()
    for k in range(5):
        a, b = pair(N, 3, SIDE, SIDE); r.images(k, view1=a, view2=b); set_rate(opt, lr * half_cosine(k, 5)); q = normalize(embed(online, a))
        with torch.no_grad(): key = normalize(embed(target, b))
        loss = solo.ressl(q, key, queue.clone(), tq, tk); x, y, z = array(q), array(key), array(queue); same(loss, np.mean(cross(softmax(y @ z.T / tk), x @ z.T / tq))); at = k * N % K; queue[at:at + N] = key; r.learn(k, loss, opt, w); follow(online, target, m)
    r.t["after.queue"] = queue
    return r.end(temperature_q=tq, temperature_k=tk, momentum=.9, weight_decay=wd, learning_rate=lr, target_momentum=m, queue=K, queue_position_after=5 * N % K)
settle("ressl_five_steps", ressl, 5, oracle="solo-learn ressl_loss_func and its order; lightly MoCoProjectionHead, update_momentum; torch SGD", order="view 1 (strong) through the online network, view 2 (weak) through the target, in training mode; loss against the old queue; keys into the queue; step; target follows", **plain_meta)

def swav(with_queue):
    def run(name, shake):
        P, t, eps, lr, wd, steps = (12, 10)[size], .1, .05, (.3, .2)[size], (1e-4, 1e-6)[size], 6 if with_queue else 10; r = Run(); crops = 2 if with_queue else 4; K = 3 * N; frozen_steps, queue_from = 2, 1
        net = SwAVNet(Trunk(), 24, 8, P); shaken(perturb(net) or net, shake); r.rename = swav_names; r.before(all=net); opt = LightlyLARS(net.parameters(), lr=lr, weight_decay=wd, momentum=.9); w = Watched(opt, n_larc)
        sinkhorn = borrow("swav/main_swav.py", "distributed_sinkhorn", args=types.SimpleNamespace(epsilon=eps, sinkhorn_iterations=3, world_size=1)); queue = None
        for k in range(steps):
            a, b = pair(N, 3, SIDE, SIDE); r.images(k, view1=a, view2=b); views = [a, b]
            if crops == 4: c, e = pair(N, 3, SMALL, SMALL); r.images(k, local1=c, local2=e); views += [c, e]
            set_rate(opt, lr * half_cosine(k, steps)); unit_prototypes(net); same((net.prototypes.weight ** 2).sum(1), np.ones(P))
            if with_queue and k == queue_from: queue = torch.zeros(2, K, 8)
            z, scores = net(views); s, x = scores.chunk(crops), z.detach().chunk(crops); loss, codes = 0., []
            for i in range(2):
                known = s[i].detach()
                if queue is not None:
                    if queue[i, -1].abs().sum() > 0: known = torch.cat([queue[i] @ net.prototypes.weight.detach().T, known])
                    queue[i] = torch.cat([x[i], queue[i, :-N]])
                codes.append(sinkhorn(known)[-N:]); same(codes[-1], n_sinkhorn(array(known), eps)[-N:])
            loss = SwaVLoss(t).subloss(s[0], codes[1]) * 0
            for i, q in enumerate(codes): loss = loss + sum(SwaVLoss(t).subloss(v, q) for j, v in enumerate(s) if j != i) / (crops - 1) / 2
            same(loss, n_swav([array(v) for v in s], [array(q) for q in codes], t))
            def freeze():
                if k < frozen_steps: net.prototypes.weight.grad = None
            if k == 0: r.t.update({"codes.0": torch.stack(codes), "scores.0": scores, "embeddings.0": z})
            r.learn(k, loss, opt, w, freeze)
        if queue is not None: r.t["after.queue"] = queue
        result = r.end(temperature=t, epsilon=eps, iterations=3, prototypes=P, frozen_steps=frozen_steps, momentum=.9, weight_decay=wd, trust_coefficient=1e-3, learning_rate=lr, **(dict(queue=K, queue_from_step=queue_from) if with_queue else {})); return result
    return run
swav_order = "prototypes' rows to unit length; crops of one size through the backbone together (joint statistics per size), all embeddings through the head together; codes; loss; step (LARC: sum of norms, everything decayed and adapted; prototypes have no gradient in the first frozen_steps)"
settle("swav_ten_steps", swav(False), 10, oracle="facebookresearch/swav forward, forward_head, distributed_sinkhorn; lightly SwaVLoss.subloss, LARS (= LARC without clip)", schedule="lr*0.5*(1+cos(pi*k/10))", order=swav_order)
settle("swav_queue_six_steps", swav(True), 6, oracle="the same", schedule="lr*0.5*(1+cos(pi*k/6))", order=swav_order + ". One queue per view, zeros at queue_from_step, newest rows first; it counts from when its last row is not zero (before the batch's own embeddings enter it)")

def lejepa_run(name, shake):
    lam, M, lr, wd = (.05, .02)[size], 8 + size, (2e-3, 1e-3)[size], (5e-2, 5e-4)[size]; r = Run()
    net = together(backbone=Trunk(), projection_head=heads.LeJEPAProjectionHead(FEATURES, 12, 6)); shaken(perturb(net, .1) or net, shake); opt = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=wd); w = Watched(opt, n_adamw); r.before(all=net)
    for k in range(6):
        (a, b), (c, e) = pair(N, 3, SIDE, SIDE), pair(N, 3, SMALL, SMALL); r.images(k, view1=a, view2=b, local1=c, local2=e); set_rate(opt, lr * half_cosine(k, 6)); A = randn(6, M); A = A / A.norm(dim=0); r.t[f"directions.{k}"] = A
        z = net["projection_head"](torch.cat([net["backbone"](torch.cat([a, b])), net["backbone"](torch.cat([c, e]))])).view(4, N, 6)
        f = LeJEPALoss(lambda_param=lam, sigreg_num_vectors=M); s = f.sigreg; t = torch.linspace(0, 3, 17); phi = torch.exp(-t * t / 2); q = torch.full((17,), 2 * 3 / 16); q[[0, -1]] = 3 / 16; s.t, s.phi, s.weights, s._generate_unit_vectors = t, phi, q * phi, lambda *a: A
        loss = f(global_proj=z[:2], local_proj=z[2:]); same(loss, n_lejepa(array(z), 2, A.numpy(), lam)); r.learn(k, loss, opt, w)
    return r.end(lam=lam, slices=M, knots=17, t_max=3, learning_rate=lr, weight_decay=wd, betas=[.9, .999])
settle("lejepa_six_steps", lejepa_run, 6, oracle="lightly LeJEPALoss (its SIGReg in double precision), LeJEPAProjectionHead; torch AdamW", decayed="everything", schedule="lr*0.5*(1+cos(pi*k/6))",
       order="crops of one size through the backbone together, all embeddings through the head together (joint statistics, as the official minimal example has it)")

# ------------------------------------------------------------------------------------------------ DINO and its kin
SIDE2, SMALL2, N2 = 16 + 4 * size, 8 + 4 * size, 3 + size
VIT = dict(patch_size=4, embed_dim=24, depth=2, num_heads=3)
def tiny(cls, **more): return cls(img_size=[SIDE2], **VIT, mlp_ratio=4, qkv_bias=True, norm_layer=partial(nn.LayerNorm, eps=1e-6), **more)
def crops_of(r, side, small, count):
    def views(k):
        (a, b), (c, e) = pair(count, 3, side, side), pair(count, 3, small, small); r.images(k, view1=a, view2=b, local1=c, local2=e); return [a, b, c, e]
    return views
def distil(r, student, teacher, steps, opt, rule, lr, wd, m0, clip, views_of, forward, leader=None):
    """The official loop in our words: schedules, teacher, student, loss, clip each tensor, hold the last layer in the first epoch, step, follow."""
    w = Watched(opt, rule); rates, decays, momenta = dino_utils.cosine(lr, 1e-6, steps, 1, 2), dino_utils.cosine(wd[0], wd[1], steps, 1), dino_utils.cosine(m0, 1, steps, 1); clipped = 0
    for k in range(steps):
        set_rate(opt, rates[k], decay=decays[k]); loss = forward(k, views_of(k))
        def tame():
            nonlocal clipped
            raw = {p: array(p.grad).copy() for p in student.parameters() if p.grad is not None}; norms = dino_utils.clip(student, clip); clipped += sum(x > clip for x in norms)
            for p, g in raw.items(): same(p.grad, g * min(1, clip / (np.linalg.norm(g) + 1e-6)), 1e-12, max(np.abs(g).max(), 1e-12))
            if k == 0: r.t.update({f"unclipped.{key}": torch.from_numpy(raw[p]) for p, key in ((p, r.rename(n)) for n, p in student.named_parameters() if n in ("head.last_layer.weight_v", "head.mlp.0.weight"))})
            dino_utils.cancel(k, student, 1)
        r.learn(k, loss, opt, w, tame); follow(leader or student, teacher, momenta[k])
    assert 0 < clipped < sum(1 for _ in student.parameters()) * steps
    r.t.update(weight_decay=torch.tensor(decays), target_momentum=torch.tensor(momenta))
    return dict(learning_rate=lr, end_rate=1e-6, warmup_steps=2, weight_decays=list(wd), target_momentum_base=m0, clip=clip, clipped_tensors=int(clipped), frozen_last_layer_steps=1)
dino_head_names = lambda k: k.replace("head.mlp.", "projection_head.layers.").replace("head.last_layer", "projection_head.last_layer")
dino_order = ("schedules; view 1 and 2 together through the teacher, in training mode; views of one size together through the student's backbone, all through its head; loss over the pairs of different views; centre; each tensor's gradient clipped to norm `clip` "
              "(g*min(1, clip/(|g|+1e-6))); no gradient for last_layer in the first step (such a tensor is not decayed either, and its AdamW counts no step); step; teacher follows, parameters only")
def teacher_of(make, student):
    teacher = make(); teacher.load_state_dict(student.state_dict(), strict=False); frozen(teacher)
    for p in teacher.parameters(): p.add_(.02 * torch.randn_like(p))
    return teacher

def dino(on_vit):
    def run(name, shake):
        r, steps, K = Run(), 6, (20, 16)[size]; free = bool(size); r.rename = dino_head_names
        make = lambda norm_last_layer=True: dino_utils.wrapper(tiny(DINOViT) if on_vit else Trunk(), DINOHead(24 if on_vit else FEATURES, K, hidden_dim=24, bottleneck_dim=8, norm_last_layer=norm_last_layer))
        student = make(not free); perturb(student, .05 if on_vit else .1); unit_gain(student); teacher = teacher_of(make, student)
        if not free: unit_gain(teacher)
        shaken(student, shake); shaken(teacher, shake); warm, last = ((.04, .07), (.05, .06))[size]; crit = DINOOfficialLoss(K, 4, warm, last, 3, steps, center_momentum=(.9, .8)[size]); crit.center = .1 * torch.randn(1, K)
        r.before(online=student, target=teacher); r.t["before.centre"] = crit.center.clone(); temperatures, mc = crit.teacher_temp_schedule, crit.center_momentum
        def forward(k, views):
            c = array(crit.center).copy(); t = teacher(views[:2]); s = student(views); loss = crit(s, t, k); q = softmax((array(t) - c) / temperatures[k]); same(loss, n_dino(np.split(array(s), 4), np.split(q, 2), .1)); same(crit.center, mc * c + (1 - mc) * array(t).mean(0))
            if k == 0: r.t.update({"online_scores.0": s, "target_scores.0": t})
            return loss
        groups = dino_utils.groups(student); opt = torch.optim.AdamW(groups) if on_vit else torch.optim.SGD(groups, lr=0, momentum=.9)
        meta = distil(r, student, teacher, steps, opt, n_adamw if on_vit else n_sgd, ((2e-3, 1e-3) if on_vit else (.1, .05))[size], (.04, .4) if on_vit else (1e-4, 1e-4), (.9, .97)[size], (.05, .1)[size] if on_vit else (.2, .3)[size], crops_of(r, *((SIDE2, SMALL2, N2) if on_vit else (SIDE, SMALL, N))), forward)
        r.t.update({"after.centre": crit.center, "teacher_temperature": torch.tensor(temperatures)})
        return r.end(**meta, student_temperature=.1, centre_momentum=mc, prototypes=K, norm_last_layer=not free, **(dict(img_size=SIDE2, small=SMALL2, **VIT) if on_vit else {}))
    return run
settle("dino_vit_six_steps", dino(True), 6, oracle="facebookresearch/dino VisionTransformer, DINOHead, MultiCropWrapper, DINOLoss, get_params_groups, clip_gradients, cancel_gradients_last_layer, cosine_scheduler; torch AdamW", order=dino_order, betas=[.9, .999],
       decayed="everything of two or more dimensions that does not end in .bias: also cls_token, pos_embed, weight_g (where it learns), weight_v", schedule="in the tensors: one step is one epoch; online_scores.0: rows view 1, view 2, local 1, local 2")
settle("dino_resnet_six_steps", dino(False), 6, oracle="the same on the thin trunk with torch SGD, momentum .9", order=dino_order, decayed="everything of two or more dimensions", schedule="in the tensors: one step is one epoch")

def ibot(name, shake):
    r, steps, K, h = Run(), 5, (20, 16)[size], SIDE2 // 4; r.rename = dino_head_names
    make = lambda norm_last_layer=True, mim=False: iBOTWrapper(tiny(iBOTViT, return_all_tokens=True, masked_im_modeling=mim), iBOTHead(24, K, patch_out_dim=K, hidden_dim=24, bottleneck_dim=8, shared_head=True, norm_last_layer=norm_last_layer))
    student = make(False, True); perturb(student); teacher = teacher_of(make, student); shaken(student, shake); shaken(teacher, shake)
    crit = iBOTLoss(K, K, 2, 2, .04, .06, .04, .07, 3, steps, center_momentum2=(.9, .8)[size]); crit.center, crit.center2 = .1 * torch.randn(1, K), .1 * torch.randn(1, 1, K); mc = crit.center_momentum2
    r.before(online=student, target=teacher); r.t.update({"before.centre": crit.center.clone(), "before.centre_patch": crit.center2.clone()}); parts = []; own = dict(student.named_parameters()); common = [own[k] for k, _ in teacher.named_parameters()]
    def forward(k, views):
        masks = torch.rand(2 * N2, h, h) < .4; masks[1] = False; r.t[f"mask.{k}"] = masks; c, c2 = array(crit.center).copy(), array(crit.center2).copy()
        t = teacher(views[:2]); s = student(views[:2], mask=list(masks.split(N2))); student.backbone.masked_im_modeling = False; local = student(views[2:])[0]; student.backbone.masked_im_modeling = True
        all_ = crit(s, t, local, masks.split(N2), k); q, p = softmax((array(t[0]) - c) / crit.teacher_temp_schedule[k]), softmax((array(t[1]) - c2) / crit.teacher_temp2_schedule[k])
        same(all_["cls"], n_dino(np.split(array(s[0]), 2) + np.split(array(local), 2), np.split(q, 2), .1)); same(all_["patch"], n_patches(array(s[1]), p, masks.flatten(1).numpy(), .1)); parts.append([all_["cls"].item(), all_["patch"].item()])
        same(crit.center, .9 * c + .1 * array(t[0]).mean(0)); same(crit.center2, mc * c2 + (1 - mc) * array(t[1]).mean((0, 1)))
        return all_["loss"]
    meta = distil(r, student, teacher, steps, torch.optim.AdamW(dino_utils.groups(student)), n_adamw, (2e-3, 1e-3)[size], (.04, .4), (.9, .97)[size], (.05, .1)[size], crops_of(r, SIDE2, SMALL2, N2), forward, types.SimpleNamespace(parameters=lambda: common))
    r.t.update({"after.centre": crit.center, "after.centre_patch": crit.center2, "teacher_temperature": torch.tensor(crit.teacher_temp_schedule), "teacher_patch_temperature": torch.tensor(crit.teacher_temp2_schedule), "loss_parts": torch.tensor(parts)})
    result = r.end(**meta, student_temperature=.1, centre_momentum=.9, centre_patch_momentum=mc, prototypes=K, norm_last_layer=False, shared_head=True, img_size=SIDE2, small=SMALL2, **VIT)
    for k in [k for k in r.t if "last_layer2" in k]: del r.t[k]  # the same tensors once more
    return result
settle("ibot_five_steps", ibot, 5, oracle="bytedance/ibot VisionTransformer, iBOTHead, MultiCropWrapper, iBOTLoss; clip, groups, schedules as facebookresearch/dino; torch AdamW", betas=[.9, .999],
       order="as DINO, and: the student's global views have backbone.masked_embed in the place of masked patches (before positions), local views are not masked; the teacher sees whole views; cls loss over 2 global + 2 local views, patch loss of each view with itself; one head for both; both centres; the teacher has no mask token",
       decayed="as DINO; masked_embed, too", schedule="in the tensors: one step is one epoch; loss_parts: cls, patch")

def dinov2_run(name, shake):
    r, steps, K, h = Run(), 4, (20, 16)[size], SIDE2 // 4; V2, Head = dinov2.models.vision_transformer.DinoVisionTransformer, dinov2.layers.dino_head.DINOHead
    make = lambda: together(backbone=V2(img_size=SIDE2, **VIT, init_values=.1, block_chunks=0), dino_head=Head(24, K, hidden_dim=24, bottleneck_dim=8), ibot_head=Head(24, K - 4, hidden_dim=24, bottleneck_dim=8))
    student = make(); perturb(student); teacher = teacher_of(make, student); shaken(student, shake); shaken(teacher, shake); r.rename = lambda k: k.replace("_head.mlp", "_head.layers"); r.before(online=student, target=teacher)
    cls, patches, koleo = dinov2.loss.DINOLoss(K), dinov2.loss.iBOTPatchLoss(K - 4), dinov2.loss.KoLeoLoss(); cosine = dinov2.utils.utils.CosineScheduler; lr, wd, m, tt, clip = cosine((2e-3, 1e-3)[size], 1e-6, steps, 2), cosine(.04, .4, steps), cosine((.9, .97)[size], 1, steps), (.05, .07)[size], (5., 7.)[size]
    groups = [g for part in student.values() for g in dinov2.utils.param_groups.get_params_groups_with_decay(part, .9, .2)]; opt = torch.optim.AdamW(groups, betas=(.9, .999)); w = Watched(opt, n_adamw); parts, norms = [], []
    for k in range(steps):
        for g in opt.param_groups: g["weight_decay"] = wd[k] * g["wd_multiplier"]; g["lr"] = (0 if g["is_last_layer"] and k < 1 else lr[k]) * g["lr_multiplier"]
        (a, b), (c, e) = pair(N2, 3, SIDE2, SIDE2), pair(N2, 3, SMALL2, SMALL2); r.images(k, view1=a, view2=b, local1=c, local2=e); mask = torch.rand(2 * N2, h * h) < .4; mask[1] = False; r.t[f"mask.{k}"] = mask; big = torch.cat([a, b])
        with torch.no_grad():
            o = teacher["backbone"](big, is_training=True); x1, x2 = o["x_norm_clstoken"].chunk(2); scores = teacher["dino_head"](torch.cat([x2, x1])); q = cls.sinkhorn_knopp_teacher(scores, tt); same(q, n_sinkhorn(array(scores), tt))
            scores = teacher["ibot_head"](o["x_norm_patchtokens"][mask]); p = patches.sinkhorn_knopp_teacher(scores, tt, torch.tensor(int(mask.sum()))); same(p, n_sinkhorn(array(scores), tt))
        o, l = student["backbone"](big, masks=mask, is_training=True), student["backbone"](torch.cat([c, e]), is_training=True); g_, l_ = student["dino_head"](o["x_norm_clstoken"]), student["dino_head"](l["x_norm_clstoken"]); s = student["ibot_head"](o["x_norm_patchtokens"][mask])
        for x in o["x_norm_clstoken"].chunk(2): surely_nearest((normalize(x) @ normalize(x).T).fill_diagonal_(-2), 2e-6)
        dino_loss = (cls(l_.chunk(2), q.view(2, N2, K)) + 2 * cls([g_], [q])) / 6; patch_loss = patches.forward_masked(s, p, mask); spread = .1 * sum(koleo(x) for x in o["x_norm_clstoken"].chunk(2)); loss = dino_loss + patch_loss + spread; parts.append([dino_loss.item(), patch_loss.item(), spread.item()])
        q2, q1 = np.split(array(q), 2); same(dino_loss, n_dino(np.split(array(g_), 2) + np.split(array(l_), 2), [q1, q2], .1)); same(spread, .1 * sum(n_koleo(x) for x in np.split(array(o["x_norm_clstoken"]), 2)))
        full_s, full_p = np.zeros((2 * N2, h * h, K - 4)), np.zeros((2 * N2, h * h, K - 4)); full_s[mask.numpy()], full_p[mask.numpy()] = array(s), array(p); same(patch_loss, n_patches(full_s, full_p, mask.numpy(), .1))
        def tame(): norms.append([nn.utils.clip_grad_norm_(part.parameters(), clip).item() for part in student.values()])
        r.learn(k, loss, opt, w, tame); follow(student, teacher, m[k])
    assert any(x > clip for n_ in norms for x in n_) and any(x < clip for n_ in norms for x in n_)
    r.t.update(loss_parts=torch.tensor(parts), gradient_norms=torch.tensor(norms), weight_decay=torch.tensor([float(wd[k]) for k in range(steps)]), target_momentum=torch.tensor([float(m[k]) for k in range(steps)])); result = r.end(teacher_temperature=tt, student_temperature=.1, koleo=.1, layer_decay=.9, patch_embed_rate=.2, clip=clip, img_size=SIDE2, small=SMALL2, layer_scale_init=.1, prototypes=K, patch_prototypes=K - 4, **VIT)
    r.t["rate"] = torch.tensor([float(lr[k]) for k in range(steps)]); return result
settle("dinov2_four_steps", dinov2_run, 4, oracle="facebookresearch/dinov2 DinoVisionTransformer, DINOHead, DINOLoss, iBOTPatchLoss, KoLeoLoss, get_params_groups_with_decay, CosineScheduler; torch AdamW, clip_grad_norm_", betas=[.9, .999],
       order="as iBOT with heads of their own for class token and patches; Sinkhorn (3 iterations) over the rows of both global views together, over all masked patches together, instead of centres; + .1 KoLeo of the student's class tokens (before the head) of view 1 and of view 2; gradients of backbone, dino_head, ibot_head clipped to norm `clip` each as a whole; last layers have rate 0 in the first step (their moments go on)",
       decayed="all but names that end in .bias or contain norm or gamma (so LayerScale not, cls_token, pos_embed, mask_token, weight_g, weight_v yes)", schedule="in the tensors; rate times .9^(depth+1-layer), tokens and patch embedding layer 0, the latter times .2; heads 1; loss_parts: cls, patch, koleo")

# ------------------------------------------------------------------------------------------------ I-JEPA, MoCo v3 on a ViT
def ijepa(name, shake):
    r, steps, side, n_ = Run(), 5, (24, 28)[size], 3; P = ((12, 1), (24, 2))[size]; tokens = (side // 4) ** 2
    encoder = IJEPAViT(img_size=[side], **VIT, norm_layer=partial(nn.LayerNorm, eps=1e-6)); predictor = IJEPAPredictor(tokens, 24, P[0], depth=P[1], num_heads=3, norm_layer=partial(nn.LayerNorm, eps=1e-6))
    for m in (encoder, predictor):
        for p in m.parameters():
            if p.requires_grad: p.data.add_(.05 * torch.randn_like(p))
    target = copy.deepcopy(encoder); positions = [k for k, p in encoder.named_parameters() if not p.requires_grad]; assert positions == ["pos_embed"]; frozen(target)
    for k, p in target.named_parameters():
        if k != "pos_embed": p.add_(.02 * torch.randn_like(p))
    shaken(encoder, shake); shaken(predictor, shake); shaken(target, shake); r.before(online=together(backbone=encoder), predictor=predictor, target=together(backbone=target))
    matrices = lambda m: [p for k, p in m.named_parameters() if "bias" not in k and p.ndim != 1]; vectors = lambda m: [p for k, p in m.named_parameters() if "bias" in k or p.ndim == 1]
    opt = torch.optim.AdamW([{"params": matrices(encoder)}, {"params": matrices(predictor)}, {"params": vectors(encoder), "WD_exclude": True, "weight_decay": 0}, {"params": vectors(predictor), "WD_exclude": True, "weight_decay": 0}]); w = Watched(opt, n_adamw)
    rate, decay = IJEPARate(opt, 2, 2e-4, (2e-3, 1e-3)[size], steps, final_lr=1e-6), IJEPADecay(opt, .04, steps, .4); m0 = (.9, .97)[size]; decays, momenta = [], []
    collate = IJEPAMasks((side,) * 2, 4, enc_mask_scale=(.85, 1.), pred_mask_scale=(.15, .2), aspect_ratio=(.75, 1.5), nenc=1, npred=4, min_keep=3)
    for k in range(steps):
        x = randn(n_, 3, side, side); _, context, goals = collate([torch.zeros(1)] * n_); r.images(k, image=x); r.t.update({f"context.{k}": context[0], **{f"target{i + 1}.{k}": g for i, g in enumerate(goals)}}); rate.step(); decays.append(decay.step())
        with torch.no_grad(): f = target(x); h = repeat_interleave_batch(apply_masks(F.layer_norm(f, (24,)), goals), n_, repeat=1)
        z = predictor(encoder(x, context), context, goals); loss = F.smooth_l1_loss(z, h)
        same(loss, n_smooth_l1(array(z), np.concatenate([np.take_along_axis(n_layer_norm(array(f)), g.numpy()[..., None], 1) for g in goals])))
        if k == 0: r.t.update({"prediction.0": z, "goal.0": h})
        r.learn(k, loss, opt, w); m = m0 + k * (1 - m0) / steps; momenta.append(m); follow(encoder, target, m)
    r.t.update(weight_decay=torch.tensor(decays), target_momentum=torch.tensor(momenta))
    return r.end(img_size=side, **VIT, predictor_embed_dim=P[0], predictor_depth=P[1], predictor_num_heads=3, learning_rate=(2e-3, 1e-3)[size], start_rate=2e-4, end_rate=1e-6, warmup_steps=2, weight_decays=[.04, .4], target_momentum_base=m0)
settle("ijepa_five_steps", ijepa, 5, oracle="facebookresearch/ijepa VisionTransformer, VisionTransformerPredictor, apply_masks, repeat_interleave_batch, WarmupCosineSchedule, CosineWDSchedule, MaskCollator; torch AdamW", betas=[.9, .999],
       order="target encoder on whole images, layer norm without affine (eps 1e-5) over features, tokens of the four targets; encoder on the context's tokens (positions added before they are chosen), predictor on them and on mask tokens at one target at a time; smooth L1, mean over all; step; target follows",
       decayed="everything of two or more dimensions: mask_token, too", note="context.k (n, tokens), target1..4.k (n, tokens): places in row-major order; prediction.0, goal.0: targets, then images; the predictor has as many heads as the encoder; positions are fixed", schedule="in the tensors")

def moco_v3_vit(name, shake):
    t, m0, lr, wd, steps = .2, (.9, .97)[size], (3e-4, 1e-4)[size], .1, 5; r = Run()
    class Timm(TimmVisionTransformer): num_tokens = 1  # what timm called num_prefix_tokens then
    ViT = borrow("moco-v3/vits.py", "VisionTransformerMoCo", VisionTransformer=Timm, PatchEmbed=PatchEmbed, reduce=reduce, mul=mul)
    net = MoCoV3ViT(lambda num_classes: ViT(stop_grad_conv1=True, img_size=SIDE2, num_classes=num_classes, norm_layer=partial(nn.LayerNorm, eps=1e-6), **VIT), dim=8, mlp_dim=24, T=t).double()  # positions are made in single precision
    for k, p in net.named_parameters():
        if "pos_embed" not in k and "momentum" not in k: p.data.add_(.05 * torch.randn_like(p))
    for p, q in zip(net.base_encoder.parameters(), net.momentum_encoder.parameters()): q.data.copy_(p)
    for k, b in net.named_buffers():
        if b.dtype.is_floating_point: b.add_(.1 * torch.rand_like(b))
    for k, p in net.momentum_encoder.named_parameters():
        if "pos_embed" not in k and "patch_embed" not in k: p.add_(.02 * torch.randn_like(p))
    shaken(net, shake); opt = torch.optim.AdamW(net.parameters(), lr, weight_decay=wd); w = Watched(opt, n_adamw); args = types.SimpleNamespace(lr=lr, warmup_epochs=2, epochs=steps, moco_m=m0); seen, momenta = {}, []
    r.rename = lambda k: k.replace("head.", "projection_head.layers.") if k.startswith("head.") else f"prediction_head.layers.{k}" if k[0].isdigit() else f"backbone.{k}"
    r.before(online=net.base_encoder, target=net.momentum_encoder); r.t.update(state("before", net.predictor, r.rename)); fixed = {k: v.clone() for k, v in net.base_encoder.state_dict().items() if "patch_embed" in k}
    for f in ("momentum_encoder", "predictor"): getattr(net, f).register_forward_hook(lambda mod, i, o, f=f: seen.setdefault(f, []).append(array(o).copy()))
    for k in range(steps):
        a, b = pair(N2 + 1, 3, SIDE2, SIDE2); r.images(k, view1=a, view2=b); moco3_rate(opt, float(k), args); m = moco3_momentum(float(k), args); momenta.append(m); seen.clear()
        loss = net(a, b, m); (q1, q2), (k1, k2) = seen["predictor"], seen["momentum_encoder"]; same(loss, 2 * t * (rows(q1, k2, t) + rows(q2, k1, t))); r.learn(k, loss, opt, w)
        if k == 0: r.t.update(grads("grad", net.predictor, r.rename))
    for k, v in fixed.items(): assert torch.equal(v, net.base_encoder.state_dict()[k]); same(net.momentum_encoder.state_dict()[k], v, 1e-13)
    r.t.update(state("after", net.predictor, r.rename)); r.t["target_momentum"] = torch.tensor(momenta)
    return r.end(temperature=t, weight_decay=wd, learning_rate=lr, target_momentum_base=m0, betas=[.9, .999], img_size=SIDE2, **VIT)
settle("moco_v3_vit_five_steps", moco_v3_vit, 5, oracle="facebookresearch/moco-v3 MoCo_ViT, VisionTransformerMoCo (on timm's ViT), adjust_learning_rate, adjust_moco_momentum; torch AdamW", decayed="everything that learns", schedule="lr*k/2 for k<2, then lr*0.5*(1+cos(pi*(k-2)/3)); momentum 1-(1-m0)*0.5*(1+cos(pi*k/5))",
       order="as moco_v3_ten_steps; patch_embed.proj never learns, positions are fixed (moco-v3's order of sines)")

print(len(written), "files", sum(b for _, b, _ in written), "bytes", checks, "checks; torch", torch.__version__, "torchvision", torchvision.__version__, "timm", timm.__version__, "lightly", lightly.__version__)
dist.destroy_process_group()
