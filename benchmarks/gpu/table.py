"""The table at the end of the GPU benchmark."""

import roofline


def table(records):
    """The fastest variant of each case first; the share of the roofline is the roofline's time over pretext's."""
    lines = ["| case | variant | pretext | PyTorch | PyTorch / pretext (quartiles) | target | per second | share of the roofline |",
             "|---|---|---|---|---|---|---|---|"]
    cases = list(dict.fromkeys(r["case"] for r in records))
    for case in cases:
        timed = sorted((r for r in records if r["case"] == case and "ratio" in r), key=lambda r: r["ratio"])
        for rank, r in enumerate(timed):
            _, _, unit, _, target = roofline.CASES[case]
            target = f" (target for an H200: {target:,})" if target and rank == 0 else ""
            smaller = "" if r["batch"] == r["usual_batch"] else f", batch {r['batch']}"
            bold = "**" if rank == 0 else ""
            part = f"{r['share_of_roofline']:.0%}" if "share_of_roofline" in r else ""
            lines.append(
                f"| {case}{smaller} | {r['peer']} | {r['pretext_ms']:.4g} ms | {r['peer_ms']:.4g} ms | {bold}{r['ratio']:.2f}{bold} "
                f"({r['ratio_q1']:.2f} to {r['ratio_q3']:.2f}) | {roofline.TARGET_RATIO.get(case, '') if rank == 0 else ''} | "
                f"{r['per_second']:,} {unit}{target} | {part} |")
        lines += [f"| {case} | {r['peer']} | | {r['peer_ms']:.4g} ms | | | | |" for r in records
                  if r["case"] == case and "peer_ms" in r and "ratio" not in r]
        lines += [f"| {case} | {r['peer']} | left out: {r['left_out'].splitlines()[0][:120]} | | | | | |" for r in records
                  if r["case"] == case and "left_out" in r]
    return "\n".join(lines)
