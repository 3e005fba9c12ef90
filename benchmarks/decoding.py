"""Which decoding of the distribution is best? Temperature, chroma, input size; held-out photos.

    python benchmarks/decoding.py --data DIR --names RUN/split.json [--weights FILE] [--limit N]
        [--without 'face_*,utk_*']

Photos of at most 256 px, luma alone, no hints; `split.json` is what `train_model coloria` held out.
Then the colour of least expected dE00 under the distribution instead of its mean, also with a
reward for its chroma, and the mean with a share of the photo's mean colour taken off (a grey
world).
"""

import argparse
import functools
import json
import sys
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from ml import registry
from ml.backends.coloria import NATURAL, Dial, decode, hint_planes, input_size
from ml.color import ab_bins, colourfulness, delta_e00, lab_from_rgb
from ml.compose import compose, small_luma
from ml.evaluate import grey_of, three
from ml.images import downscaled, open_photo

LONG_SIDE = 256
SIDES = (96, 160, 192, 224, 256)
DIALS = tuple(Dial(temperature, 1) for temperature in (1, 0.7, 0.38, 0.25))
CHROMAS = tuple(Dial(temperature, chroma) for temperature in (0.6, 0.5) for chroma in (1, 1.1, 1.2))
GREY_WORLD = (0.1, 0.2)  # shares of the mean colour
LEAST = ((0.1, 0), (0.3, 0), (0.6, 0), (0.1, 0.1), (0.3, 0.1), (0.3, 0.15))  # softness, reward
LIGHTNESS = np.arange(5, 100, 10)


@functools.cache
def table():
    """dE00 between all pairs of bins at ten lightnesses, (10, Q, Q)."""
    bins = ab_bins()
    rows = []
    for level in LIGHTNESS:
        lab = np.concatenate([np.full((len(bins), 1), level), bins], 1)
        rows.append(delta_e00(*np.broadcast_arrays(lab[:, None], lab[None])))
    return np.stack(rows)


def least_expected(logits, luma, softness, reward=0.0):
    """Bins weighted by exp(-expected dE00 / softness): ab (h, w, 2). The Lagrangian of a wanted
    chroma takes `reward` off the expected dE00 for each of its units.
    """
    earned = reward * np.hypot(*ab_bins().T)
    count, height, width = logits.shape
    p = np.exp(logits - logits.max(0)).reshape(count, -1)
    p = (p / p.sum(0)).T
    level = luma.reshape(height, 4, width, 4).mean((1, 3)).ravel()
    level = np.clip(level // 10, 0, 9).astype(int)
    ab = np.empty((height * width, 2), np.float32)
    for index in np.unique(level):
        expected = p[level == index] @ table()[index] - earned
        weight = np.exp(-(expected - expected.min(1, keepdims=True)) / softness)
        ab[level == index] = (weight / weight.sum(1, keepdims=True)) @ ab_bins()
    return ab.reshape(height, width, 2)


def read(model, path, side):
    truth = downscaled(open_photo(path), LONG_SIDE)
    rgb, photo = three(truth.pixels), grey_of(truth)
    size = input_size(*photo.size, side)
    luma = small_luma(photo, *size)
    lab = lab_from_rgb(rgb)
    grey = delta_e00(lab_from_rgb(three(photo.pixels)), lab).mean()
    return photo, luma, model.logits(luma, hint_planes((), *size)), lab, colourfulness(rgb), grey


def less_cast(logits, share):
    """The natural colours less a share of their mean over the photo, at the natural mean chroma."""
    ab = decode(logits, NATURAL)
    less = ab - share * ab.mean((0, 1))
    return less * (
        np.hypot(*np.moveaxis(ab, -1, 0)).mean() / np.hypot(*np.moveaxis(less, -1, 0)).mean()
    )


def row(name, photos, rule):
    greys, truths = (np.array([photo[index] for photo in photos]) for index in (5, 4))
    scores, colours = [], []
    for photo, luma, logits, lab, _, _ in photos:
        painted = compose(photo, rule(logits, luma), luma).pixels
        scores.append(delta_e00(lab_from_rgb(painted), lab).mean())
        colours.append(colourfulness(painted))
    better = np.mean(np.array(scores) < greys)
    share = np.mean(colours) / truths.mean()
    figures = f"{np.mean(scores):7.2f}{np.percentile(scores, 90):7.2f}{better:8.0%}{share:8.0%}"
    sys.stdout.write(f"{name:<36}{figures}\n")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--names", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--without", default="", metavar="GLOB,GLOB", help="photos to leave out")
    options = parser.parse_args()
    if not (options.data and options.names):
        sys.stdout.write("left out: needs --data DIR and --names RUN/split.json\n")
        return
    model = registry.load("coloria", weights=options.weights)
    left_out = options.without.split(",")
    names = [
        name
        for name in json.loads(options.names.read_text())["valid"]
        if not any(fnmatch(name, glob) for glob in left_out)
    ][: options.limit]
    for side in SIDES:
        photos = [read(model, options.data / name, side) for name in names]
        if side == SIDES[0]:
            grey = np.mean([photo[5] for photo in photos])
            sys.stdout.write(f"{'':<36}{'dE00':>7}{'p90':>7}{'better':>8}{'colour':>8}\n")
            sys.stdout.write(f"{f'grey, {len(photos)} photos':<36}{grey:7.2f}\n")
        dials = (NATURAL,) if side != model.side else DIALS + CHROMAS
        for dial in dials:
            name = f"{side} px, T {dial.temperature}, chroma x {dial.chroma}"
            row(name, photos, lambda logits, luma, dial=dial: decode(logits, dial))
        for how in LEAST if side == model.side else ():
            name = f"{side} px, least expected, {how[0]}, reward {how[1]}"
            row(name, photos, lambda logits, luma, how=how: least_expected(logits, luma, *how))
        for share in GREY_WORLD if side == model.side else ():
            name = f"{side} px, natural, grey world {share}"
            row(name, photos, lambda logits, luma, share=share: less_cast(logits, share))


if __name__ == "__main__":
    main()
