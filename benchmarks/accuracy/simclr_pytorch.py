"""SimCLR on a folder of 32x32 JPEG images, in PyTorch: the peer of `pretrain simclr`.

Thin ResNet-18 with the CIFAR stem, lightly's projection head and NT-Xent loss, and a weighted k-nearest-neighbour
evaluation of the backbone feature. Everything runs on the CPU.
"""

import torch
from lightly.loss import NTXentLoss
from lightly.models.modules.heads import SimCLRProjectionHead

from peer.images import Batches, to_unit
from peer.nearest import knn_accuracy
from peer.optimisers import joint_optimiser, set_rate, warm_cosine
from peer.resnet import ResNet18
from peer.run import Run, parser
from peer.views import View

p = parser(__doc__)
p.add_argument("--epochs", type=int, default=2)
p.add_argument("--batch", type=int, default=128, help="images per step; twice as many views")
p.add_argument("--optimizer", choices=("sgd", "nesterov", "lars"), default="nesterov")
p.add_argument("--learning-rate", type=float, default=0.4, help="peak learning rate, as is")
p.add_argument("--momentum", type=float, default=0.9)
p.add_argument("--weight-decay", type=float, default=1e-4, help="on weights of two or more dimensions only")
p.add_argument("--warmup-epochs", type=float, default=0.2)
p.add_argument("--temperature", type=float, default=0.2)
p.add_argument("--jitter", type=float, default=0.5, help="strength s: .8s .8s .8s .2s")
p.add_argument("--min-area", type=float, default=0.2)
p.add_argument("--normalise", choices=("none", "cifar", "imagenet"), default="cifar")
p.add_argument("--width", type=int, default=16, help="channels of the first stage")
p.add_argument("--baselines", action="store_true", help="also evaluate raw pixels and the untrained backbone")
p.add_argument("--save", help="file for the backbone weights (.safetensors)")
args = p.parse_args()
run = Run(args)

backbone = ResNet18(args.width).to(memory_format=torch.channels_last)
head = SimCLRProjectionHead(backbone.features, backbone.features, 128)
head.layers[-1].bias.requires_grad_(False)  # the last batch norm has no shift, as in the official code
criterion = NTXentLoss(temperature=args.temperature)
s = args.jitter
view = View(area=(args.min_area, 1.0), jitter=(0.8 * s, 0.8 * s, 0.8 * s, 0.2 * s), gray=0.2, statistics=args.normalise)


def feature(x):
    return backbone(x.contiguous(memory_format=torch.channels_last))


if args.baselines:
    backbone.eval()
    run.measure("knn_pixels", lambda: knn_accuracy(lambda x: x, run.images, args.normalise))
    run.measure("knn_untrained", lambda: knn_accuracy(feature, run.images, args.normalise))
    backbone.train()

batches = Batches(len(run.images.train), args.batch, run.g)
steps, warmup = args.epochs * batches.per_epoch, round(args.warmup_epochs * batches.per_epoch)
optimiser = joint_optimiser(args, backbone, head)


def step(k):
    x = to_unit(run.images.train[next(batches)])
    z0, z1 = head(feature(view(torch.cat([x, x]), run.g))).chunk(2)
    loss = criterion(z0, z1)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    set_rate(optimiser, warm_cosine(k, steps, warmup, args.learning_rate, after_start=True))
    optimiser.step()
    return loss.detach()


if run.train(steps, step):
    backbone.eval()
    run.measure("knn", lambda: knn_accuracy(feature, run.images, args.normalise))
if args.save:
    from safetensors.torch import save_file

    save_file({k: v.contiguous() for k, v in backbone.state_dict().items()}, args.save)
run.finish()
