"""Trains every method of the program pretrain for the same processor time, and prints a table of the accuracies.

A short run measures how many steps of a method fit into the budget. All methods have the same images, batch size and
seed, and the values of their presets otherwise. Distillation learns from the encoder of SimCLR. Runs whose results are
in --out are not repeated.
"""

import argparse
import json
import os
import re
import resource
import shlex
import subprocess
import sys

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("--data", default="builtin", help='"builtin", or a folder with train/<class>/* and test/<class>/*')
p.add_argument("--out", required=True, help="folder for the results")
p.add_argument("--programs", default="build/examples", help="folder with the compiled programs")
p.add_argument("--methods", nargs="+", help="some of them; default: all that are compiled")
p.add_argument("--budget", type=float, default=1200, help="processor seconds of training; two cores give 120 a minute")
p.add_argument("--batch", type=int, default=64)
p.add_argument("--images", type=int, default=6000)
p.add_argument("--test-images", type=int, default=1500)
p.add_argument("--seed", type=int, default=1)
p.add_argument("--threads", type=int, default=2)
args = p.parse_args()
os.makedirs(args.out, exist_ok=True)
TRIAL_STEPS = 24  # of the run that measures the speed
TEACHER = "simclr"  # whose encoder distillation learns from; its training is not part of distillation's time
per_epoch = args.images // args.batch


def call(program, *options):
    """Runs a program; returns what it prints and the processor seconds that it took."""
    command = [os.path.join(args.programs, program), *map(str, options)]
    print("+", shlex.join(command), file=sys.stderr, flush=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"status {done.returncode}")
    return done.stdout, seconds


def pretrain(method, epochs, images, out, *options):
    teacher = ("--teacher", os.path.join(args.out, TEACHER)) if method == "distillation" else ()
    return call("pretrain", method, "--data", args.data, "--images", images, "--test-images", args.test_images,
                "--batch", args.batch, "--epochs", epochs, "--seed", args.seed, "--threads", args.threads,
                "--out", out, "--overwrite", *teacher, *options)[1]


def result(method):
    out = os.path.join(args.out, method)
    file = out + ".json"
    if os.path.exists(file):
        with open(file) as text:
            return json.load(text)
    if method == "distillation":
        result(TEACHER)
    trial = out + "-trial"
    once = pretrain(method, 1, TRIAL_STEPS * args.batch, trial, "--keep-going")  # too short to learn anything
    twice = pretrain(method, 2, TRIAL_STEPS * args.batch, trial, "--keep-going")
    epochs = max(1, round(args.budget / (max(twice - once, 1e-3) / TRIAL_STEPS * per_epoch)))
    seconds = pretrain(method, epochs, args.images, out)
    printed = call("evaluate", "--run", out, "--threads", args.threads)[0]
    found = json.loads(next(line[8:] for line in printed.splitlines() if line.startswith("result: ")))
    found |= {"steps": epochs * per_epoch, "processor_seconds": round(seconds)}
    with open(file, "w") as text:
        json.dump(found, text, indent=1)
    return found


def compiled_methods():
    listed, _ = call("pretrain", "--help")
    return [line.split()[0] for line in listed.splitlines()
            if re.match(r"  \w+  ", line) and "not compiled" not in line]


print("| method | steps | processor seconds | kNN | linear | untrained: kNN | linear |\n" + "|---" * 7 + "|", flush=True)
for name in args.methods or compiled_methods():
    try:
        r = result(name)
        print(f"| {name} | {r['steps']} | {r['processor_seconds']} | " + " | ".join(
            f"{r[figure]:.3f}" for figure in ("knn", "linear", "knn_untrained", "linear_untrained")) + " |", flush=True)
    except RuntimeError as error:
        print(f"| {name} | | | {error} | | | |", flush=True)
