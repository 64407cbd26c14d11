"""The cases of kernels.cpp in PyTorch: channels last, without autograd, on the same inputs. One JSON line per case with the
fastest of several runs and a fingerprint of the result.

usage: kernels.py [--threads N] [--runs N]
"""

import argparse
import json
import time

import torch
from sequence import fingerprint, numbers

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--runs", type=int, default=7)
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)
torch.set_grad_enabled(False)


def images(seed, count, side, channels):
    """Pseudo-random images, channels last."""
    return numbers(seed, count, side, side, channels).permute(0, 3, 1, 2)


def measure(case, call, ours, variant="channels last"):
    """`ours` converts the result of `call` to the layout of kernels.cpp."""
    taken = []
    for run in range(options.runs + 1):
        start = time.perf_counter()
        result = call()
        if run:
            taken.append(1000 * (time.perf_counter() - start))
    print(json.dumps({"side": "torch", "variant": variant, "case": case, "threads": options.threads,
                      "ms": round(min(taken), 4), **fingerprint(ours(result))}), flush=True)


def last(x):
    return x.permute(0, 2, 3, 1)


def convolution(count, side, channels, out, kernel, stride):
    x = images(1, count, side, channels)
    w = numbers(2, kernel, kernel, channels, out).permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    dy = images(3, count, (side + stride - 1) // stride, out)

    def gradient(*mask):
        return torch.ops.aten.convolution_backward(dy, x, w, None, [stride] * 2, [kernel // 2] * 2, [1, 1], False, [0, 0], 1,
                                                   mask)
    name = f"conv {kernel}x{kernel}/{stride}, {channels} to {out}, {side} px, {count} images: "
    measure(name + "forward", lambda: torch.nn.functional.conv2d(x, w, stride=stride, padding=kernel // 2), last)
    if channels > 3:
        measure(name + "data gradient", lambda: gradient(True, False, False)[0], last)
    measure(name + "weight gradient", lambda: gradient(False, True, False)[1], lambda dw: dw.permute(2, 3, 1, 0))


def linear(tokens, channels, out):
    x, dy = numbers(1, tokens, channels), numbers(3, tokens, out)
    w = numbers(2, channels, out).t().contiguous()
    y, dx, dw = torch.empty_like(dy), torch.empty_like(x), torch.empty_like(w)
    name = f"linear {channels} to {out}, {tokens} rows: "
    measure(name + "forward", lambda: torch.mm(x, w.t(), out=y), lambda y: y, "eager")
    measure(name + "data gradient", lambda: torch.mm(dy, w, out=dx), lambda dx: dx, "eager")
    measure(name + "weight gradient", lambda: torch.mm(dy.t(), x, out=dw), lambda dw: dw.t(), "eager")


def batch_norm(count, side, channels):
    x, dy = images(1, count, side, channels), images(3, count, side, channels)
    gamma, beta = numbers(4, channels), numbers(5, channels)
    mean, variance = torch.zeros(channels), torch.ones(channels)
    normalised, average, inverse = torch.native_batch_norm(x, gamma, beta, mean, variance, True, 0.1, 1e-5)
    y = torch.relu(normalised)

    def forward():
        return torch.relu_(torch.native_batch_norm(x, gamma, beta, mean, variance, True, 0.1, 1e-5)[0])

    def backward():
        masked = torch.ops.aten.threshold_backward(dy, y, 0)
        return torch.ops.aten.native_batch_norm_backward(masked, x, gamma, mean, variance, average, inverse, True, 1e-5,
                                                         [True, True, True])[0]
    name = f"batch norm + ReLU, {channels} channels, {side} px, {count} images: "
    measure(name + "forward", forward, last)
    measure(name + "backward", backward, last)


def normalised_convolution(count, side, channels, out, kernel):
    x = images(1, count, side, channels)
    w = numbers(2, kernel, kernel, channels, out).permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    gamma, beta, mean, variance = numbers(4, out), numbers(5, out), torch.zeros(out), torch.ones(out)

    def forward():
        convolved = torch.nn.functional.conv2d(x, w, padding=kernel // 2)
        return torch.relu_(torch.native_batch_norm(convolved, gamma, beta, mean, variance, True, 0.1, 1e-5)[0])
    measure(f"conv {kernel}x{kernel} + batch norm + ReLU, {channels} to {out}, {side} px, {count} images: forward", forward, last)


def layer_norm(rows, width):
    x, dy, gamma, beta = numbers(1, rows, width), numbers(3, rows, width), numbers(4, width), numbers(5, width)
    _, mean, inverse = torch.native_layer_norm(x, [width], gamma, beta, 1e-6)
    name = f"layer norm, {rows} rows of {width}: "
    measure(name + "forward", lambda: torch.native_layer_norm(x, [width], gamma, beta, 1e-6)[0], lambda y: y, "eager")
    measure(name + "backward", lambda: torch.ops.aten.native_layer_norm_backward(
        dy, x, [width], mean, inverse, gamma, beta, [True, True, True])[0], lambda dx: dx, "eager")


def bias_and_gelu(rows, width):
    x, dy, bias = numbers(1, rows, width), numbers(3, rows, width), numbers(2, width)
    biased = x + bias

    def backward():
        dx = torch.ops.aten.gelu_backward(dy, biased)
        dx.sum(0)
        return dx
    name = f"bias + GELU, {rows} rows of {width}: "
    measure(name + "forward", lambda: torch.nn.functional.gelu(x + bias), lambda y: y, "eager")
    measure(name + "backward", backward, lambda dx: dx, "eager")


def bias(rows, columns):
    y, b = numbers(1, rows, columns), numbers(2, columns)
    name = f"bias, {rows} rows of {columns}: "
    measure(name + "forward", lambda: y.add_(b), lambda _: numbers(1, rows, columns) + b, "eager")
    y = numbers(1, rows, columns)
    measure(name + "gradient", lambda: y.sum(0), lambda db: db, "eager")


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
for sizes in ((64, 32, 64, 64, 3), (256, 4, 512, 512, 3), (16, 56, 64, 256, 1), (64, 32, 3, 64, 3)):
    normalised_convolution(*sizes)
for sizes in ((256 * 65, 192), (8 * 197, 768)):
    layer_norm(*sizes)
bias_and_gelu(256 * 65, 768)
for sizes in ((256 * 17, 768), (8 * 197, 3072)):
    bias(*sizes)
