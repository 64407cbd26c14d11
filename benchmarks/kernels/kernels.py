"""The cases of kernels.cpp in PyTorch, channels last, without autograd's bookkeeping. One JSON line per case with the
fastest of several runs.

usage: kernels.py [--threads N] [--runs N]
"""

import argparse
import json
import time

import torch

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--runs", type=int, default=7)
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)
torch.set_grad_enabled(False)


def measure(case, call, variant="channels last"):
    taken = []
    for run in range(options.runs + 1):
        start = time.perf_counter()
        call()
        if run:
            taken.append(1000 * (time.perf_counter() - start))
    print(json.dumps({"side": "torch", "variant": variant, "case": case, "threads": options.threads,
                      "ms": round(min(taken), 4)}), flush=True)


def convolution(images, side, channels, out, kernel, stride):
    last = dict(memory_format=torch.channels_last)
    x = torch.rand(images, channels, side, side).mul_(2).sub_(1).contiguous(**last)
    w = torch.rand(out, channels, kernel, kernel).mul_(2).sub_(1).contiguous(**last)
    y = torch.nn.functional.conv2d(x, w, stride=stride, padding=kernel // 2)
    dy = torch.rand_like(y)

    def gradient(*mask):
        return torch.ops.aten.convolution_backward(dy, x, w, None, [stride] * 2, [kernel // 2] * 2, [1, 1], False, [0, 0], 1,
                                                   mask)
    name = f"conv {kernel}x{kernel}/{stride}, {channels} to {out}, {side} px, {images} images: "
    measure(name + "forward", lambda: torch.nn.functional.conv2d(x, w, stride=stride, padding=kernel // 2))
    if channels > 3:
        measure(name + "data gradient", lambda: gradient(True, False, False))
    measure(name + "weight gradient", lambda: gradient(False, True, False))


def linear(tokens, channels, out):
    x, w, y = torch.rand(tokens, channels), torch.rand(out, channels), torch.rand(tokens, out)
    dx, dw = torch.empty_like(x), torch.empty_like(w)
    name = f"linear {channels} to {out}, {tokens} rows: "
    result = torch.empty_like(y)
    measure(name + "forward", lambda: torch.mm(x, w.t(), out=result), "eager")
    measure(name + "data gradient", lambda: torch.mm(y, w, out=dx), "eager")
    measure(name + "weight gradient", lambda: torch.mm(y.t(), x, out=dw), "eager")


def batch_norm(images, side, channels):
    last = dict(memory_format=torch.channels_last)
    x = torch.rand(images, channels, side, side).contiguous(**last)
    gamma, beta = torch.rand(channels), torch.rand(channels)
    mean, variance = torch.zeros(channels), torch.ones(channels)
    dy = torch.rand_like(x)
    normalised, average, inverse = torch.native_batch_norm(x, gamma, beta, mean, variance, True, 0.1, 1e-5)
    y = torch.relu(normalised)

    def forward():
        torch.relu_(torch.native_batch_norm(x, gamma, beta, mean, variance, True, 0.1, 1e-5)[0])

    def backward():
        masked = torch.ops.aten.threshold_backward(dy, y, 0)
        torch.ops.aten.native_batch_norm_backward(masked, x, gamma, mean, variance, average, inverse, True, 1e-5,
                                                  [True, True, True])
    name = f"batch norm + ReLU, {channels} channels, {side} px, {images} images: "
    measure(name + "forward", forward)
    measure(name + "backward", backward)


def bias(rows, columns):
    y, b = torch.rand(rows, columns), torch.rand(columns)
    name = f"bias, {rows} rows of {columns}: "
    measure(name + "forward", lambda: y.add_(b), "eager")
    measure(name + "gradient", lambda: y.sum(0), "eager")


for sizes in ((64, 32, 64, 64, 3, 1), (64, 16, 128, 128, 3, 1), (128, 8, 256, 256, 3, 1), (256, 4, 512, 512, 3, 1),
              (16, 56, 64, 64, 3, 1), (16, 28, 128, 128, 3, 1), (16, 14, 256, 256, 3, 1), (16, 7, 512, 512, 3, 1),
              (64, 32, 64, 128, 3, 2), (64, 16, 128, 256, 3, 2), (16, 56, 64, 256, 1, 1), (16, 56, 256, 64, 1, 1),
              (16, 14, 1024, 256, 1, 1), (16, 7, 512, 2048, 1, 1), (64, 32, 64, 128, 1, 2), (64, 32, 3, 64, 3, 1),
              (16, 224, 3, 64, 7, 2)):
    convolution(*sizes)
for sizes in ((256 * 17, 192, 576), (256 * 17, 192, 768), (256 * 17, 768, 192), (64 * 65, 384, 1536), (64 * 65, 1536, 384),
              (8 * 197, 768, 2304), (8 * 197, 768, 3072), (8 * 197, 3072, 768), (512, 512, 128)):
    linear(*sizes)
for sizes in ((64, 32, 64), (16, 56, 256), (256, 4, 512)):
    batch_norm(*sizes)
for sizes in ((256 * 17, 768), (8 * 197, 3072)):
    bias(*sizes)
