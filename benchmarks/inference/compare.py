"""Encoders of the library beside the same ones in ONNX Runtime and in PyTorch, from float tensors in memory to features; called
by run.sh.

Each side is a process that waits while another one works. A round is one turn of each side, in an order that rotates. A turn
is one call after a pause, as for a picture now and then, and then calls in succession for 40 ms, as for a folder of pictures. A
ratio is a peer's time divided by pretext's (above 1: pretext is faster). The table shows medians and quartiles. For one thread
it also shows the ratio of processor times in succession, which other programs on the machine disturb least. PyTorch runs in
inference mode, in the fastest of its forms for the case: contiguous or channels last, and compiled with --compiled.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time


def answer(call):
    """A turn whenever a line is read: milliseconds of the first call, of the others, and of processor time of the others."""
    call()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        call()
        first, begin, used, calls = time.perf_counter() - start, time.perf_counter(), time.process_time(), 0
        while calls == 0 or time.perf_counter() - begin < .04:
            call()
            calls += 1
        print(1000 * first, 1000 * (time.perf_counter() - begin) / calls, 1000 * (time.process_time() - used) / calls, flush=True)


def serve_onnxruntime(file, batch, threads):
    import numpy, onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape
    images = {"images": numpy.random.default_rng(1).random((batch, *shape[1:]), dtype=numpy.float32)}
    answer(lambda: session.run(["features"], images))


def pytorch_network(encoder):
    """The network with random weights, and the side of its images."""
    import timm, torchvision
    if encoder == "resnet18":
        return torchvision.models.resnet18(num_classes=1), 224
    if encoder == "vit-small":
        return timm.create_model("vit_small_patch16_224", num_classes=0), 224
    if encoder == "vit-tiny":
        return timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=32, patch_size=4), 32
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "accuracy"))
    from peer.resnet import ResNet18
    return ResNet18(16), 32


def serve_pytorch(encoder, batch, threads, compiled):
    import torch
    torch.set_num_threads(threads)
    network, side = pytorch_network(encoder)
    network = network.eval()
    images = torch.rand(batch, 3, side, side)
    calls = []

    def form(module, layout, wrap=lambda m: m):
        module, x = wrap(module.to(memory_format=layout)), images.to(memory_format=layout)

        def call():
            with torch.inference_mode():
                module(x)
        call()
        start = time.perf_counter()
        for _ in range(3):
            call()
        calls.append((time.perf_counter() - start, call))
    form(network, torch.contiguous_format)
    if compiled:
        form(network, torch.contiguous_format, torch.compile)
    import copy
    form(copy.deepcopy(network), torch.channels_last)
    answer(min(calls, key=lambda c: c[0])[1])


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
        time.sleep(.05)  # the threads of the side before spin for a while, on the cores of this one
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return tuple(float(word) for word in self.read().split())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare(options, encoder, batch, threads):
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "model.onnx")
        case = (str(batch), str(threads))
        sides = {"pretext": Side(options.program, encoder, *case, file)}
        if "onnxruntime" in options.peer:
            sides["onnxruntime"] = Side(sys.executable, __file__, "--serve", "onnxruntime", file, *case)
        if "pytorch" in options.peer:
            sides["pytorch"] = Side(sys.executable, __file__, "--serve", "pytorch", encoder, *case, str(int(options.compiled)))
        names, rounds, end = list(sides), [], time.monotonic() + options.seconds
        while len(rounds) < 5 or time.monotonic() < end:
            first = len(rounds) % len(names)
            rounds.append({name: sides[name].call() for name in names[first:] + names[:first]})
        for side in sides.values():
            side.close()
    result = {"encoder": encoder, "batch": batch, "threads": threads, "rounds": len(rounds), "load": os.getloadavg()[0]}
    for name in names:
        result[f"{name}_ms"] = statistics.median(r[name][1] for r in rounds)
        result[f"{name}_first_ms"] = statistics.median(r[name][0] for r in rounds)
        if name == "pretext":
            continue

        def quartiles(value):
            return statistics.quantiles([r[name][value] / r["pretext"][value] for r in rounds], n=4, method="inclusive")
        result[name] = {
            "ratio": quartiles(1), "first_ratio": quartiles(0), "processor_ratio": quartiles(2)[1],
            "fastest_ratio": min(r[name][1] for r in rounds) / min(r["pretext"][1] for r in rounds)}
    return result


def spread(quartiles):
    return "{1:.2f} ({0:.2f} to {2:.2f})".format(*quartiles)


def main():
    if sys.argv[1:3] == ["--serve", "onnxruntime"]:
        return serve_onnxruntime(sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    if sys.argv[1:3] == ["--serve", "pytorch"]:
        return serve_pytorch(sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), sys.argv[6] == "1")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--seconds", type=float, default=6, help="for each case; at least five rounds")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--peer", nargs="*", default=["onnxruntime", "pytorch"], choices=["onnxruntime", "pytorch"])
    parser.add_argument("--compiled", action="store_true", help="try torch.compile, too, which takes a minute for each case")
    parser.add_argument("--encoder", nargs="*", default=["resnet18", "vit-small", "resnet18-thin", "vit-tiny"])
    options = parser.parse_args()
    results = [compare(options, encoder, batch, threads)
               for encoder in options.encoder for batch in (1, 64) for threads in options.threads]
    print("| encoder | images | threads | pretext | peer | its time | ratio (quartiles) | of the fastest turns | "
          "of processor time | of the first call after a pause | load |\n|---|---|---|---|---|---|---|---|---|---|---|")
    for r in results:
        for peer in options.peer:
            p = r[peer]
            print(f"| {r['encoder']} | {r['batch']} | {r['threads']} | {r['pretext_ms']:.4g} ms | {peer} | {r[peer + '_ms']:.4g} ms | "
                  f"{spread(p['ratio'])} | {p['fastest_ratio']:.2f} | "
                  f"{format(p['processor_ratio'], '.2f') if r['threads'] == 1 else ''} | {spread(p['first_ratio'])} | {r['load']:.1f} |")
    for r in results:
        print(json.dumps(r))


if __name__ == "__main__":
    main()
