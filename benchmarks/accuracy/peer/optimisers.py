"""Optimisers and schedules as pretext's programs use them."""

import math

import torch


class Lars(torch.optim.Optimizer):
    """LARS as in BYOL's code: g += wd w, g *= eta |w| / |g|, v = m v + g, w -= lr v; vectors (batch norm, biases) get
    neither decay nor adaptation."""

    def __init__(self, params, lr, momentum, weight_decay, eta=1e-3):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay, eta=eta))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                step = p.grad
                if p.ndim > 1:
                    step = step + group["weight_decay"] * p
                    w, g = p.norm(), step.norm()
                    step = step * torch.where((w > 0) & (g > 0), group["eta"] * w / g, torch.ones(()))
                v = self.state[p].setdefault("v", torch.zeros_like(p))
                v.mul_(group["momentum"]).add_(step)
                p.sub_(v, alpha=group["lr"])


class ForeachLars:
    """LARS as in SimCLR's code, over lists of tensors and without a synchronisation: v = m v + lr eta |w| / |g + wd w|
    (g + wd w), w -= v; vectors get neither decay nor adaptation."""

    def __init__(self, parameters, rate=1e-3, momentum=0.9, decay=1e-6, trust=1e-3):
        self.rate, self.momentum, self.decay, self.trust = rate, momentum, decay, trust
        parameters = [p for p in parameters if p.requires_grad]
        self.matrices = [p for p in parameters if p.ndim > 1]
        self.vectors = [p for p in parameters if p.ndim <= 1]
        self.velocity = {p: torch.zeros_like(p) for p in parameters}

    @torch.no_grad()
    def step(self):
        w, g = self.matrices, [p.grad for p in self.matrices]
        v = [self.velocity[p] for p in w]
        decayed = torch._foreach_add(g, w, alpha=self.decay)
        ratios = torch._foreach_div(torch._foreach_norm(w), torch._foreach_norm(decayed))
        torch._foreach_mul_(decayed, [self.trust * self.rate * r for r in ratios])
        torch._foreach_mul_(v, self.momentum)
        torch._foreach_add_(v, decayed)
        torch._foreach_sub_(w, v)
        w, g = self.vectors, [p.grad for p in self.vectors]
        v = [self.velocity[p] for p in w]
        torch._foreach_mul_(v, self.momentum)
        torch._foreach_add_(v, g, alpha=self.rate)
        torch._foreach_sub_(w, v)


def by_decay(named_parameters, weight_decay, spared=()):
    """Parameter groups: vectors, and parameters named in `spared`, have no weight decay."""
    decayed, free = [], []
    for name, p in named_parameters:
        if p.requires_grad:
            (free if p.ndim <= 1 or name in spared else decayed).append(p)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


def joint_optimiser(args, *modules):
    """The optimiser of the joint-embedding programs: --optimizer, --lr, --momentum, --weight-decay."""
    named = [(f"{i}.{name}", p) for i, module in enumerate(modules) for name, p in module.named_parameters()]
    if args.optimizer == "lars":
        return Lars([p for _, p in named], args.learning_rate, args.momentum, args.weight_decay)
    return torch.optim.SGD(by_decay(named, args.weight_decay), args.learning_rate, momentum=args.momentum,
                           nesterov=args.optimizer == "nesterov")


def warm_cosine(step, steps, warmup, peak, end=0.0, after_start=False):
    """Linear warm-up over `warmup` steps, then half a cosine to `end`. Step k of w has rate k/w, or (k + 1)/w if no
    step may have rate 0."""
    if step < warmup:
        return peak * (step + after_start) / warmup
    return end + (peak - end) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def target_momentum(step, steps, base):
    """BYOL's tau: from `base` to 1 along half a cosine."""
    return 1 - (1 - base) * (math.cos(math.pi * step / steps) + 1) / 2


def set_rate(optimiser, rate):
    """Sets the learning rate of each group, multiplied by its `scale` if it has one."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)
