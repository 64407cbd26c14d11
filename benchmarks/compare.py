"""Runs pretext's timing programs and their PyTorch peers alternately and compares them; called by benchmarks/run.sh.

Timing programs print JSON lines with "case" and "ms", those of peers also with "variant"; lines of the same case are
compared. Each round gives one ratio, the peer's time divided by pretext's (above 1: pretext is faster); the table shows the
median and quartiles for the fastest variant. If both lines have a fingerprint of the result ("probe", "norm"), these must agree.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Suite:
    """The command lines of one of our programs and of the peers that do the same work."""

    folder: str
    name: str
    ours: list
    peers: list
    threads: int = 0  # 0: options.threads


def suites(options, scratch):
    threads, steps = str(options.threads), str(options.steps)

    def program(folder, name, *arguments):
        return [os.path.join(options.programs, f"{folder}.{name}"), *arguments]

    def script(folder, name, *arguments, count=threads):
        return [sys.executable, "-W", "ignore", os.path.join(HERE, folder, name), *arguments, "--threads", str(count)]

    def step(case, *variants):
        variants = variants if options.eager else [*variants, [*variants[-1], "--compile"]]
        return [script("step", "step_pytorch.py", case, "--steps", steps, *arguments) for arguments in variants]

    for encoder in ("resnet18-thin", "resnet18", "resnet50"):
        yield Suite("step", f"simclr-{encoder}", program("step", "simclr", encoder, steps, threads),
                    step(f"simclr-{encoder}", [], ["--channels-last"]))
        yield Suite("step", f"simclr-{encoder}-bf16", program("step", "simclr", encoder, steps, threads, "bf16"),
                    step(f"simclr-{encoder}", ["--channels-last", "--bf16"]))
    for encoder in ("vit-ti", "vit-b"):
        yield Suite("step", f"mae-{encoder}", program("step", "mae", encoder, steps, threads), step(f"mae-{encoder}", []))
        yield Suite("step", f"mae-{encoder}-bf16", program("step", "mae", encoder, steps, threads, "bf16"),
                    step(f"mae-{encoder}", ["--bf16"]))
    yield Suite("start", "start", program("start", "start", threads), [script("start", "start.py")])
    for batch in ("32", "128", "512", "1024"):
        yield Suite("growth", f"batch-{batch}", program("step", "simclr", "resnet18-thin", steps, threads, "fp32", batch),
                    [script("step", "step_pytorch.py", "simclr-resnet18-thin", "--steps", steps, "--batch", batch,
                            "--channels-last")])
    for side in ("64", "96", "160", "224"):
        yield Suite("growth", f"side-{side}", program("step", "simclr", f"resnet18-{side}", steps, threads),
                    [script("step", "step_pytorch.py", f"simclr-resnet18-{side}", "--steps", steps, "--channels-last")])
    for count in range(1, options.threads + 1):
        yield Suite("growth", f"threads-{count}", program("step", "simclr", "resnet18-thin", "10", str(count)),
                    [script("step", "step_pytorch.py", "simclr-resnet18-thin", "--steps", "10", "--channels-last", count=count)],
                    count)
    yield Suite("growth", "nt-xent", program("parts", "parts", threads, "growth"), [script("parts", "parts.py", "--growth")])
    photos = os.path.join(scratch, "photos")
    yield Suite("parts", "parts", program("parts", "parts", threads, photos),
                [script("parts", "parts.py", "--folder", os.path.join(photos, "train"))])
    yield Suite("kernels", "kernels", program("kernels", "kernels", threads), [script("kernels", "kernels.py")])


def lines_of(command, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), PYTHONPATH=os.pathsep.join((HERE, os.path.join(HERE, "accuracy"))))
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    whole = {"ms": 1000 * (time.perf_counter() - start)}  # of the whole process, for programs that do not time themselves
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}")
    return [whole | json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def expect_same(case, variant, ours, theirs):
    """Stops if the results of both sides differ by more than single precision allows."""
    if "probe" not in ours or "probe" not in theirs:
        return
    difference = max(abs(ours["probe"] - theirs["probe"]), abs(ours["norm"] - theirs["norm"])) / theirs["norm"]
    if not difference < 1e-4:
        sys.exit(f"{case}, {variant}: the results differ by {difference:.1e}, so the times cannot be compared")


def quartiles(values):
    return values * 3 if len(values) == 1 else statistics.quantiles(values, n=4, method="inclusive")


def compare(suite, options):
    """Yields one record per case and variant of the peers."""
    ours, theirs = {}, {}
    for number in range(options.rounds):
        sides = [("ours", suite.ours), *(("theirs", peer) for peer in suite.peers)]
        for side, command in sides if number % 2 == 0 else reversed(sides):
            for line in lines_of(command, suite.threads or options.threads):
                if side == "ours":
                    ours.setdefault(line["case"], []).append(line)
                else:
                    theirs.setdefault((line["case"], line.get("variant", "eager")), []).append(line)
        print(f"{suite.folder}, {suite.name}: round {number + 1} of {options.rounds}", file=sys.stderr)
    compared = {case for case, _ in theirs}
    for case, lines in ours.items():
        if case not in compared:  # too large for the peer
            yield {"suite": suite.folder, "case": case, "threads": options.threads, "rounds": len(lines),
                   "pretext_ms": round(statistics.median(line["ms"] for line in lines), 4)}
    for (case, variant), lines in theirs.items():
        if case not in ours:
            continue
        expect_same(case, variant, ours[case][0], lines[0])
        ratios = [line["ms"] / own["ms"] for line, own in zip(lines, ours[case])]
        low, middle, high = quartiles(ratios)
        yield {
            "suite": suite.folder, "case": case, "peer": variant, "threads": suite.threads or options.threads, "rounds": len(ratios),
            "ratio": round(middle, 3), "ratio_q1": round(low, 3), "ratio_q3": round(high, 3),
            "pretext_ms": round(statistics.median(own["ms"] for own in ours[case]), 4),
            "peer_ms": round(statistics.median(line["ms"] for line in lines), 4),
            **{key: ours[case][0][key] for key in ("gflops", "gbytes_per_s") if ours[case][0].get(key)},
            **{f"{side}_mb": line["peak_mb"] for side, line in (("pretext", ours[case][0]), ("peer", lines[0]))
               if "peak_mb" in line},
        }


def peak(options):
    """The peak rate of the processor in GFLOP/s: arithmetic on registers only."""
    program = os.path.join(options.programs, "kernels.kernels")
    return lines_of([program, str(options.threads), "7", "peak"], options.threads)[0]["gflops"] if os.path.exists(program) else None


def print_table(records, best):
    """Prints the fastest variant of each case. Operations are those of the definition, so Winograd's algorithm can exceed the
    peak; bf16 is compared with the peak of fp32, too."""
    fastest = {}
    for r in records:
        name = f"{r['case']}, {r['threads']} threads"
        if name not in fastest or r["peer_ms"] < fastest[name]["peer_ms"]:
            fastest[name] = r
    print("| case | pretext | PyTorch | | PyTorch / pretext (quartiles) | GFLOP/s | of peak | memory |\n|---|---|---|---|---|---|---|---|")
    several = len({r["threads"] for r in records}) > 1
    for name, r in fastest.items():
        r = dict(r, case=name) if several else r
        if "peer" not in r:
            print(f"| {r['case']} | {r['pretext_ms']:.4g} ms | | | | | | |")
            continue
        rate = f"{r['gflops']:.0f}" if "gflops" in r else ""
        share = f"{100 * r['gflops'] / best:.0f} %" if rate and best else ""
        memory = f"{r['pretext_mb']}, {r['peer_mb']} MB" if "pretext_mb" in r and "peer_mb" in r else ""
        if "gbytes_per_s" in r:
            rate = f"{r['gbytes_per_s']:.0f} GB/s"
        print(f"| {r['case']} | {r['pretext_ms']:.4g} ms | {r['peer_ms']:.4g} ms | {r['peer']} | "
              f"{r['ratio']:.2f} ({r['ratio_q1']:.2f} to {r['ratio_q3']:.2f}) | {rate} | {share} | {memory} |")
    if best:
        print(f"\nPeak: {best:.0f} GFLOP/s, fp32 multiply-adds on registers, {records[0]['threads']} threads." if records else "")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--programs", required=True, help="folder with the compiled programs")
    p.add_argument("--suite", choices=("step", "start", "growth", "parts", "kernels"), help="run only this suite")
    p.add_argument("--case", default="", help="run only cases with this text in their name")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--steps", type=int, default=3, help="timed steps per round, after one for warm-up")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--eager", action="store_true", help="skip torch.compile for whole steps, which takes a minute each")
    options = p.parse_args()

    records = []
    with tempfile.TemporaryDirectory() as scratch:
        for suite in suites(options, scratch):
            if options.suite not in (None, suite.folder) or options.case not in suite.name:
                continue
            if suite.folder == "growth" and options.suite != "growth":
                continue  # runs only with --suite growth
            if not os.path.exists(suite.ours[0]):
                continue
            if suite.folder == "parts":
                subprocess.run([sys.executable, os.path.join(HERE, "parts", "draw_jpegs.py"),
                                os.path.join(scratch, "photos"), "320"], check=True)
            records += compare(suite, options)
    print_table(records, peak(options))
    for r in records:
        print(json.dumps(r))


if __name__ == "__main__":
    main()
