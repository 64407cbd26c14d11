"""BYOL on a folder of 32x32 JPEG images, in PyTorch: the peer of `pretrain byol`.

Thin ResNet-18 with the CIFAR stem, lightly's heads, loss and moving average, and a weighted k-nearest-neighbour
evaluation of the backbone feature. The two views pass separately. The target is in training mode; the moving average
covers its parameters only. Everything runs on the CPU.
"""

import copy

import torch
from lightly.loss import NegativeCosineSimilarity
from lightly.models.modules.heads import BYOLPredictionHead, BYOLProjectionHead
from lightly.models.utils import update_momentum
from torch import nn

from peer.images import Batches, to_unit
from peer.nearest import extract, knn_accuracy
from peer.optimisers import joint_optimiser, set_rate, target_momentum, warm_cosine
from peer.resnet import ResNet18
from peer.run import Run, parser
from peer.views import View, one_shot_box, retried_box

p = parser(__doc__)
p.add_argument("--epochs", type=int, default=2)
p.add_argument("--batch", type=int, default=64, help="images per step; twice as many views")
p.add_argument("--optimizer", choices=("sgd", "nesterov", "lars"), default="nesterov")
p.add_argument("--learning-rate", type=float, default=0.2, help="peak learning rate, as is")
p.add_argument("--momentum", type=float, default=0.9)
p.add_argument("--weight-decay", type=float, default=1e-4, help="on weights of two or more dimensions only")
p.add_argument("--warmup-epochs", type=float, default=0.2)
p.add_argument("--target-momentum", type=float, default=0.99, help="decay of the target's moving average at the start")
p.add_argument("--min-area", type=float, default=0.2)
p.add_argument("--sampler", choices=("retried", "one-shot"), default="retried")
p.add_argument("--kernel", choices=("bilinear", "bicubic"), default="bilinear")
p.add_argument("--formulas", choices=("torchvision", "tensorflow"), default="torchvision")
p.add_argument("--jitter", type=float, nargs=4, default=(0.4, 0.4, 0.2, 0.1))
p.add_argument("--gray", type=float, default=0.2)
p.add_argument("--blur", type=float, nargs=2, default=(0.0, 0.0), help="probability in the first and second view")
p.add_argument("--solarize", type=float, nargs=2, default=(0.0, 0.2), help="probability in the first and second view")
p.add_argument("--normalise", choices=("none", "cifar", "imagenet"), default="cifar")
p.add_argument("--width", type=int, default=16, help="channels of the first stage")
p.add_argument("--hidden", type=int, default=256, help="of projector and predictor")
p.add_argument("--out-dim", type=int, default=128)
p.add_argument("--baselines", action="store_true", help="also evaluate the untrained backbone")
args = p.parse_args()
run = Run(args)

backbone = ResNet18(args.width).to(memory_format=torch.channels_last)
projector = BYOLProjectionHead(backbone.features, args.hidden, args.out_dim)
predictor = BYOLPredictionHead(args.out_dim, args.hidden, args.out_dim)
for head in (projector, predictor):
    head.layers[-1].register_parameter("bias", None)  # the last layer has no bias, as in the official code
online = nn.Sequential(backbone, projector)
target = copy.deepcopy(online).requires_grad_(False)
distance = NegativeCosineSimilarity()


def view(i):
    return View(area=(args.min_area, 1.0), sampler=one_shot_box if args.sampler == "one-shot" else retried_box,
                kernel=args.kernel, jitter=tuple(args.jitter), formulas=args.formulas, gray=args.gray,
                blur=args.blur[i], solarize=args.solarize[i], statistics=args.normalise)


views = (view(0), view(1))


def feature(x):
    return backbone(x.contiguous(memory_format=torch.channels_last))


if args.baselines:
    backbone.eval()
    run.measure("knn_untrained", lambda: knn_accuracy(feature, run.images, args.normalise))
    backbone.train()

batches = Batches(len(run.images.train), args.batch, run.g)
steps, warmup = args.epochs * batches.per_epoch, round(args.warmup_epochs * batches.per_epoch)
optimiser = joint_optimiser(args, online, predictor)


def step(k):
    x = to_unit(run.images.train[next(batches)])
    v0, v1 = (v(x, run.g).contiguous(memory_format=torch.channels_last) for v in views)
    with torch.no_grad():
        z0, z1 = target(v0), target(v1)
    q0, q1 = predictor(online(v0)), predictor(online(v1))
    loss = 4 + 2 * (distance(q0, z1) + distance(q1, z0))  # 2 - 2 cos, both directions summed
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    set_rate(optimiser, warm_cosine(k, steps, warmup, args.learning_rate, after_start=True))
    optimiser.step()
    update_momentum(online, target, target_momentum(k, steps, args.target_momentum))
    return loss.detach()


if run.train(steps, step):
    backbone.eval()
    run.measure("knn", lambda: knn_accuracy(feature, run.images, args.normalise))
    h = extract(feature, run.images.test, args.normalise)
    run.result["feature_spread"] = round(float(h.std(0).mean()) * h.shape[1] ** 0.5, 4)  # 1: even in all directions
run.finish()
