"""What a GPU cannot do faster: arithmetic at the rate of its matrix products, bytes at the rate of its copies.

FLOPs are those of the networks (a multiply-add is two), bytes those of the best fusion we know, each number read and written
as often as its kernels must: convolution nets with batch norm in the convolutions' prologues and epilogues, transformers with
fused epilogues and attention, all in bfloat16 with weights in float.
"""

T, G, M = 1e12, 1e9, 1e6

#         case: FLOPs, bytes, what is counted, how many of it, and what one H200 is expected to do per second
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
DEMANDED = {  # ratio against the fastest variant
    "simclr-resnet18": 1.4, "simclr-resnet50": 1.35, "mae-vit-base": 1.2, "mae-vit-large": 1.12, "augment-32": 10,
    "nt-xent-1024": 4, "lars-and-average": 1.3, "attention-50": 2,
}
KNOWN = {"H200": (790 * T, 4.3 * T), "H100": (790 * T, 3.0 * T)}  # products and copies per second, as measured


def ceilings(name, measure):
    """FLOP/s and bytes/s of this GPU: measured now where that is possible, else what is known of its name."""
    if measure is not None:
        return measure()
    return next((rates for part, rates in KNOWN.items() if part in name), None)


def figures(record, rates):
    """What a record's time means: how much was done per second, the floor, and the floor's time over ours."""
    flops, moved, _, many, _ = CASES[record["case"]]
    share = record["batch"] / record["usual_batch"]
    made = {"per_second": round(1000 * many * share / record["pretext_ms"])}
    if rates is not None:
        floor = 1000 * share * max(flops / rates[0], moved / rates[1])
        made |= {"floor_ms": round(floor, 5), "share_of_floor": round(floor / record["pretext_ms"], 4)}
    return made
