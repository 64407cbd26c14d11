"""Encoders of the library beside the same ones in ONNX Runtime, from float tensors in memory to features; called by run.sh.

Both sides are processes that wait while the other one works. A round is one call of each side, in an order that alternates;
its ratio is ONNX Runtime's time divided by pretext's (above 1: pretext is faster). The table shows medians and quartiles. For
one thread it also shows the ratio of processor times, which other programs on the machine disturb least.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time


def serve(file, batch, threads):
    """ONNX Runtime's side: one timed call whenever a line is read."""
    import numpy, onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape
    images = {"images": numpy.random.default_rng(1).random((batch, *shape[1:]), dtype=numpy.float32)}
    session.run(["features"], images)
    print("ready", flush=True)
    for _ in sys.stdin:
        start, used = time.perf_counter(), time.process_time()
        session.run(["features"], images)
        print(1000 * (time.perf_counter() - start), 1000 * (time.process_time() - used), flush=True)


class Side:
    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{' '.join(self.process.args)} ended")
        return line

    def call(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return tuple(float(word) for word in self.read().split())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare(program, encoder, batch, threads, seconds):
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "model.onnx")
        ours = Side(program, encoder, str(batch), str(threads), file)
        peer = Side(sys.executable, __file__, "--serve", file, str(batch), str(threads))
        times, end = [], time.monotonic() + seconds
        while len(times) < 5 or time.monotonic() < end:
            if len(times) % 2:
                theirs = peer.call()
                times.append((ours.call(), theirs))
            else:
                times.append((ours.call(), peer.call()))
        ours.close()
        peer.close()
    ratios = statistics.quantiles([theirs[0] / own[0] for own, theirs in times], n=4, method="inclusive")
    return {"encoder": encoder, "batch": batch, "threads": threads, "rounds": len(times),
            "pretext_ms": statistics.median(own[0] for own, _ in times), "onnxruntime_ms": statistics.median(t[0] for _, t in times),
            "fastest_ratio": min(t[0] for _, t in times) / min(own[0] for own, _ in times),
            "processor_ratio": statistics.median(t[1] for _, t in times) / statistics.median(own[1] for own, _ in times),
            "ratio": ratios[1], "ratio_q1": ratios[0], "ratio_q3": ratios[2], "load": os.getloadavg()[0]}


def main():
    if sys.argv[1:2] == ["--serve"]:
        return serve(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--seconds", type=float, default=6, help="for each case; at least five rounds")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--encoder", nargs="*", default=["resnet18", "vit-small", "resnet18-thin", "vit-tiny"])
    options = parser.parse_args()
    results = [compare(options.program, encoder, batch, threads, options.seconds)
               for encoder in options.encoder for batch in (1, 64) for threads in options.threads]
    print("| encoder | images | threads | pretext | ONNX Runtime | ratio (quartiles) | of the fastest calls | of processor time | load |\n"
          "|---|---|---|---|---|---|---|---|---|")
    for r in results:
        print(f"| {r['encoder']} | {r['batch']} | {r['threads']} | {r['pretext_ms']:.4g} ms | {r['onnxruntime_ms']:.4g} ms | "
              f"{r['ratio']:.2f} ({r['ratio_q1']:.2f} to {r['ratio_q3']:.2f}) | {r['fastest_ratio']:.2f} | "
              f"{format(r['processor_ratio'], '.2f') if r['threads'] == 1 else ''} | {r['load']:.1f} |")
    for r in results:
        print(json.dumps(r))


if __name__ == "__main__":
    main()
