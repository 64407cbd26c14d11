"""One SimCLR step of PyTorch, the peer of simclr_step.cpp: ResNet-18 with the CIFAR stem, lightly's head and loss, SGD.

usage: simclr_step.py [--steps N] [--threads N] [--channels-last] [--augment]
Prints one JSON line. The views are random tensors unless --augment is given, which adds torchvision's transforms on
float tensors, image by image; without it PyTorch's figure leaves augmentation out and is flattered by that.
"""
import argparse, json, resource, time
import torch, torchvision, lightly
from lightly.loss import NTXentLoss
from lightly.models.modules.heads import SimCLRProjectionHead

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=5)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--channels-last", action="store_true")
parser.add_argument("--augment", action="store_true")
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)

net = torchvision.models.resnet18(weights=None)
net.conv1 = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False)
net.maxpool = torch.nn.Identity()
net.fc = torch.nn.Identity()
model = torch.nn.Sequential(net, SimCLRProjectionHead(512, 512, 128))
if options.channels_last:
    model = model.to(memory_format=torch.channels_last)
loss_of = NTXentLoss(temperature=0.5)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
batch = 256
images = torch.randint(0, 256, (batch, 3, 32, 32), dtype=torch.uint8)
T = torchvision.transforms
transform = T.Compose([T.RandomResizedCrop(32, antialias=True), T.RandomHorizontalFlip(),
                       T.RandomApply([T.ColorJitter(.4, .4, .4, .1)], .8), T.RandomGrayscale(.2)])


def views():
    if not options.augment:
        return torch.rand(2 * batch, 3, 32, 32)
    floats = images.float() / 255
    return torch.stack([transform(image) for _ in range(2) for image in floats])


seconds = []
for step in range(options.steps + 1):
    start = time.perf_counter()
    x = views()
    if options.channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    z = model(x)
    loss = loss_of(z[:batch], z[batch:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step:
        seconds.append(time.perf_counter() - start)
seconds.sort()
median = seconds[len(seconds) // 2]
print(json.dumps({"library": f"torch {torch.__version__}, lightly {lightly.__version__}", "encoder": "resnet18-cifar",
                  "batch": batch, "threads": options.threads, "channels_last": options.channels_last,
                  "augment": options.augment, "steps": options.steps, "median_s": round(median, 4),
                  "fastest_s": round(seconds[0], 4), "images_per_s": round(batch / median, 1),
                  "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), "loss": round(loss.item(), 4)}))
