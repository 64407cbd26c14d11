"""The common part of the peers' command lines, and the training loop."""

import argparse
import json
import math
import platform
import resource
import time

import numpy as np
import torch

from .images import Images


def parser(about):
    p = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, help="folder with train/<class>/*.jpg and test/<class>/*.jpg")
    p.add_argument("--cache", help=".npz file that caches the decoded images between runs")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--stop-after", type=int, default=0, help="stop after that many steps, without evaluation")
    p.add_argument("--out", help="JSON file for the results")
    return p


class Run:
    """Seeds, images and the result of one command."""

    def __init__(self, args):
        torch.set_num_threads(args.threads)
        torch.set_flush_denormal(True)
        torch.manual_seed(args.seed)
        self.args = args
        self.g = torch.Generator().manual_seed(args.seed)
        self.images = Images(args.data, args.cache, args.threads)
        hidden = ("data", "cache", "out", "save", "encoder_file", "labelled")
        self.result = {
            "settings": {k: v for k, v in vars(args).items() if k not in hidden},
            "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
        }

    def train(self, steps, one_step):
        """Calls one_step(k) -> loss for k = 0 ... steps - 1; False if it stopped earlier (--stop-after)."""
        losses, times, begin = [], [], time.perf_counter()
        busy = time.process_time()
        for step in range(self.args.stop_after or steps):
            start = time.perf_counter()
            losses.append(float(one_step(step)))
            times.append(time.perf_counter() - start)
            if not math.isfinite(losses[-1]):
                raise SystemExit(f"the loss is {losses[-1]} at step {step}")
            if (step + 1) % 100 == 0 or step + 1 == steps:
                print(f"step {step + 1}/{steps}  loss {np.mean(losses[-100:]):.4f}  "
                      f"{np.mean(times[-100:]) * 1e3:.1f} ms/step", flush=True)
        self.result |= {
            "steps": len(losses),
            "loss": round(float(np.mean(losses[-100:])), 4),
            "train_seconds": round(time.perf_counter() - begin, 1),
            "train_cpu_seconds": round(time.process_time() - busy, 1),
            "step_ms": round(float(np.median(times)) * 1e3, 1),
        }
        return not self.args.stop_after

    def measure(self, name, function):
        start = time.perf_counter()
        self.result[name] = function()
        self.result["evaluate_seconds"] = round(self.result.get("evaluate_seconds", 0) + time.perf_counter() - start, 1)
        print(f"{name} {self.result[name]:.4f}", flush=True)

    def finish(self):
        self.result["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        print(json.dumps(self.result))
        if self.args.out:
            with open(self.args.out, "w") as file:
                json.dump(self.result, file, indent=1)
                file.write("\n")
