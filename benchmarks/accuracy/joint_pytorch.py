"""SimSiam, MoCo v2, Barlow Twins, VICReg, SwAV or DINO on a folder of 32x32 JPEG images, in PyTorch: the peer of
`pretrain METHOD`.

Thin ResNet-18 with the CIFAR stem, lightly's heads and losses in the sizes of pretext's programs, and a weighted
k-nearest-neighbour evaluation of the backbone feature. Views, optimiser and schedule are pretext's. Everything runs on
the CPU.
"""

import copy

import torch
from lightly.loss import BarlowTwinsLoss, DINOLoss, NegativeCosineSimilarity, NTXentLoss, SwaVLoss, VICRegLoss
from lightly.models.modules import heads
from lightly.models.utils import update_momentum
from torch import nn

from peer.images import Batches, to_unit
from peer.nearest import knn_accuracy
from peer.optimisers import by_decay, target_momentum, warm_cosine
from peer.resnet import ResNet18
from peer.run import Run, parser
from peer.views import View

METHODS = ("simsiam", "moco_v2", "barlow_twins", "vicreg", "swav", "dino")
p = parser(__doc__)
p.add_argument("--method", choices=METHODS, required=True)
p.add_argument("--epochs", type=int, default=2)
p.add_argument("--batch", type=int, default=128, help="images per step; twice as many views")
p.add_argument("--optimizer", choices=("sgd", "adamw"), default="sgd", help="sgd: with Nesterov's momentum")
p.add_argument("--learning-rate", type=float, required=True, help="peak learning rate, as is")
p.add_argument("--momentum", type=float, default=0.9)
p.add_argument("--betas", type=float, nargs=2, default=(0.9, 0.95), help="of AdamW")
p.add_argument("--weight-decay", type=float, required=True, help="on weights of two or more dimensions only")
p.add_argument("--warmup-epochs", type=float, default=0.0)
p.add_argument("--target-momentum", type=float, default=0.99)
p.add_argument("--rising-momentum", action="store_true", help="to 1 along half a cosine; else it is constant")
p.add_argument("--minimum-area", type=float, default=0.2)
p.add_argument("--jitter", type=float, default=0.5, help="strength s: .8s .8s .8s .2s, or .8s .8s .4s .2s in BYOL's views")
p.add_argument("--normalise", choices=("none", "cifar", "imagenet"), default="cifar")
p.add_argument("--width", type=int, default=16, help="channels of the first stage")
args = p.parse_args()
run = Run(args)

backbone = ResNet18(args.width).to(memory_format=torch.channels_last)
feature_width = backbone.features
hidden = 4 * feature_width
s, area = args.jitter, (args.minimum_area, 1.0)
simclr_view = View(area=area, jitter=(0.8 * s, 0.8 * s, 0.8 * s, 0.2 * s), gray=0.2, statistics=args.normalise)
byol_views = [View(area=area, jitter=(0.8 * s, 0.8 * s, 0.4 * s, 0.2 * s), gray=0.2, solarize=probability,
                   statistics=args.normalise) for probability in (0.0, 0.2)]
views = byol_views if args.method in ("barlow_twins", "vicreg", "dino") else (simclr_view, simclr_view)


def feature(x):
    return backbone(x.contiguous(memory_format=torch.channels_last))


def without_bias(head):
    """lightly's last layer has a bias, pretext's has none, as in the official codes."""
    head.layers[-1].register_parameter("bias", None)
    return head


class SimSiam:
    """A predictor whose learning rate stays constant; each view has batch statistics of its own."""

    def __init__(self):
        self.head = heads.SimSiamProjectionHead(feature_width, hidden, hidden)
        self.group1 = heads.SimSiamPredictionHead(hidden, feature_width, hidden)
        self.distance = NegativeCosineSimilarity()

    def loss(self, x0, x1, k):
        z0, z1 = self.head(feature(x0)), self.head(feature(x1))
        q0, q1 = self.group1(z0), self.group1(z1)
        return (self.distance(q0, z1.detach()) + self.distance(q1, z0.detach())) / 2

    def rate_of_group1(self, rate, k):
        return args.learning_rate


class WithTarget:
    """A head, and a moving average of backbone and head."""

    def __init__(self, make_head):
        self.head, of_target = make_head(), make_head()
        of_target.load_state_dict(self.head.state_dict())
        self.target = nn.Sequential(copy.deepcopy(backbone), of_target).requires_grad_(False)

    def move(self, k):
        m = target_momentum(k, steps, args.target_momentum) if args.rising_momentum else args.target_momentum
        update_momentum(nn.Sequential(backbone, self.head), self.target, m)

    def embed(self, x):
        with torch.no_grad():
            return self.target(x.contiguous(memory_format=torch.channels_last))


class MoCoV2(WithTarget):
    """One direction, a queue of 4096 keys; the target moves before the step."""

    def __init__(self):
        super().__init__(lambda: heads.MoCoProjectionHead(feature_width, feature_width, 128))
        self.contrast = NTXentLoss(temperature=0.1, memory_bank_size=(4096 // args.batch * args.batch, 128))

    def loss(self, x0, x1, k):
        self.move(k)
        return self.contrast(self.head(feature(x0)), self.embed(x1))


class Separate:
    """A head and a symmetric loss; each view has batch statistics of its own."""

    def __init__(self, head, loss):
        self.head, self.compare = without_bias(head), loss

    def loss(self, x0, x1, k):
        return self.compare(self.head(feature(x0)), self.head(feature(x1)))


class SwAV:
    """512 prototypes of unit length, frozen in the first epoch."""

    def __init__(self):
        self.head = heads.SwaVProjectionHead(feature_width, hidden, 128)
        self.group1 = heads.SwaVPrototypes(128, 512)
        self.compare = SwaVLoss(temperature=0.1, sinkhorn_iterations=3, sinkhorn_epsilon=0.05)

    def loss(self, x0, x1, k):
        self.group1.normalize()
        z = nn.functional.normalize(self.head(feature(torch.cat([x0, x1]))), dim=1)
        return self.compare(list(self.group1(z).chunk(2)), [])

    def rate_of_group1(self, rate, k):
        return None if k < batches.per_epoch else rate


class DINO(WithTarget):
    """2048 prototypes, a constant teacher temperature of 0.04, the last layer frozen in the first epoch."""

    def __init__(self):
        super().__init__(lambda: heads.DINOProjectionHead(feature_width, hidden, 256, 2048, batch_norm=True))
        self.group1 = self.head.last_layer
        self.compare = DINOLoss(output_dim=2048, warmup_teacher_temp=0.04, teacher_temp=0.04,
                                warmup_teacher_temp_epochs=1)

    def loss(self, x0, x1, k):
        both = torch.cat([x0, x1])
        return self.compare(list(self.embed(both).chunk(2)), list(self.head(feature(both)).chunk(2)))

    def after(self, k):
        self.move(k)

    def rate_of_group1(self, rate, k):
        return None if k < batches.per_epoch else rate


method = {
    "simsiam": SimSiam,
    "moco_v2": MoCoV2,
    "barlow_twins": lambda: Separate(heads.BarlowTwinsProjectionHead(feature_width, hidden, hidden),
                                     BarlowTwinsLoss(lambda_param=5e-3)),
    "vicreg": lambda: Separate(heads.VICRegProjectionHead(feature_width, hidden, hidden), VICRegLoss()),
    "swav": SwAV,
    "dino": DINO,
}[args.method]()

batches = Batches(len(run.images.train), args.batch, run.g)
steps, warmup = args.epochs * batches.per_epoch, round(args.warmup_epochs * batches.per_epoch)
second = [*method.group1.named_parameters()] if hasattr(method, "group1") else []
names = {id(parameter) for _, parameter in second}
first = [(f"{i}.{name}", parameter) for i, module in enumerate((backbone, method.head))
         for name, parameter in module.named_parameters() if id(parameter) not in names]
groups = [group | {"second": i == 1} for i, named in enumerate((first, second)) for group in
          by_decay(named, args.weight_decay) if group["params"]]
if args.optimizer == "sgd":
    optimiser = torch.optim.SGD(groups, args.learning_rate, momentum=args.momentum, nesterov=True)
else:
    optimiser = torch.optim.AdamW(groups, args.learning_rate, betas=tuple(args.betas))


def step(k):
    x = to_unit(run.images.train[next(batches)])
    x0, x1 = (view(x, run.g) for view in views)
    loss = method.loss(x0, x1, k)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    rate = warm_cosine(k, steps, warmup, args.learning_rate, after_start=True)
    for group in optimiser.param_groups:
        group["lr"] = rate
        if group["second"]:
            group["lr"] = method.rate_of_group1(rate, k)
            if group["lr"] is None:  # frozen: the optimizer leaves out what has no gradient
                group["lr"] = rate
                for parameter in group["params"]:
                    parameter.grad = None
    optimiser.step()
    if hasattr(method, "after"):
        method.after(k)
    return loss.detach()


if run.train(steps, step):
    backbone.eval()
    run.measure("knn", lambda: knn_accuracy(feature, run.images, args.normalise))
run.finish()
