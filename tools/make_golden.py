"""Write the small golden file of the tests, a part of the full output of the reference implementation.

It has one nuclei picture (CC0), two of its five prompts (a click and a box), the embedding at every eighth cell, the
masks as packed bits, and the IoU estimates.

python tools/make_golden.py --shared FOLDER
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np

PROMPTS = (0, 3)  # a click and a box


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder with models/mobile_sam_golden.* and data/")
    parser.add_argument("--out", type=Path, default=Path("tests/bases/golden"), help="folder to write")
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
