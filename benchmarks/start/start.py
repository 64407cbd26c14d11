"""The step of start.cpp in PyTorch; compare.py times the whole process."""

import argparse
import json

import torch
from peer.resnet import ResNet18
from torchvision.transforms import v2

p = argparse.ArgumentParser(description=__doc__)
p.add_argument("--threads", type=int, default=2)
options = p.parse_args()
torch.set_num_threads(options.threads)

backbone = ResNet18(16)
model = torch.nn.Sequential(backbone, torch.nn.Linear(128, 128, bias=False), torch.nn.BatchNorm1d(128), torch.nn.ReLU(),
                            torch.nn.Linear(128, 128, bias=False), torch.nn.BatchNorm1d(128))
optimiser = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
view = v2.Compose([v2.RandomResizedCrop(32, antialias=True), v2.RandomHorizontalFlip(),
                   v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], 0.8), v2.RandomGrayscale(0.2)])
images = torch.randint(0, 256, (32, 3, 32, 32), dtype=torch.uint8).float() / 255
u = torch.nn.functional.normalize(model(torch.cat([view(images), view(images)])), dim=1)
logits = (u @ u.t() / 0.5).fill_diagonal_(float("-inf"))
loss = torch.nn.functional.cross_entropy(logits, (torch.arange(64) + 32) % 64)
loss.backward()
optimiser.step()
print(json.dumps({"side": "torch", "variant": "eager", "threads": options.threads, "loss": round(loss.item(), 4),
                  "case": "from exec to the end of the first step, ResNet-18 width 16, 32 images"}))
