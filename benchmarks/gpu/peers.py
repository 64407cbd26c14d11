"""PyTorch's side of the GPU benchmark: the same steps and parts, written as fast as we know.

A peer is made for one case and one variant and has `run(times)`. Variants:
  eager         autocast to bfloat16, channels last, fused AdamW, LARS over lists of tensors, SDPA
  graph         the same in one CUDA graph; a whole step's augmentation stays outside, since torchvision draws on the host
  compile       torch.compile
  max-autotune  torch.compile that tries every algorithm it has
Augmentation is torchvision's v2 on the device, a whole batch at a time: all images of a batch get the same crop and colours,
which is less work than ours and flatters PyTorch; kornia's, where it is installed, draws for each image.
"""

import torch
from torch import nn
from torchvision.models import resnet50
from torchvision.transforms import v2

from peer.contrastive import ProjectionHead, nt_xent
from peer.optimisers import ForeachLars, by_decay
from peer.resnet import ResNet18
from peer.vit import MaskedAutoencoder

IN_A_ROW = 20  # of a part, in one graph; benchmarks/gpu/repeated_part.hpp
NORMALISE = v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class Simclr(nn.Module):
    def __init__(self, backbone, features):
        super().__init__()
        backbone.fc = nn.Identity()
        self.backbone, self.projection_head = backbone, ProjectionHead(features)

    def forward(self, views):
        return nt_xent(self.projection_head(self.backbone(views)).float())


class Mae(MaskedAutoencoder):
    """Masks are drawn on the device, or given: where each patch stands in its image's order."""

    restore = None

    def random_masking(self, n, g):
        device = self.cls_token.device
        order = torch.rand(n, self.length, device=device).argsort(1) if self.restore is None else self.restore.argsort(1)
        restore = order.argsort(1)
        return order[:, : self.kept], restore, (restore >= self.kept).float()

    def forward(self, views):
        return super().forward(views, None)


def two(view):
    return lambda images: torch.cat([view(images), view(images)])


def simclr_view(side, blur):
    jitter = v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], 0.8)
    view = [v2.RandomResizedCrop(side, antialias=False), v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True),
            jitter, v2.RandomGrayscale(0.2)]
    return v2.Compose(view + ([v2.RandomApply([v2.GaussianBlur(23, (0.1, 2.0))], 0.5)] if blur else []))


def kornia_view(side, blur):
    """One draw for each image; None where kornia is not installed."""
    try:
        from kornia import augmentation as k
    except ImportError:
        return None
    view = [k.RandomResizedCrop((side, side)), k.RandomHorizontalFlip(), k.ColorJitter(0.4, 0.4, 0.4, 0.1, p=0.8),
            k.RandomGrayscale(p=0.2)] + ([k.RandomGaussianBlur((23, 23), (0.1, 2.0), p=0.5)] if blur else [])
    made = k.AugmentationSequential(*view, same_on_batch=False)
    return lambda images: made(images.float() / 255)


def mae_view(side):
    return v2.Compose([v2.RandomResizedCrop(side, (0.2, 1), interpolation=v2.InterpolationMode.BICUBIC, antialias=True),
                       v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True), NORMALISE])


def sizes(tiny):
    """By case: image side, side of the views, batch; and of a ViT, width, depth and heads of encoder and decoder."""
    if tiny:
        return {"simclr-resnet18": (32, 32, 4), "simclr-resnet50": (40, 32, 2),
                "mae-vit-base": (40, 32, 4, (32, 2, 2), (32, 1, 2)), "mae-vit-large": (40, 32, 4, (32, 2, 2), (32, 1, 2))}
    return {"simclr-resnet18": (32, 32, 512), "simclr-resnet50": (256, 224, 256),
            "mae-vit-base": (256, 224, 256, (768, 12, 12), (512, 8, 16)),
            "mae-vit-large": (256, 224, 256, (1024, 24, 16), (512, 8, 16))}


def model_of(case, tiny=False):
    """Network and loss of a whole step, and its augmentation."""
    _, side, _, *widths = sizes(tiny)[case]
    if case == "simclr-resnet18":
        return Simclr(ResNet18(64), 512), two(simclr_view(side, False))
    if case == "simclr-resnet50":
        return Simclr(resnet50(), 2048), two(simclr_view(side, True))
    return Mae(side, 16, *widths), mae_view(side)


def capture(work):
    """`work()` as a CUDA graph, after it has run a few times apart."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph


class Step:
    """Whole steps."""

    in_a_row = 1

    def __init__(self, case, variant, batch, device, tiny):
        image, _, usual, *_ = sizes(tiny)[case]
        model, self.augment = model_of(case, tiny)
        self.device, self.convolutions = device, case.startswith("simclr")
        model = model.to(device, memory_format=torch.channels_last if self.convolutions else torch.preserve_format)
        self.images = torch.randint(0, 256, (batch or usual, 3, image, image), dtype=torch.uint8, device=device)
        if self.convolutions:
            self.optimiser = ForeachLars(model.parameters(), rate=0.1)
        else:
            fused = dict(fused=True, capturable=True) if device == "cuda" else {}
            self.optimiser = torch.optim.AdamW(by_decay(model.named_parameters(), 0.05), 1e-4, betas=(0.9, 0.95), **fused)
        self.parameters = list(model.parameters())
        if variant in ("compile", "max-autotune"):
            model = torch.compile(model, mode=None if variant == "compile" else variant)
        self.model, self.graph = model, None
        if variant == "graph":
            self.views = self.make_views()
            self.graph = capture(lambda: self.learn(self.views))

    def make_views(self):
        views = self.augment(self.images)
        return views.contiguous(memory_format=torch.channels_last) if self.convolutions else views

    def learn(self, views):
        for p in self.parameters:
            p.grad = None
        with torch.autocast(self.device, torch.bfloat16):
            loss = self.model(views)
        loss.backward()
        self.optimiser.step()

    def run(self, times):
        for _ in range(times):
            if self.graph is None:
                torch.compiler.cudagraph_mark_step_begin()
                self.learn(self.make_views())
            else:
                self.views.copy_(self.make_views())
                self.graph.replay()


class Part:
    """A part of a step: `work()`, in a graph IN_A_ROW times."""

    def __init__(self, work, variant):
        self.work, self.graph, self.in_a_row = work, None, 1
        if variant.endswith("graph"):
            self.in_a_row = IN_A_ROW
            self.graph = capture(lambda: [work() for _ in range(IN_A_ROW)])

    def run(self, times):
        for _ in range(0, times, self.in_a_row):
            self.work() if self.graph is None else self.graph.replay()


def contrastive_part(variant, rows, device):
    z = torch.randn(rows, 128, device=device, requires_grad=True)
    loss = nt_xent if variant in ("eager", "graph") else torch.compile(
        nt_xent, mode="max-autotune-no-cudagraphs" if variant == "max-autotune" else None)

    def work():
        z.grad = None
        with torch.autocast(device, torch.bfloat16):
            value = loss(z)
        value.backward()

    return Part(work, variant)


def optimiser_part(variant, device):
    parameters = [p.detach().to(device).requires_grad_() for p in resnet50().parameters()]
    for p in parameters:
        p.grad = torch.randn_like(p)
    slow, lars = [p.detach().clone() for p in parameters], ForeachLars(parameters, rate=1e-6)

    @torch.no_grad()
    def work():
        lars.step()
        torch._foreach_lerp_(slow, parameters, 0.004)

    return Part(work, variant)


def attention_part(variant, batch, device):
    """From the packed product to the packed gradient, as timm's blocks call it."""
    qkv = torch.randn(batch, 50, 3 * 768, device=device, dtype=torch.bfloat16, requires_grad=True)
    dy = torch.randn(batch, 50, 768, device=device, dtype=torch.bfloat16)

    def attend(x):
        q, k, v = x.view(batch, 50, 3, 12, 64).permute(2, 0, 3, 1, 4).unbind(0)
        return nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, 50, 768)

    attended = attend if variant in ("eager", "graph") else torch.compile(attend)

    def work():
        qkv.grad = None
        attended(qkv).backward(dy)

    return Part(work, variant)


def augmentation_part(variant, image, side, batch, device):
    images = torch.randint(0, 256, (batch, 3, image, image), dtype=torch.uint8, device=device)
    view = (kornia_view if variant == "kornia" else simclr_view)(side, side > 32)
    if view is None:
        raise LookupError("kornia is not installed")
    return Part(lambda: two(view)(images), variant)


COMPILED = ("graph", "compile", "compile graph", "max-autotune")
VARIANTS = {
    **{case: ("eager", "graph", "compile", "max-autotune") for case in sizes(False)},
    "augment-32": ("eager", "kornia"), "augment-224": ("eager", "kornia"),
    "nt-xent-1024": ("eager", *COMPILED), "nt-xent-8192": ("eager", *COMPILED),
    "lars-and-average": ("eager", "graph"), "attention-50": ("eager", "graph", "compile graph"),
}


def make(case, variant, batch, device, tiny=False):
    """The peer of a case; throws LookupError for a variant that is not to be had here."""
    if case in sizes(tiny):
        return Step(case, variant, batch, device, tiny)
    few = 4 if tiny else None
    if case.startswith("augment"):
        return augmentation_part(variant, *((32, 32, few or 512) if case == "augment-32" else (256, 224, few or 256)), device)
    if case.startswith("nt-xent"):
        return contrastive_part(variant, 16 if tiny else int(case.split("-")[-1]), device)
    if case == "attention-50":
        return attention_part(variant, few or batch or 256, device)
    return optimiser_part(variant, device)


def losses_on(case, state, views, restore, device, tiny=False):
    """The loss of a step with these weights, views (n, 3, H, W) and masks: in float32 and under autocast."""
    model, _ = model_of(case, tiny)
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or any(not name.endswith(("num_batches_tracked", "layers.4.bias")) for name in missing):
        raise ValueError(f"the weights of {case} do not fit: missing {missing}, unexpected {unexpected}")
    model = model.to(device)
    if restore is not None:
        model.restore = restore.to(device)
    found = []
    for rounded in (False, True):
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=rounded):
            found.append(model(views.to(device)).item())
    return found
