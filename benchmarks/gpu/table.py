"""The table at the end of the GPU benchmark."""

import floors


def table(records):
    """The fastest variant of each case first; shares of the floor are the floor's time over ours."""
    lines = ["| case | variant | pretext | PyTorch | PyTorch / pretext (quartiles) | demanded | per second | share of the floor |",
             "|---|---|---|---|---|---|---|---|"]
    cases = list(dict.fromkeys(r["case"] for r in records))
    for case in cases:
        done = sorted((r for r in records if r["case"] == case and "ratio" in r), key=lambda r: r["ratio"])
        for place, r in enumerate(done):
            _, _, what, _, asked = floors.CASES[case]
            asked = f" (asked of an H200: {asked:,})" if asked and place == 0 else ""
            smaller = "" if r["batch"] == r["usual_batch"] else f", batch {r['batch']}"
            bold = "**" if place == 0 else ""
            part = f"{r['share_of_floor']:.0%}" if "share_of_floor" in r else ""
            lines.append(
                f"| {case}{smaller} | {r['peer']} | {r['pretext_ms']:.4g} ms | {r['peer_ms']:.4g} ms | {bold}{r['ratio']:.2f}{bold} "
                f"({r['ratio_q1']:.2f} to {r['ratio_q3']:.2f}) | {floors.DEMANDED.get(case, '') if place == 0 else ''} | "
                f"{r['per_second']:,} {what}{asked} | {part} |")
        lines += [f"| {case} | {r['peer']} | | {r['peer_ms']:.4g} ms | | | | |" for r in records
                  if r["case"] == case and "peer_ms" in r and "ratio" not in r]
        lines += [f"| {case} | {r['peer']} | left out: {r['left_out'].splitlines()[0][:120]} | | | | | |" for r in records
                  if r["case"] == case and "left_out" in r]
    return "\n".join(lines)
