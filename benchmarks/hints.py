"""What true hints are worth, and how far each should carry: dE00 on held-out photos.

    python benchmarks/hints.py --data DIR --names RUN/split.json [--limit N]

Places are those of `evaluate_models --hints`. Measured at the network's output, a quarter of its
input's size. The first row is the network alone; the others add `corrected` with other constants.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from ml import registry
from ml.backends import coloria
from ml.color import delta_e00, lab_from_rgb
from ml.evaluate.photos import read, revealed

COUNTS = (1, 3, 10, 50)
SHIPPED = (coloria.REACH, coloria.ALIKE, coloria.STAY)
TRIED = ((0.05, 10, 0.03), (0.2, 10, 0.03), (0.1, 5, 0.03), (0.1, 20, 0.03), (0.1, 10, 0.003))
BUNDLED = Path("ml", "weights", "coloria.onnx")


def answers(model, path):
    """Truth (h, w, 3) in CIELAB, luma, and the network's ab with every number of hints."""
    photo = read(path)
    lab = lab_from_rgb(photo.rgb)
    rows = {}
    for count in COUNTS:
        hints = revealed(path, count)
        luma, logits = model.read(photo.grey, hints)
        rows[count] = hints, coloria.decode(logits, coloria.NATURAL)
    height, width = rows[COUNTS[0]][1].shape[:2]
    planes = [Image.fromarray(plane) for plane in np.moveaxis(lab, -1, 0)]
    truth = [np.asarray(plane.resize((width, height), Image.Resampling.BOX)) for plane in planes]
    return np.stack(truth, -1), luma, rows


def score(photos, count, constants):
    coloria.REACH, coloria.ALIKE, coloria.STAY = constants or SHIPPED
    scores = []
    for truth, luma, rows in photos:
        hints, ab = rows[count]
        if constants:
            ab = coloria.corrected(ab, luma, hints, 1.0)
        scores.append(delta_e00(np.concatenate([truth[..., :1], ab], -1), truth).mean())
    return np.mean(scores)


def main(data, names, limit):
    model = registry.load("coloria", weights=BUNDLED)
    held_out = json.loads(names.read_text())["valid"][:limit]
    photos = [answers(model, data / name) for name in held_out]
    sys.stdout.write(f"{len(photos)} photos{'':<16}" + "".join(f"{n:>5} hints" for n in COUNTS))
    for constants in (None, SHIPPED, *TRIED):
        name = "reach {}, alike {:g}, stay {}".format(*constants) if constants else "network alone"
        figures = "".join(f"{score(photos, count, constants):11.2f}" for count in COUNTS)
        sys.stdout.write(f"\n{name:<34}{figures}")
        sys.stdout.flush()
    sys.stdout.write("\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--names", type=Path)
    parser.add_argument("--limit", type=int, default=120)
    chosen = parser.parse_args()
    if not (chosen.data and chosen.names):
        sys.stdout.write("left out: needs --data DIR and --names RUN/split.json\n")
        sys.exit()
    main(chosen.data, chosen.names, chosen.limit)
