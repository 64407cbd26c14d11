"""Runs one recipe in pretext and in PyTorch for several seeds, and prints a table of the accuracies.

Runs whose results are in --out are not repeated, so a comparison can be interrupted, and the sides can run on different
machines. Both sides fine-tune on the same images, those that pretext's program lists: run pretext first.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# The methods of joint_pytorch.py, with the options that both sides are given.
JOINT = {method: f"--optimizer sgd --learning-rate {rate} --weight-decay 5e-4" for method, rate in
         {"simsiam": 0.3, "moco_v2": 0.3, "barlow_twins": 0.3, "vicreg": 0.06, "dino": 0.3}.items()}
JOINT["swav"] = "--optimizer adamw --learning-rate 1e-3 --weight-decay 1e-6"

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("method", choices=("simclr", "byol", "mae", *JOINT))
p.add_argument("--data", required=True, help="folder with train/<class>/*.jpg and test/<class>/*.jpg")
p.add_argument("--out", required=True, help="folder for the results")
p.add_argument("--programs", default="build/examples", help="folder with the compiled programs")
p.add_argument("--sides", nargs="+", choices=("pretext", "torch"), default=("pretext", "torch"))
p.add_argument("--seeds", type=int, nargs="+", default=(1, 2, 3))
p.add_argument("--threads", type=int, default=2)
p.add_argument("--epochs", type=int, help="of pretraining; 20 for MAE, 2 for the others")
p.add_argument("--warmup-epochs", type=float, help="1 for MAE, 0.2 for the others")
args = p.parse_args()
masked = args.method == "mae"
epochs = args.epochs or (20 if masked else 2)
warmup = args.warmup_epochs if args.warmup_epochs is not None else 1 if masked else 0.2
os.makedirs(args.out, exist_ok=True)


def call(*command):
    print("+", shlex.join(command), file=sys.stderr, flush=True)
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def pretext(program, *options):
    """Runs one of our programs; returns the contents of its line `result: {...}`, if it prints one."""
    output = call(os.path.join(args.programs, program), *options, "--threads", str(args.threads))
    return next((json.loads(line[8:]) for line in output.splitlines() if line.startswith("result: ")), {})


def torch(script, *options):
    file = os.path.join(args.out, "peer.json")
    call(sys.executable, os.path.join(HERE, f"{script}_pytorch.py"), "--data", args.data, *options, "--threads",
         str(args.threads), "--cache", os.path.join(args.out, "images.npz"), "--out", file)
    with open(file) as text:
        return json.load(text)


def recipe(seed):
    """Options of both sides; all others have the same default on both, but for those of `pinned`."""
    options = {"simclr": "--normalise cifar",
             "byol": "--normalise cifar --batch 64 --learning-rate 0.2 --target-momentum 0.99",
             "mae": "--normalise imagenet"} | {method: "--normalise cifar --batch 128 --minimum-area 0.2 --jitter 0.5 " + values
                                              for method, values in JOINT.items()}
    options = options[args.method]
    return ["--epochs", str(epochs), "--warmup-epochs", f"{warmup:g}", *options.split(), "--seed", str(seed)]


# Options of our side alone: defaults of the peers, which our presets may choose otherwise.
pinned = {"simclr": "--optimizer sgd --batch 128 --learning-rate 0.4 --weight-decay 1e-4 --temperature 0.2 "
                    "--minimum-area 0.2",
          "byol": "--optimizer sgd --weight-decay 1e-4 --minimum-area 0.2",
          "mae": "--optimizer adamw --batch 128 --learning-rate 1e-3 --weight-decay 0.05 --minimum-area 0.2",
          "moco_v2": "--target-momentum 0.99", "dino": "--target-momentum 0.99"}


def folder(name, seed):
    return os.path.join(args.out, f"{name}-{seed}")


def run_pretext(seed):
    run = folder("pretext", seed)
    pretext("pretrain", args.method, "--data", args.data, *recipe(seed), *pinned.get(args.method, "").split(), "--out", run,
          "--overwrite")
    with open(os.path.join(run, "summary.json")) as text:
        results = {"train_seconds": round(json.load(text)["seconds"], 1)}
    if not masked:
        return results | pretext("evaluate", "--run", run)
    for start, options in (("finetuned", []), ("scratch", ["--from-scratch"])):
        out = folder(f"pretext-{start}", seed)
        results[start] = pretext("finetune", "--run", run, "--labels", "0.1", "--seed", str(seed), *options, "--out", out,
                               "--overwrite")["accuracy"]
    return results


def run_torch(seed):
    if not masked:
        script = ["joint", "--method", args.method] if args.method in JOINT else [args.method]
        return torch(*script, *recipe(seed), *(["--baselines"] if seed == min(args.seeds) and args.method not in JOINT else []))
    encoder = folder("torch", seed) + ".safetensors"
    results = torch("mae", *recipe(seed), "--save", encoder)
    for start, options in (("finetuned", ["--encoder-file", encoder]), ("scratch", [])):
        labelled = os.path.join(folder("pretext-finetuned", seed), "labelled.txt")
        options += ["--labelled", labelled] if os.path.exists(labelled) else []
        results[start] = torch("finetune", "--seed", str(seed), *options)["accuracy"]
    return results


def result(side, seed):
    file = folder(side, seed) + ".json"
    if side in args.sides and not os.path.exists(file):
        results = {"pretext": run_pretext, "torch": run_torch}[side](seed)
        with open(file, "w") as text:
            json.dump(results, text, indent=1)
    if not os.path.exists(file):
        return {}
    with open(file) as text:
        return json.load(text)


found = {(side, seed): result(side, seed) for seed in args.seeds for side in ("pretext", "torch")}
figures = ("finetuned", "scratch") if masked else ("knn", "knn_untrained", "knn_pixels")
print("| | " + " | ".join(f"{side}: {figure.replace('_', ', ')}" for figure in figures for side in ("PyTorch", "pretext"))
      + " | PyTorch s | pretext s |\n" + "|---" * (2 * len(figures) + 3) + "|")


def row(name, values):
    print(f"| {name} | " + " | ".join("-" if v is None else v for v in values) + " |")


for seed in args.seeds:
    pair = [found["torch", seed], found["pretext", seed]]
    row(f"seed {seed}", [f"{r[figure]:.4f}" if figure in r else None for figure in figures for r in pair]
        + [str(r["train_seconds"]) if r else None for r in pair])
means = []
for figure in figures:
    for side in ("torch", "pretext"):
        values = [r[figure] for (s, _), r in found.items() if s == side and figure in r]
        means.append(f"{statistics.mean(values):.4f}" if values else None)
row("mean", [*means, None, None])
