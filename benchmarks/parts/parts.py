"""The cases of parts.cpp in PyTorch, each in its fastest known form. One JSON line per case.

usage: parts.py [--threads N] [--folder FOLDER]
"""
import argparse, json, statistics, time
import torch, torchvision
from sequence import fingerprint, numbers
from torchvision.transforms import v2

from peer.contrastive import nt_xent
from peer.optimisers import ForeachLars

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--growth", action="store_true", help="only NT-Xent, with growing numbers of rows")
parser.add_argument("--folder", help="folder with 500x375 JPEG files in one subfolder")
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)


def measure(case, variant, runs, units, work, result=None):
    taken = []
    for run in range(runs + 1):
        start = time.perf_counter()
        work()
        if run:
            taken.append(1000 * (time.perf_counter() - start))
    median = statistics.median(taken)
    print(json.dumps({"side": "torch", "variant": variant, "case": case, "threads": options.threads, "ms": round(median, 4),
                      "fastest_ms": round(min(taken), 4), "per_second": round(1000 * units / median),
                      **(fingerprint(result()) if result else {})}), flush=True)


def augmentation():
    # Two SimCLR views of 512 images. torchvision draws one set of parameters per call. Called for each image it does what the
    # recipe requires; for a whole batch it is faster, but all images of the batch get the same crop and colors.
    case = "augment, two views of 512 images, 32 px"
    images = torch.randint(0, 256, (512, 3, 32, 32), dtype=torch.uint8)
    view = [v2.RandomResizedCrop(32, antialias=False), v2.RandomHorizontalFlip(),
            v2.RandomApply([v2.ColorJitter(.4, .4, .4, .1)], .8), v2.RandomGrayscale(.2)]
    on_tensors = v2.Compose([v2.ToDtype(torch.float32, scale=True), *view])
    on_pil = v2.Compose([*view, v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    pictures = [torchvision.transforms.functional.to_pil_image(image) for image in images]
    torch.set_num_threads(1)  # with small tensors a second thread is slower
    measure(case, "PIL, image by image, one thread", 3, 1024, lambda: torch.stack([on_pil(p) for _ in range(2) for p in pictures]))
    measure(case, "float tensors, image by image, one thread", 3, 1024,
            lambda: torch.stack([on_tensors(i) for _ in range(2) for i in images]))
    torch.set_num_threads(options.threads)
    measure(case, "float tensors, one draw for the whole batch", 10, 1024, lambda: torch.cat([on_tensors(images) for _ in range(2)]))


if not options.growth:
    augmentation()


# A copy of the matrix takes 4 GB for 32 768 rows, and 17 GB for 65 536.
growth = [(rows, 10 if rows < 8192 else 1) for rows in (512, 1024, 2048, 4096, 8192, 16384)]
for rows, runs in growth if options.growth else ((1024, 20), (8192, 3)):
    z = numbers(1, rows, 128).requires_grad_()

    def step(z=z):
        z.grad = None
        nt_xent(z).backward()
    measure(f"NT-Xent forward + backward, 2N = {rows}", "eager, whole matrix", runs, rows, step, lambda: z.grad)
if options.growth:
    raise SystemExit

parameters = [p.detach().clone().requires_grad_() for p in torchvision.models.resnet50().parameters()]
for p in parameters:
    p.grad = torch.rand_like(p) * 1e-3
slow = [p.detach().clone() for p in parameters]
lars = ForeachLars(parameters)


@torch.no_grad()
def lars_and_average():
    lars.step()
    torch._foreach_lerp_(slow, parameters, 0.004)


measure("LARS + EMA, ResNet-50", "foreach", 10, 1, lars_and_average)
for name, flags in (("foreach", dict(foreach=True)), ("fused", dict(fused=True))):
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, betas=(.9, .95), weight_decay=.05, **flags)
    measure("AdamW, ResNet-50", name, 10, 1, optimizer.step)

if options.folder:
    normalise = v2.Normalize([.485, .456, .406], [.229, .224, .225])
    data = torchvision.datasets.ImageFolder(options.folder, transform=v2.Compose(
        [v2.RandomResizedCrop(224, antialias=True), v2.RandomHorizontalFlip(), v2.ToImage(), v2.ToDtype(torch.float32, scale=True),
         normalise]))
    loader = torch.utils.data.DataLoader(data, batch_size=32, shuffle=True, drop_last=True, num_workers=options.threads,
                                         persistent_workers=True)
    measure("folder of JPEG files 500x375 to crops of 224", "ImageFolder, PIL", 3, 32 * len(loader),
            lambda: [None for _ in loader])
