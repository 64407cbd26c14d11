"""Runs pretext's timing programs and their peers in turn and compares them; benchmarks/run.sh calls it.

A timing program prints JSON lines with at least "case" and "median_s"; lines of both sides with the same case are
compared. A ratio is taken in each round, peer over pretext (above 1: pretext is faster); the table shows its median and
quartiles.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Suite:
    """One program of ours and the peers that do the same work; `peers` maps a label to a script and its words."""

    folder: str
    program: str
    words: list
    peers: dict


def suites(options):
    step = ["--steps", str(options.steps)]
    layouts = {"contiguous": [], "channels last": ["--channels-last"]}
    for encoder in ("resnet18-thin", "resnet18"):
        peers = {label: ["step_pytorch.py", f"simclr-{encoder}", *words, *step] for label, words in layouts.items()}
        if options.compiled:
            peers["compiled"] = ["step_pytorch.py", f"simclr-{encoder}", "--channels-last", "--compile", *step]
        yield Suite("step", "simclr", [encoder, str(options.steps)], peers)
    peers = {"eager": ["step_pytorch.py", "mae-vit-ti", *step]}
    if options.compiled:
        peers["compiled"] = ["step_pytorch.py", "mae-vit-ti", "--compile", *step]
    yield Suite("step", "mae", ["vit-ti", str(options.steps)], peers)
    yield Suite("kernels", "kernels", [], {"eager": ["kernels_pytorch.py"]})


def lines_of(command, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), PYTHONPATH=os.path.join(HERE, "accuracy"))
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}")
    return {line["case"]: line for line in map(json.loads, filter(None, done.stdout.splitlines()))}


def quartiles(values):
    if len(values) == 1:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def compare(suite, options):
    """One record for every case and peer."""
    ours_command = [os.path.join(options.programs, f"{suite.folder}.{suite.program}"), *suite.words]
    sides = {"pretext": [*ours_command, str(options.threads)]}
    for label, (script, *words) in suite.peers.items():
        sides[label] = [sys.executable, os.path.join(HERE, suite.folder, script), *words, "--threads",
                        str(options.threads)]
    rounds = []
    for number in range(options.rounds):
        order = list(sides) if number % 2 == 0 else list(reversed(sides))
        rounds.append({side: lines_of(sides[side], options.threads) for side in order})
        print(f"{suite.folder}/{suite.program}: round {number + 1} of {options.rounds}", file=sys.stderr)
    for case in rounds[0]["pretext"]:
        for label in suite.peers:
            pairs = [(r["pretext"][case], r[label][case]) for r in rounds if case in r[label]]
            if not pairs:
                continue
            low, middle, high = quartiles([peer["median_s"] / ours["median_s"] for ours, peer in pairs])
            yield {
                "case": case, "peer": label, "library": pairs[0][1].get("library", "torch"), "threads": options.threads,
                "rounds": len(pairs), "ratio": round(middle, 3), "ratio_q1": round(low, 3), "ratio_q3": round(high, 3),
                "pretext_s": round(statistics.median(ours["median_s"] for ours, _ in pairs), 6),
                "peer_s": round(statistics.median(peer["median_s"] for _, peer in pairs), 6),
                "pretext_mb": pairs[0][0].get("peak_mb"), "peer_mb": pairs[0][1].get("peak_mb"),
            }


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--programs", required=True, help="folder with the compiled programs")
    p.add_argument("--suite", choices=("step", "kernels"), help="that one only")
    p.add_argument("--case", default="", help="cases with this word only")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--steps", type=int, default=3, help="timed steps in a round, after one that warms up")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--compiled", action="store_true", help="also torch.compile (its compilation takes minutes)")
    options = p.parse_args()

    records = []
    for suite in suites(options):
        program = os.path.join(options.programs, f"{suite.folder}.{suite.program}")
        asked = options.suite in (None, suite.folder) and options.case in " ".join([suite.program, *suite.words])
        if asked and os.path.exists(program):
            records += compare(suite, options)
    print("| case | pretext | peer | time | peer / pretext (quartiles) |\n|---|---|---|---|---|")
    for r in records:
        print(f"| {r['case']} | {r['pretext_s'] * 1e3:.4g} ms | {r['peer']} | {r['peer_s'] * 1e3:.4g} ms | "
              f"{r['ratio']:.2f} ({r['ratio_q1']:.2f} to {r['ratio_q3']:.2f}) |")
    for r in records:
        print(json.dumps(r))


if __name__ == "__main__":
    main()
