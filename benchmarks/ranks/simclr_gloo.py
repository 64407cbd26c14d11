"""SimCLR steps of ResNet-18 of width 16 on ranks of torch.distributed (gloo), each with one thread: the peer of
`mpirun pretrain simclr`. Batch norm and negatives see the whole batch. Rank 0 prints images per second.

torch's SyncBatchNorm refuses CPU tensors, so this one sums the moments with the differentiable all-reduce of
torch.distributed. Views are torchvision's, a whole batch at once: less work than pretext's draws for each image.
"""

import argparse
import os
import statistics
import sys
import time

import torch
import torch.distributed as dist
import torch.distributed.nn.functional as collective
import torch.multiprocessing
from lightly.loss import NTXentLoss
from lightly.models.modules.heads import SimCLRProjectionHead
from torch import nn
from torchvision.transforms import v2

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "accuracy"))
from peer.resnet import ResNet18


class SyncedBatchNorm(nn.Module):
    """Batch norm with the moments of all ranks' rows."""

    def __init__(self, norm):
        super().__init__()
        self.norm = norm

    def forward(self, x):
        norm, axes = self.norm, [d for d in range(x.dim()) if d != 1]
        moments = torch.stack([x.mean(axes), (x * x).mean(axes)])
        mean, square = collective.all_reduce(moments) / dist.get_world_size()
        variance = square - mean * mean
        with torch.no_grad():
            norm.running_mean.lerp_(mean, norm.momentum)
            norm.running_var.lerp_(variance, norm.momentum)
        scale = torch.rsqrt(variance + norm.eps)
        if norm.weight is not None:
            scale = scale * norm.weight
        shift = -mean * scale
        if norm.bias is not None:
            shift = shift + norm.bias
        form = [1, -1] + [1] * (x.dim() - 2)
        return x * scale.view(form) + shift.view(form)


def synchronise(module):
    for name, child in module.named_children():
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            setattr(module, name, SyncedBatchNorm(child))
        else:
            synchronise(child)
    return module


def train(rank, options):
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    dist.init_process_group("gloo", init_method="tcp://127.0.0.1:29577", rank=rank, world_size=options.ranks)
    network = nn.Sequential(ResNet18(16), SimCLRProjectionHead(128, 128, 128)).to(memory_format=torch.channels_last)
    model = nn.parallel.DistributedDataParallel(synchronise(network))
    criterion = NTXentLoss(temperature=0.2, gather_distributed=True)
    optimizer = torch.optim.SGD(model.parameters(), 0.4, momentum=0.9, nesterov=True, weight_decay=1e-4)
    view = v2.Compose([v2.RandomResizedCrop(32, antialias=True), v2.RandomHorizontalFlip(),
                       v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], 0.8), v2.RandomGrayscale(0.2)])
    images = torch.rand(options.batch // options.ranks, 3, 32, 32)
    times = []
    for _ in range(options.steps + 2):
        start = time.perf_counter()
        views = torch.cat([view(images), view(images)]).contiguous(memory_format=torch.channels_last)
        loss = criterion(*model(views).chunk(2))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        times.append(time.perf_counter() - start)
    if rank == 0:
        print(options.batch / statistics.median(times[2:]))
    dist.destroy_process_group()


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ranks", type=int, default=2)
    p.add_argument("--batch", type=int, default=128, help="images per step, of all ranks together")
    p.add_argument("--steps", type=int, default=8)
    torch.multiprocessing.spawn(train, (p.parse_args(),), nprocs=p.parse_args().ranks)
