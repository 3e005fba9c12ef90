"""Where the bundled model errs: held-out photos by what they show, with and without hints.

    python benchmarks/subsets.py --data DIR --names RUN/split.json [--hints 10]

DIR has a manifest.csv whose `source_path` names what a photo shows, as that of the training photos
does; `split.json` is what `train_model coloria` held out. Fewer than eight photos make no row.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from ml import registry
from ml.evaluate import evaluate
from ml.evaluate.figures import summary
from ml.evaluate.measure import Contender
from ml.spec import Settings

BUNDLED = Path("ml", "weights", "coloria.onnx")
LEAST = 8
SUBSETS = {  # row: parts of a file's name or of its path at the source
    "faces, close": ("face_", "utk_"),
    "people outdoors, sport": ("lsp_", "n03445777", "n03888257"),
    "people, full length": ("ccp_", "hseg_"),
    "clothes without people": ("cloth_",),
    "cats and dogs": ("pet_", "n02102040"),
    "mountains, glaciers, sea": ("/mountain", "/glacier", "/sea"),
    "forest": ("/forest",),
    "streets and buildings": ("/street", "/buildings", "n03028079", "camvid_"),
    "machines and instruments": ("n02979186", "n03000684", "n03394916", "n03425413", "n03417042"),
    "anything (BSD, COCO, VOC, Flickr, cameras)": ("bsd_", "coco_", "voc_", "f8k_", "exif_"),
}


def subset(row):
    text = f"{row['file']} {row['source_path']}"
    return next((name for name, parts in SUBSETS.items() if any(p in text for p in parts)), "other")


def main(data, names, hints):
    with (data / "manifest.csv").open(newline="") as opened:
        shown = {row["file"]: subset(row) for row in csv.DictReader(opened)}
    held_out = json.loads(names.read_text())["valid"]
    model = Contender(lambda: registry.load("coloria", BUNDLED, "cpu"), "coloria", reads_hints=True)
    found = evaluate(
        {"coloria": model}, [data / name for name in held_out], Settings(), hints=hints
    )
    groups = {}
    for photo in found["photos"]:
        groups.setdefault(shown[photo["photo"]], []).append(photo["models"]["coloria"])
    groups["all"] = [photo["models"]["coloria"] for photo in found["photos"]]
    sys.stdout.write(f"{'hints: ' + str(hints):<46}photos  dE00  minus grey (95 %)      better\n")
    for name in (*SUBSETS, "other", "all"):
        scores = groups.get(name, [])
        if len(scores) < LEAST:
            continue
        row = summary(scores, [])
        low, high = row["de00_minus_grey"]["ci95"]
        sys.stdout.write(
            f"{name:<46}{len(scores):6d}{row['de00']['mean']:6.2f}"
            f"{row['de00_minus_grey']['mean']:8.2f} ({low:5.2f} .. {high:5.2f})"
            f"{row['better_than_grey'] / len(scores):9.0%}\n"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--names", type=Path, required=True)
    parser.add_argument("--hints", type=int, default=0)
    chosen = parser.parse_args()
    main(chosen.data, chosen.names, chosen.hints)
