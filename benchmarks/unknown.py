"""Photos that the bundled networks did not learn from, as names for `subsets.py`.

    python benchmarks/unknown.py --data DIR --out NAMES.json

Those that one of the three held out, and those that the mixes of all three left out: of faces only
FACES of these, by chance. Photos of food (labels.json) come too, because none is left. Nothing is
trained: what a run shows follows from its settings.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from training.coloria_config import PRESETS
from training.data import mixed, pack, split

LABELS = Path(__file__).with_name("labels.json")
CACHE = Path("var", "cache")
FACES = 80
FEW = {"seed": 7, "valid_photos": 20, "valid_from": ()}
RUNS = (  # `larger` shows the photos of `laptop`
    PRESETS["laptop"],
    replace(PRESETS["taught-decoder"], **FEW),
    replace(PRESETS["taught-decoder"], **FEW | {"seed": 11}),
)


def main(data):
    """The names, after a line of counts."""
    learnt, held_out = set(), set()
    for run in RUNS:
        store = pack(data, CACHE, run.store_side, run.min_chroma)
        photos, held = split(len(store), run.valid_photos, run.keep_pct, run.seed, set())
        # the networks learnt when the frames of the flat still came four times
        mix = [rule.replace("voc_*=0.5", "voc_*=4") for rule in run.mix]
        learnt |= {store.names[photo] for photo in mixed(photos, store.names, mix, run.seed)}
        held_out |= {store.names[photo] for photo in held}
    unknown = sorted(set(store.names) - learnt)
    faces = [name for name in unknown if name.startswith(("face_", "utk_"))]
    food = json.loads(LABELS.read_text(encoding="utf-8"))["food"]
    some = np.random.default_rng(0).choice(faces, FACES, replace=False).tolist()
    names = sorted({*held_out, *set(unknown) - set(faces), *some, *food})
    sys.stdout.write(
        f"{len(learnt)} photos learnt from, {len(unknown)} by none; of {len(names)} named"
        f" {len(set(names) & set(unknown))} by none, {len(set(food) - held_out)} of"
        f" {len(food)} of food by all\n"
    )
    return names


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if not (options.data and options.out):
        sys.stdout.write("left out: needs --data DIR and --out FILE\n")
        sys.exit()
    options.out.write_text(json.dumps({"valid": main(options.data)}))
