"""Times pretext beside PyTorch on a GPU, in one process and in turn; benchmarks/gpu.sh calls it.

Before it is timed, a whole step's loss is compared with PyTorch's on the same weights, views and masks. Then, in rounds, both
sides run for a tenth of a second each, the order reversed from round to round; a ratio is PyTorch's time over ours in the
same round (above 1: ours is faster), the table has its median and quartiles. Variants that compile come last, as far as
--seconds allow. Without PyTorch, gpu.alone times our side.
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

import floors
import peers
from networks import losses_on, sizes
from ours import Ours, load
from table import table


class Theirs:
    def __init__(self, case, variant, batch, options):
        self.on_gpu = options.device == "cuda"
        self.peer = peers.make(case, variant, batch, options.device, options.tiny)
        self.in_a_row = self.peer.in_a_row

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


def enough(side, options, granularity):
    """Runs that take about a tenth of a second, after some that warm up: memory is found, steps are recorded."""
    for _ in range(5):
        once = side.milliseconds(granularity)
    return max(1, round(options.round_ms / once / granularity)) * granularity


def quartiles(values):
    return values * 3 if len(values) == 1 else statistics.quantiles(values, n=4, method="inclusive")


class TooLong(Exception):
    pass


def limited(seconds, work):
    """`work()`, ended by TooLong."""

    def ring(*_):
        raise TooLong(f"not ready after {seconds:.0f} s")

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
    ours = theirs = None
    try:
        prepared = time.perf_counter()
        theirs = limited(left(), lambda: Theirs(case, variant, batch, options))
        count = limited(left(), lambda: enough(theirs, options, theirs.in_a_row))
        prepared = time.perf_counter() - prepared
        record = {"case": case, "peer": variant, "batch": batch, "seconds_to_prepare": round(prepared, 1)}
        if library is None:
            taken = [theirs.milliseconds(count) for _ in range(options.rounds)]
            return record | {"peer_ms": round(statistics.median(taken), 5)}
        ours = Ours(library, case, batch)
        part = not case.startswith(("simclr", "mae"))
        own_count = enough(ours, options, peers.IN_A_ROW if part else 1)
        pairs = []
        for number in range(options.rounds):
            sides = [(0, ours, own_count), (1, theirs, count)]
            taken = {which: side.milliseconds(times) for which, side, times in (sides if number % 2 == 0 else sides[::-1])}
            pairs.append((taken[0], taken[1]))
        low, middle, high = quartiles([peer / own for own, peer in pairs])
        return record | {"ratio": round(middle, 3), "ratio_q1": round(low, 3), "ratio_q3": round(high, 3),
                         "pretext_ms": round(statistics.median(own for own, _ in pairs), 5),
                         "peer_ms": round(statistics.median(peer for _, peer in pairs), 5), "rounds": len(pairs)}
    except Exception as error:
        if not out_of_memory(error) or batch < 32:
            return {"case": case, "peer": variant, "batch": batch, "left_out": f"{type(error).__name__}: {error}"}
    finally:
        for side in (ours, theirs):
            if side is not None:
                side.close()
    return compare(library, case, variant, batch // 2, options, left)


def check(library, case, options):
    """Are our losses PyTorch's? Within twice what bfloat16 costs PyTorch itself, or 1 %."""
    ours = Ours(library, case, options.check_only or 32)
    try:
        state, views, restore, loss = ours.check()
    finally:
        ours.close()
    side = sizes(False)[case][1]
    views = views.view(-1, side, side, 3).permute(0, 3, 1, 2).contiguous()
    exact, rounded = losses_on(case, state, views, restore.view(len(views), -1) if len(restore) else None,
                                     options.device)
    allowed = max(2 * abs(rounded - exact), 0.01 * abs(exact))
    return {"case": case, "check": "ok" if abs(loss - exact) <= allowed else "FAILED", "loss": loss, "peer_loss": exact,
            "peer_loss_bf16": rounded}


def measured_ceilings():
    """This GPU's bfloat16 products and copies, per second."""
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
    p.add_argument("--library", help="gpu.surface.so; without it PyTorch is timed alone")
    p.add_argument("--case", default="", help="those with this word in their name only")
    p.add_argument("--variants", default="", help="of the peers, with commas between them; all unless given")
    p.add_argument("--rounds", type=int, default=25)
    p.add_argument("--round-ms", type=float, default=100)
    p.add_argument("--seconds", type=float, default=1e9, help="after which nothing new is begun")
    p.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    p.add_argument("--check-only", type=int, metavar="N", help="compare the losses of steps of N images, and time nothing")
    p.add_argument("--tiny", action="store_true", help="with --device cpu: small shapes, to see that the peers run")
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
        rates = floors.ceilings(torch.cuda.get_device_name(), measured_ceilings)
        print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}: products {rates[0] / 1e12:.0f} TFLOP/s, copies "
              f"{rates[1] / 1e12:.2f} TB/s", flush=True)
    usual = {case: sizes(False)[case][2] if case in sizes(False) else floors.CASES[case][3] for case in floors.CASES}
    usual |= {"augment-32": 512, "augment-224": 256}
    cases = [case for case in floors.CASES if options.case in case]
    records = []

    def note(record):
        print(json.dumps(record), flush=True)
        return record

    for case in cases if library and not options.tiny else ():
        if case in sizes(False):
            try:
                failed |= note(check(library, case, options))["check"] != "ok"
            except Exception as error:
                failed = note({"case": case, "check": "FAILED", "error": str(error)}) is not None
    if options.check_only:
        return 1 if failed else 0
    # The variants that everybody has first, those that compile for minutes last.
    for variant in ("eager", "graph", "kornia", "compile", "compile graph", "max-autotune"):
        for case in cases:
            if variant not in peers.VARIANTS[case] or (options.variants and variant not in options.variants.split(",")):
                continue
            if options.device == "cpu" and "graph" in variant:
                continue
            if left() < 5:
                record = {"case": case, "peer": variant, "batch": usual[case], "left_out": "no time left"}
            else:
                batch = sizes(True)[case][2] if options.tiny and case in sizes(True) else usual[case]
                record = compare(library, case, variant, batch, options, left)
            record |= {"usual_batch": usual[case]}
            records.append(note(record | (floors.figures(record, rates) if "pretext_ms" in record else {})))
    print(table(records))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
