"""Cut the small golden file of the repository's tests out of the reference implementation's full answers.

Recipe: one nuclei picture (CC0), of its five prompts a click and a box; the embedding at every eighth cell, masks as
packed bits, IoU estimates.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np

PROMPTS = (0, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="folder with models/mobile_sam_golden.* and data/")
    parser.add_argument("--out", type=Path, default=Path("tests/bases/golden"))
    args = parser.parse_args()
    full = np.load(args.shared / "models/mobile_sam_golden.npz")
    cases = json.loads((args.shared / "models/mobile_sam_golden.json").read_text())
    case = next(c for c in cases if c["tag"] == "nuclei")
    arrays = {"embedding": full["nuclei_embedding"][:, ::8, ::8]}
    for i, k in enumerate(PROMPTS):
        arrays[f"masks_{i}"] = np.packbits(full[f"nuclei_prompt{k}_logits"] > 0)
        arrays[f"iou_{i}"] = full[f"nuclei_prompt{k}_iou"]
    args.out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(args.out / "mobile_sam.npz", **arrays)
    prompts = [case["prompts"][k] for k in PROMPTS]
    (args.out / "mobile_sam.json").write_text(json.dumps({"prompts": prompts}, indent=1) + "\n")
    shutil.copy(args.shared / case["image"], args.out / "nuclei.webp")


if __name__ == "__main__":
    main()
