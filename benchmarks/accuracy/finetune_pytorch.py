"""Fine-tuning of a ViT on a part of the labels, in PyTorch: the peer of `finetune`.

--encoder-file is what mae_pytorch.py --save wrote, or pretext's encoder.safetensors; without it the same network starts
from MAE's initialisation. --labelled names the training images, one <class>/<file> to a line, as `finetune` writes them
to labelled.txt; without it the same number of every class is drawn by seed. Everything runs on the CPU.
"""

import torch
from safetensors.torch import load_file
from torch import nn

from peer.images import Batches, normalise, to_unit
from peer.optimisers import set_rate, warm_cosine
from peer.run import Run, parser
from peer.views import View
from peer.vit import VIT_MICRO, classifier, layer_of

p = parser(__doc__)
p.add_argument("--encoder-file", dest="encoder_file", help="pretrained encoder (.safetensors)")
p.add_argument("--labelled", help="text file with the labelled training images")
p.add_argument("--per-class", type=int, default=500, help="labelled images of each class where --labelled is absent")
p.add_argument("--epochs", type=int, default=20)
p.add_argument("--batch", type=int, default=64)
p.add_argument("--encoder", type=int, nargs=3, default=VIT_MICRO, help="width, depth, heads")
p.add_argument("--patch", type=int, default=4)
p.add_argument("--learning-rate", type=float, default=1e-3, help="peak learning rate, as is")
p.add_argument("--min-lr", type=float, default=1e-6)
p.add_argument("--layer-decay", type=float, default=0.75)
p.add_argument("--weight-decay", type=float, default=0.05, help="not on vectors, positions and the class token")
p.add_argument("--warmup-epochs", type=float, default=2)
p.add_argument("--smoothing", type=float, default=0.1, help="of the labels")
p.add_argument("--min-area", type=float, default=0.35)
p.add_argument("--kernel", choices=("bilinear", "bicubic"), default="bicubic")
p.add_argument("--normalise", choices=("none", "cifar", "imagenet"), default="imagenet")
args = p.parse_args()
run = Run(args)
run.result["settings"]["start"] = "pretrained" if args.encoder_file else "scratch"

if args.labelled:
    rows = run.images.rows_of(args.labelled)
else:
    order = torch.randperm(len(run.images.labels), generator=run.g)
    rows = torch.cat([order[run.images.labels[order] == c][: args.per_class]
                      for c in range(int(run.images.labels.max()) + 1)])
images, labels = run.images.train[rows], run.images.labels[rows]
classes = int(labels.max()) + 1

depth = args.encoder[1]
model = classifier(images.shape[2], args.patch, args.encoder, classes,
                   load_file(args.encoder_file) if args.encoder_file else None)
view = View(area=(args.min_area, 1.0), kernel=args.kernel, statistics=args.normalise)
groups = [
    {"params": [p], "scale": args.layer_decay ** (depth + 1 - layer_of(name, depth)),
     "weight_decay": 0.0 if p.ndim <= 1 or name in ("pos_embed", "cls_token") else args.weight_decay}
    for name, p in model.named_parameters()
]
optimiser = torch.optim.AdamW(groups, args.learning_rate, betas=(0.9, 0.999))
criterion = nn.CrossEntropyLoss(label_smoothing=args.smoothing)
batches = Batches(len(images), args.batch, run.g)
steps, warmup = args.epochs * batches.per_epoch, round(args.warmup_epochs * batches.per_epoch)


def step(k):
    chosen = next(batches)
    loss = criterion(model(view(to_unit(images[chosen]), run.g)), labels[chosen])
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    set_rate(optimiser, warm_cosine(k, steps, warmup, args.learning_rate, args.min_lr))
    optimiser.step()
    return loss.detach()


@torch.no_grad()
def accuracy():
    model.eval()
    right = 0
    for i in range(0, len(run.images.test), 500):
        x = normalise(to_unit(run.images.test[i : i + 500]), args.normalise)
        right += int((model(x).argmax(1) == run.images.test_labels[i : i + 500]).sum())
    return right / len(run.images.test)


if run.train(steps, step):
    run.measure("accuracy", accuracy)
run.finish()
