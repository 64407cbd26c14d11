"""MAE on a folder of 32x32 JPEG images, in PyTorch: the peer of `pretrain mae`.

The algorithm of the official code on timm's blocks; crop and flip are the only augmentations. --save writes the encoder
for finetune_pytorch.py. Everything runs on the CPU.
"""

import torch
from safetensors.torch import save_file

from peer.images import Batches, to_unit
from peer.optimisers import by_decay, set_rate, warm_cosine
from peer.run import Run, parser
from peer.views import View
from peer.vit import VIT_MICRO, MaskedAutoencoder

p = parser(__doc__)
p.add_argument("--epochs", type=int, default=20)
p.add_argument("--batch", type=int, default=128)
p.add_argument("--encoder", type=int, nargs=3, default=VIT_MICRO, help="width, depth, heads")
p.add_argument("--patch", type=int, default=4)
p.add_argument("--decoder", type=int, nargs=3, default=(96, 2, 3), help="width, depth, heads")
p.add_argument("--mask-ratio", type=float, default=0.75)
p.add_argument("--pixels", action="store_true", help="plain pixels as the target, not normalised ones")
p.add_argument("--learning-rate", type=float, default=1e-3, help="peak learning rate, as is")
p.add_argument("--beta2", type=float, default=0.95)
p.add_argument("--weight-decay", type=float, default=0.05, help="not on vectors")
p.add_argument("--warmup-epochs", type=float, default=1)
p.add_argument("--min-area", type=float, default=0.2)
p.add_argument("--kernel", choices=("bilinear", "bicubic"), default="bicubic")
p.add_argument("--normalise", choices=("none", "cifar", "imagenet"), default="imagenet")
p.add_argument("--save", help="file for the encoder (.safetensors)")
args = p.parse_args()
run = Run(args)

model = MaskedAutoencoder(run.images.train.shape[2], args.patch, args.encoder, args.decoder,
                          args.mask_ratio, not args.pixels)
view = View(area=(args.min_area, 1.0), kernel=args.kernel, statistics=args.normalise)
batches = Batches(len(run.images.train), args.batch, run.g)
steps, warmup = args.epochs * batches.per_epoch, round(args.warmup_epochs * batches.per_epoch)
optimiser = torch.optim.AdamW(by_decay(model.named_parameters(), args.weight_decay), args.learning_rate, betas=(0.9, args.beta2))


def step(k):
    images = view(to_unit(run.images.train[next(batches)]), run.g)
    loss = model(images, run.g)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    set_rate(optimiser, warm_cosine(k, steps, warmup, args.learning_rate, after_start=True))
    optimiser.step()
    return loss.detach()


run.train(steps, step)
if args.save:
    save_file(model.encoder_state(), args.save)
run.finish()
