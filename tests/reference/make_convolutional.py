"""Writes convnext_timm.safetensors, a small ConvNeXt of timm, resnet_wide_bottleneck.safetensors, the thin trunk of
make_reference.py with the wide bottlenecks of timm's wide_resnet50_2, and mobilenet_v3.safetensors, a small MobileNetV3 of
torchvision without its last linear layer: weights, images, outputs, and the gradient of a linear functional of them.

usage: python tests/reference/make_convolutional.py   (needs torch, torchvision, timm, safetensors; torch 2.15.0,
torchvision 0.29.2 and timm 1.0.31 wrote the committed files)
"""
import os, json, torch
from torch import nn
from timm.models.convnext import ConvNeXt
from timm.models.resnet import Bottleneck
from torchvision.models.mobilenetv3 import InvertedResidualConfig, MobileNetV3
from safetensors.torch import save_file

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
here = os.path.dirname(os.path.abspath(__file__))


def write(name, net, images, **meta):
    """The tensors of a network: before.*, after.* (running statistics), grad.*, input, inference, train, cotangent."""
    with torch.no_grad():
        for p in net.parameters():
            p.add_((.1 if p.dim() > 1 else .3) * torch.randn_like(p))
    kept = lambda prefix: {f"{prefix}.{k}": v.clone() for k, v in net.state_dict().items() if v.dtype == torch.float64}
    tensors = kept("before")
    images.requires_grad_()
    net.eval()
    tensors["inference"] = net(images).detach()
    net.train()
    y = net(images)
    cotangent = torch.randn_like(y)
    (y * cotangent).sum().backward()
    tensors.update(input=images.detach(), train=y.detach(), cotangent=cotangent)
    tensors.update({"grad.input": images.grad}, **{f"grad.{k}": p.grad for k, p in net.named_parameters()})
    tensors.update({k: v for k, v in kept("after").items() if "running" in k})
    save_file({k: v.contiguous() for k, v in tensors.items()}, os.path.join(here, f"{name}.safetensors"),
              {k: json.dumps(v) for k, v in meta.items()})


write("convnext_timm", ConvNeXt(depths=(1, 1, 2, 1), dims=(4, 8, 16, 32), num_classes=0), torch.randn(2, 3, 64, 32),
      oracle="timm ConvNeXt", depths=[1, 1, 2, 1])


class Wide(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        block = lambda inside, planes, stride, down: Bottleneck(inside, planes, stride, down, base_width=128)
        down = lambda a, b, stride: nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b))
        self.conv1, self.bn1 = nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.layer1 = nn.Sequential(block(width, width, 1, down(width, 4 * width, 1)), block(4 * width, width, 1, None))
        self.layer2 = nn.Sequential(block(4 * width, 2 * width, 2, down(4 * width, 8 * width, 2)))

    def forward(self, x):
        return self.layer2(self.layer1(torch.relu(self.bn1(self.conv1(x))))).mean((2, 3))


write("resnet_wide_bottleneck", Wide(), torch.randn(5, 3, 12, 12), oracle="timm Bottleneck with base_width 128")

of = lambda *block: InvertedResidualConfig(*block, dilation=1, width_mult=1)
blocks = [of(8, 3, 8, 8, True, "RE", 2), of(8, 3, 24, 16, False, "RE", 2), of(16, 5, 40, 16, True, "HS", 1)]
mobile = MobileNetV3(blocks, last_channel=24, num_classes=1, dropout=0)
mobile.classifier[3] = nn.Identity()
write("mobilenet_v3", mobile, torch.randn(4, 3, 32, 24), oracle="torchvision MobileNetV3")
