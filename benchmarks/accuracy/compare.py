"""Runs one recipe in pretext and in PyTorch, seed by seed, and prints the table of what both reached.

What --out holds already is not run again, so that a comparison may be interrupted, and each side run where and when it
suits.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("method", choices=("simclr", "byol"))
p.add_argument("--data", required=True, help="folder with train/<class>/*.jpg and test/<class>/*.jpg")
p.add_argument("--out", required=True, help="folder for the results")
p.add_argument("--programs", default="build/examples", help="folder with pretrain_simclr and its like")
p.add_argument("--sides", nargs="+", choices=("pretext", "torch"), default=("pretext", "torch"))
p.add_argument("--seeds", type=int, nargs="+", default=(1, 2, 3))
p.add_argument("--threads", type=int, default=2)
p.add_argument("--epochs", type=int, default=2)
p.add_argument("--warmup-epochs", type=float, default=0.2)
args = p.parse_args()
os.makedirs(args.out, exist_ok=True)


def call(command):
    print("+", shlex.join(command), file=sys.stderr, flush=True)
    start = time.perf_counter()
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return output, round(time.perf_counter() - start, 1)


def recipe(seed):
    return ["--data", args.data, "--epochs", str(args.epochs), "--warmup-epochs", str(args.warmup_epochs),
            "--normalise", "cifar", "--seed", str(seed), "--threads", str(args.threads)]


def run_pretext(seed, file):
    folder = os.path.join(args.out, f"pretext-{seed}")
    program = os.path.join(args.programs, f"pretrain_{args.method}")
    _, seconds = call([program, *recipe(seed), "--out", folder, "--overwrite"])
    output, _ = call([os.path.join(args.programs, "evaluate"), "--run", folder, "--threads", str(args.threads)])
    line = next(line for line in output.splitlines() if line.startswith("result: "))
    with open(file, "w") as out:
        json.dump(json.loads(line[8:]) | {"train_seconds": seconds}, out, indent=1)


def run_torch(seed, file):
    baselines = ["--baselines"] if seed == min(args.seeds) else []
    call([sys.executable, os.path.join(HERE, f"{args.method}_pytorch.py"), *recipe(seed), *baselines,
          "--cache", os.path.join(args.out, "images.npz"), "--out", file])


def result(side, seed):
    file = os.path.join(args.out, f"{side}-{seed}.json")
    if side in args.sides and not os.path.exists(file):
        {"pretext": run_pretext, "torch": run_torch}[side](seed, file)
    if not os.path.exists(file):
        return None
    with open(file) as text:
        return json.load(text)


found = {(side, seed): result(side, seed) for seed in args.seeds for side in ("torch", "pretext")}


def cell(r, name):
    return f"{r[name]:.4f}" if r and name in r else "-"


print("| | PyTorch kNN | pretext kNN | PyTorch s | pretext s |\n|---|---|---|---|---|")
for seed in args.seeds:
    ours, theirs = found["pretext", seed], found["torch", seed]
    print(f"| seed {seed} | {cell(theirs, 'knn')} | {cell(ours, 'knn')} | {theirs['train_seconds'] if theirs else '-'} | "
          f"{ours['train_seconds'] if ours else '-'} |")
means = {side: [r["knn"] for (s, _), r in found.items() if s == side and r] for side in ("torch", "pretext")}
print("| mean | " + " | ".join(f"{statistics.mean(m):.4f}" if m else "-" for m in means.values()) + " | | |")
for name in ("knn_untrained", "knn_pixels"):
    first = [found[side, min(args.seeds)] for side in ("torch", "pretext")]
    print(f"| {name[4:]} | " + " | ".join(cell(r, name) for r in first) + " | | |")
