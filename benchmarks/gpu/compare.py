"""Compares pretext's speed with PyTorch's on a GPU, alternating in one process; benchmarks/gpu.sh runs it.

First each whole step's loss is compared with PyTorch's on the same weights, views and masks. Then, in rounds, both sides run
for a tenth of a second each, in an order that is reversed every round. A ratio is PyTorch's time over pretext's in the same
round (above 1: pretext is faster); the table shows its median and quartiles. Variants with torch.compile come last, as far as
--seconds allow. Without PyTorch, gpu.standalone times pretext.
"""

import argparse
import json
import os
import signal
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "accuracy")]

import torch

import pytorch_peers
import roofline
from networks import losses_on, sizes
from pretext_library import Pretext, load
from table import table


class Peer:
    """An instance of PyTorch's side of a case."""

    def __init__(self, case, variant, batch, options):
        self.on_gpu = options.device == "cuda"
        self.peer = pytorch_peers.make(case, variant, batch, options.device, options.tiny)
        self.repetitions = self.peer.repetitions

    def milliseconds(self, times):
        if not self.on_gpu:
            start = time.perf_counter()
            self.peer.run(times)
            return 1000 * (time.perf_counter() - start) / times
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        self.peer.run(times)
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end) / times

    def close(self):
        self.peer = None
        if self.on_gpu:
            torch.cuda.synchronize()
            torch.cuda.empty_cache()


def runs_per_round(side, options, granularity):
    """The number of runs in about a tenth of a second, after a warm-up that allocates memory and records graphs."""
    for _ in range(5):
        once = side.milliseconds(granularity)
    return max(1, round(options.round_ms / once / granularity)) * granularity


def quartiles(values):
    return values * 3 if len(values) == 1 else statistics.quantiles(values, n=4, method="inclusive")


class TooLong(Exception):
    pass


def limited(seconds, work):
    """Runs `work()`; raises TooLong after that many seconds."""

    def ring(*_):
        raise TooLong(f"not finished after {seconds:.0f} s")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(0.1, seconds))
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def out_of_memory(error):
    return isinstance(error, torch.OutOfMemoryError) or "out of device memory" in str(error)


def compare(library, case, variant, batch, options, left):
    """One record; a batch that does not fit is halved on both sides."""
    pretext = peer = None
    try:
        start = time.perf_counter()
        peer = limited(left(), lambda: Peer(case, variant, batch, options))
        peer_runs = limited(left(), lambda: runs_per_round(peer, options, peer.repetitions))
        prepared = time.perf_counter() - start
        record = {"case": case, "peer": variant, "batch": batch, "seconds_to_prepare": round(prepared, 1)}
        if library is None:
            times_ms = [peer.milliseconds(peer_runs) for _ in range(options.rounds)]
            return record | {"peer_ms": round(statistics.median(times_ms), 5)}
        pretext = Pretext(library, case, batch)
        part = not case.startswith(("simclr", "mae"))
        pretext_runs = runs_per_round(pretext, options, pytorch_peers.REPETITIONS if part else 1)
        pairs = []
        for round_index in range(options.rounds):
            sides = [(0, pretext, pretext_runs), (1, peer, peer_runs)]
            elapsed = {which: side.milliseconds(times) for which, side, times in (sides if round_index % 2 == 0 else sides[::-1])}
            pairs.append((elapsed[0], elapsed[1]))
        low, middle, high = quartiles([theirs / ours for ours, theirs in pairs])
        return record | {"ratio": round(middle, 3), "ratio_q1": round(low, 3), "ratio_q3": round(high, 3),
                         "pretext_ms": round(statistics.median(ours for ours, _ in pairs), 5),
                         "peer_ms": round(statistics.median(theirs for _, theirs in pairs), 5), "rounds": len(pairs)}
    except Exception as error:
        if not out_of_memory(error) or batch < 32:
            return {"case": case, "peer": variant, "batch": batch, "left_out": f"{type(error).__name__}: {error}"}
    finally:
        for side in (pretext, peer):
            if side is not None:
                side.close()
    return compare(library, case, variant, batch // 2, options, left)


def check(library, case, options):
    """Whether pretext's loss equals PyTorch's, within twice the error that bfloat16 causes in PyTorch, or 1 %."""
    pretext = Pretext(library, case, options.check_only or 32)
    try:
        state, views, restore, loss = pretext.check()
    finally:
        pretext.close()
    side = sizes(False)[case][1]
    views = views.view(-1, side, side, 3).permute(0, 3, 1, 2).contiguous()
    exact, rounded = losses_on(case, state, views, restore.view(len(views), -1) if len(restore) else None,
                                     options.device)
    allowed = max(2 * abs(rounded - exact), 0.01 * abs(exact))
    return {"case": case, "check": "ok" if abs(loss - exact) <= allowed else "FAILED", "loss": loss, "peer_loss": exact,
            "peer_loss_bf16": rounded}


def measured_rates():
    """This GPU's FLOP/s of bfloat16 products and bytes/s of copies."""
    def seconds(work, times):
        work()
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(times):
            work()
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end) / 1000 / times

    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    products = 2 * 8192**3 / seconds(lambda: a @ b, 20)
    x = torch.randn(2**28, device="cuda")
    y = torch.empty_like(x)
    return products, 2 * x.nbytes / seconds(lambda: y.copy_(x), 10)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--library", help="gpu.c_api.so; without it only PyTorch is timed")
    p.add_argument("--case", default="", help="only cases whose name contains this")
    p.add_argument("--variants", default="", help="PyTorch's variants, separated by commas (default: all)")
    p.add_argument("--rounds", type=int, default=25)
    p.add_argument("--round-ms", type=float, default=100)
    p.add_argument("--seconds", type=float, default=1e9, help="nothing new starts after this time")
    p.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    p.add_argument("--check-only", type=int, metavar="N", help="only compare the losses of steps of N images")
    p.add_argument("--tiny", action="store_true", help="with --device cpu: small shapes, to test that the peers run")
    options = p.parse_args()
    start = time.perf_counter()

    def left():
        return options.seconds - (time.perf_counter() - start)

    torch.manual_seed(1)
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    library = load(options.library) if options.library else None
    rates, failed = None, False
    if options.device == "cuda":
        if not torch.cuda.is_available():
            print("skipped: PyTorch finds no GPU")
            return 77
        rates = roofline.peak_rates(torch.cuda.get_device_name(), measured_rates)
        print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}: products {rates[0] / 1e12:.0f} TFLOP/s, copies "
              f"{rates[1] / 1e12:.2f} TB/s", flush=True)
        if library:
            print(f"pretext's convolutions: {library.gpu_convolutions().decode()}", flush=True)
    usual = {case: sizes(False)[case][2] if case in sizes(False) else roofline.CASES[case][3] for case in roofline.CASES}
    usual |= {"augment-32": 512, "augment-224": 256}
    cases = [case for case in roofline.CASES if options.case in case]
    records = []

    def report(record):
        print(json.dumps(record), flush=True)
        return record

    for case in cases if library and not options.tiny else ():
        if case in sizes(False):
            try:
                failed |= report(check(library, case, options))["check"] != "ok"
            except Exception as error:
                failed = report({"case": case, "check": "FAILED", "error": str(error)}) is not None
    if options.check_only:
        return 1 if failed else 0
    # Variants that compile for minutes come last.
    for variant in ("eager", "graph", "kornia", "compile", "compile graph", "max-autotune"):
        for case in cases:
            if variant not in pytorch_peers.VARIANTS[case] or (options.variants and variant not in options.variants.split(",")):
                continue
            if options.device == "cpu" and "graph" in variant:
                continue
            if left() < 5:
                record = {"case": case, "peer": variant, "batch": usual[case], "left_out": "no time left"}
            else:
                batch = sizes(True)[case][2] if options.tiny and case in sizes(True) else usual[case]
                record = compare(library, case, variant, batch, options, left)
            record |= {"usual_batch": usual[case]}
            records.append(report(record | (roofline.metrics(record, rates) if "pretext_ms" in record else {})))
    print(table(records))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
