"""Where the bundled model errs: held-out photos by what they show, with and without hints.

    python benchmarks/subsets.py --data DIR --names RUN/split.json [--hints 10] [--weights FILE]
        [--seen]

DIR has a manifest.csv whose `source_path` names what a photo shows, as that of the training photos
does; `split.json` is what `train_model coloria` held out, or what `unknown.py` names. labels.json
names photos that show food or a room (by eye) and those whose mean L* is below 25: they count in
another row too. Fewer than eight photos make no row.
The first column is the subset's share of all photos of the manifest.
With --seen the photos are 600 that it learnt from: what they gain more is learnt by heart.
With --card it writes the rows to the model's card, whose page shows them.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from ml import registry
from ml.evaluate import evaluate
from ml.evaluate.figures import summary
from ml.evaluate.measure import Contender
from ml.spec import Settings

BUNDLED = Path("ml", "weights", "coloria.onnx")
CARD = Path("ml", "cards", "coloria.json")
LABELS = Path(__file__).with_name("labels.json")
LEAST = 8
SEEN = 600
SUBSETS = {  # parts of a file's name or of its path at the source
    "faces": ("face_", "utk_"),
    "outdoors": ("lsp_", "n03445777", "n03888257"),
    "standing": ("ccp_", "hseg_"),
    "clothes": ("cloth_",),
    "pets": ("pet_", "n02102040"),
    "landscapes": ("/mountain", "/glacier", "/sea"),
    "forests": ("/forest",),
    "streets": ("/street", "/buildings", "n03028079", "camvid_"),
    "machines": ("n02979186", "n03000684", "n03394916", "n03425413", "n03417042"),
    "anything": ("bsd_", "coco_", "f8k_", "exif_"),
}


def subset(row):
    text = f"{row['file']} {row['source_path']}"
    return next((name for name, parts in SUBSETS.items() if any(p in text for p in parts)), "other")


def main(data, names, hints, weights, seen):
    """Print the rows and return them by subset."""
    with (data / "manifest.csv").open(newline="") as opened:
        shown = {row["file"]: subset(row) for row in csv.DictReader(opened)}
    measured = json.loads(names.read_text())["valid"]
    if seen:
        learnt = sorted(shown.keys() - set(measured))
        measured = np.random.default_rng(0).choice(learnt, SEEN, replace=False)
    model = Contender(lambda: registry.load("coloria", weights, "cpu"), "coloria", reads_hints=True)
    found = evaluate(
        {"coloria": model}, [data / name for name in measured], Settings(), hints=hints
    )
    groups = {"all": found["photos"]}
    for photo in found["photos"]:
        groups.setdefault(shown[photo["photo"]], []).append(photo)
    labels = json.loads(LABELS.read_text(encoding="utf-8"))
    for name, files in labels.items():
        groups[name] = [photo for photo in found["photos"] if photo["photo"] in files]
    sys.stdout.write(
        f"{f'{hints} hints':<12} share photos   dE00   grey   minus grey (95 %)"
        "     better  colour\n"
    )
    count = Counter(shown.values()) | {"all": len(shown)}
    rows = {}
    for name in (*SUBSETS, *labels, "other", "all"):
        photos = groups.get(name, [])
        if len(photos) < LEAST:
            continue
        row = summary([photo["models"]["coloria"] for photo in photos], [])
        low, high = row["de00_minus_grey"]["ci95"]
        grey, colour = (np.mean([p[key] for p in photos]) for key in ("grey", "colourfulness"))
        better = row["better_than_grey"] / len(photos)
        rows[name] = {
            "photos": len(photos),
            "grey": round(grey, 2),
            "de00": round(row["de00"]["mean"], 2),
            "better_pct": round(100 * better),
        }
        share = "" if name in labels else f"{count[name] / len(shown):.0%}"
        sys.stdout.write(
            f"{name:<12}{share:>6}{len(photos):7d}"
            f"{row['de00']['mean']:7.2f}{grey:7.2f}"
            f"{row['de00_minus_grey']['mean']:8.2f} ({low:5.2f} .. {high:5.2f})"
            f"{better:8.0%}{row['colourfulness'] / colour:8.0%}\n"
        )
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--names", type=Path)
    parser.add_argument("--hints", type=int, default=0)
    parser.add_argument("--weights", type=Path, default=BUNDLED)
    parser.add_argument("--seen", action="store_true")
    parser.add_argument("--card", action="store_true")
    chosen = parser.parse_args()
    if chosen.card and (chosen.hints or chosen.seen or chosen.weights != BUNDLED):
        parser.error("--card goes with the bundled weights, held-out photos and without hints")
    if not (chosen.data and chosen.names):
        sys.stdout.write("left out: needs --data DIR and --names RUN/split.json\n")
        sys.exit()
    found = main(chosen.data, chosen.names, chosen.hints, chosen.weights, chosen.seen)
    if chosen.card:
        card = json.loads(CARD.read_text(encoding="utf-8")) | {"subsets": found}
        CARD.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
