"""The roofline of each case: arithmetic at the rate of matrix products, memory traffic at the rate of copies.

FLOPs are those of the networks (a multiply-add is two). Bytes are those of the best fusion we know, with every element read
and written as often as its kernels must: convolutional networks with batch norm fused into the convolutions' prologues and
epilogues, transformers with fused epilogues and attention; activations in bfloat16, weights in float.
"""

T, G, M = 1e12, 1e9, 1e6

# case: FLOPs, bytes, unit, units per run, and the target for one H200 in units per second
CASES = {
    "simclr-resnet18": (3.41 * T, 14.0 * G, "views", 1024, 110_000),
    "simclr-resnet50": (12.45 * T, 128 * G, "views", 512, 9_000),
    "mae-vit-base": (14.9 * T, 60 * G, "images", 256, 8_500),
    "mae-vit-large": (31.7 * T, 101 * G, "images", 256, 4_200),
    "augment-32": (0, 11.5 * M, "views", 1024, None),
    "augment-224": (0, 306 * M, "views", 512, None),
    "nt-xent-1024": (0.8 * G, 1.6 * M, "rows", 1024, None),
    "nt-xent-8192": (51 * G, 13 * M, "rows", 8192, None),
    "lars-and-average": (0, 25.56 * M * 40, "updates", 1, None),
    "attention-50": (0, 13 * 256 * 50 * 768 * 2, "images", 256, None),
}
TARGET_RATIO = {  # against the fastest variant of PyTorch
    "simclr-resnet18": 1.4, "simclr-resnet50": 1.35, "mae-vit-base": 1.2, "mae-vit-large": 1.12, "augment-32": 10,
    "nt-xent-1024": 4, "lars-and-average": 1.3, "attention-50": 2,
}
KNOWN_RATES = {"H200": (790 * T, 4.3 * T), "H100": (790 * T, 3.0 * T)}  # measured FLOP/s of products and bytes/s of copies


def peak_rates(name, measure):
    """FLOP/s and bytes/s of this GPU: measured if possible, else known by its name, else None."""
    if measure is not None:
        return measure()
    return next((rates for part, rates in KNOWN_RATES.items() if part in name), None)


def metrics(record, rates):
    """Throughput of a record, the roofline's time, and the share of the roofline that pretext reaches."""
    flops, traffic, _, units, _ = CASES[record["case"]]
    share = record["batch"] / record["usual_batch"]
    result = {"per_second": round(1000 * units * share / record["pretext_ms"])}
    if rates is not None:
        roofline = 1000 * share * max(flops / rates[0], traffic / rates[1])
        result |= {"roofline_ms": round(roofline, 5), "share_of_roofline": round(roofline / record["pretext_ms"], 4)}
    return result
