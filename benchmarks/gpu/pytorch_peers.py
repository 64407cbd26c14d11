"""PyTorch's side of the GPU benchmark: the same steps and parts, in the fastest formulations that we know.

A peer is created for one case and one variant and provides `run(times)`. Variants:
  eager         autocast to bfloat16, channels last, fused AdamW, LARS over lists of tensors, SDPA
  graph         the same in one CUDA graph, except for a whole step's augmentation: torchvision draws on the host
  compile       torch.compile
  max-autotune  torch.compile with mode max-autotune
Augmentation is torchvision's v2 on the device. It uses the same crop and colors for all images of a batch, which is less work
than pretext's and favors PyTorch; kornia, where it is installed, draws for each image.
"""

import torch
from torch import nn
from torchvision.models import resnet50

from networks import kornia_view, model_of, simclr_view, sizes, two
from peer.contrastive import nt_xent
from peer.optimisers import ForeachLars, by_decay

REPETITIONS = 20  # of a part within one graph, as in repeated_part.hpp


def capture(work):
    """`work()` as a CUDA graph, after a few runs on another stream."""
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

    repetitions = 1

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
    """A part of a step: `work()`; with a graph, REPETITIONS times per launch."""

    def __init__(self, work, variant):
        self.work, self.graph, self.repetitions = work, None, 1
        if variant.endswith("graph"):
            self.repetitions = REPETITIONS
            self.graph = capture(lambda: [work() for _ in range(REPETITIONS)])

    def run(self, times):
        for _ in range(0, times, self.repetitions):
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
    target, lars = [p.detach().clone() for p in parameters], ForeachLars(parameters, rate=1e-6)

    @torch.no_grad()
    def work():
        lars.step()
        torch._foreach_lerp_(target, parameters, 0.004)

    return Part(work, variant)


def attention_part(variant, batch, device):
    """From packed qkv to its packed gradient, as in timm's blocks."""
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
    """The peer of a case; raises LookupError if the variant is not available."""
    if case in sizes(tiny):
        return Step(case, variant, batch, device, tiny)
    tiny_batch = 4 if tiny else None
    if case.startswith("augment"):
        return augmentation_part(variant, *((32, 32, tiny_batch or 512) if case == "augment-32" else (256, 224, tiny_batch or 256)), device)
    if case.startswith("nt-xent"):
        return contrastive_part(variant, 16 if tiny else int(case.split("-")[-1]), device)
    if case == "attention-50":
        return attention_part(variant, tiny_batch or batch or 256, device)
    return optimiser_part(variant, device)
