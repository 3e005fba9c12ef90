"""Which score finds the best of five colourings of a photo? Held-out photos, made-up candidates.

    python benchmarks/choosing.py --data DIR --names RUN/split.json [--limit N] [--fit]

BigColor's own weights are not needed: candidates are made as a network makes them that is told a
class, often a wrong one. Their colours are another photo's by order of luma, the truth mixed with
those, or the bundled model's after hints in such colours. "alike" gives the five the same mean
chroma. `split.json` is what `train_model coloria` held out; every second photo is measured, and
--fit prints what ml/score.py takes for the colours of photos at large from the others.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

sys.path.insert(0, str(Path(__file__).parents[1]))

from ml import registry, score
from ml.backends.coloria import NATURAL, Dial, decode, hint_planes, input_size
from ml.ciede2000 import delta_e00
from ml.color import ab_bins, colourfulness, lab_from_rgb, linear_from_lab, srgb_from_linear
from ml.compose import compose, resized, small_luma
from ml.evaluate import bootstrap, grey_of, three
from ml.images import Photograph, downscaled, open_photo
from ml.spec import Hint

LONG_SIDE = 192
CANDIDATES = 5
KINDS = ("palette", "mixed", "hinted")
STEPS = 12  # of luma in a palette


@dataclass
class Known:
    """A photo in grey with its truth, and what the bundled model sees in it."""

    photo: Photograph
    lab: np.ndarray
    colour: float
    luma: np.ndarray
    logits: np.ndarray


def read(model, path):
    truth = downscaled(open_photo(path), LONG_SIDE)
    rgb, photo = three(truth.pixels), grey_of(truth)
    size = input_size(*photo.size, model.side)
    luma = small_luma(photo, *size)
    logits = model.logits(luma, hint_planes((), *size))
    return Known(photo, lab_from_rgb(rgb), colourfulness(rgb), luma, logits)


def ranks(luma):
    order = np.empty(luma.size, np.float32)
    order[np.argsort(luma.ravel(), kind="stable")] = np.arange(luma.size) / luma.size
    return order.reshape(luma.shape)


def palette(other, known):
    """The other photo's mean ab at twelve ranks of luma, given to the same ranks here."""
    step = (ranks(other.lab[..., 0]) * STEPS).astype(int)
    middles, rank = (np.arange(STEPS) + 0.5) / STEPS, ranks(known.lab[..., 0])
    planes = [
        np.interp(rank, middles, [other.lab[step == s][:, axis].mean() for s in range(STEPS)])
        for axis in (1, 2)
    ]
    return np.stack(planes, -1).astype(np.float32)


def hinted(model, known, ab, random):
    """The bundled model's colours after four hints in the colours `ab`."""
    height, width = ab.shape[:2]
    hints = []
    for y, x in zip(random.integers(height, size=4), random.integers(width, size=4), strict=True):
        lab = np.array([known.lab[y, x, 0], *ab[y, x]], np.float32)
        red, green, blue = (srgb_from_linear(linear_from_lab(lab)) * 255).round().astype(int)
        hints.append(Hint(x / width, y / height, (int(red), int(green), int(blue))))
    size = known.luma.shape[::-1]
    return decode(model.logits(known.luma, hint_planes(tuple(hints), *size)), NATURAL)


def candidate(model, known, others, random):
    kind, share = KINDS[random.integers(len(KINDS))], np.float32(random.random())
    ab = palette(others[random.integers(len(others))], known)
    if kind == "hinted":
        return hinted(model, known, ab, random)
    return ab if kind == "palette" else share * known.lab[..., 1:] + (1 - share) * ab


def chroma(ab):
    return float(np.hypot(ab[..., 0], ab[..., 1]).mean())


def alike(several):
    """Candidates with the mean chroma of all."""
    mean = np.mean([chroma(ab) for ab in several])
    return [ab * np.float32(mean / max(chroma(ab), 1e-3)) for ab in several]


def agreement(logits, ab):
    """Cosine between the colours and the mean of the distribution, over the photo."""
    mean = decode(logits, Dial(1, 1))
    planes = [resized(np.ascontiguousarray(ab[..., n]), *mean.shape[1::-1]) for n in (0, 1)]
    small = np.stack(planes, -1)
    return (small * mean).sum() / np.sqrt((small**2).sum() * (mean**2).sum() + 1e-9)


def expected(logits):
    """Expected distance in ab from each bin, (Q, h, w), negative."""
    weight = np.exp(logits - logits.max(0))
    apart = np.sqrt(((ab_bins()[:, None] - ab_bins()) ** 2).sum(-1))
    return -np.tensordot(apart, weight / weight.sum(0), 1)


def scores(logits, several):
    """Every score of every candidate."""
    seen, common = np.log(score.density(logits) + score.FLOOR), score.commonness()[:, None, None]
    tables = {
        "likelihood": seen,
        "likelihood - common / 2": seen - common / 2,
        "likelihood - common (ours)": score.evidence(logits),
        "least expected distance": expected(logits),
    }
    found = {name: [score.score(table, ab) for ab in several] for name, table in tables.items()}
    found["agreement with the mean"] = [agreement(logits, ab) for ab in several]
    found["most colour"] = [chroma(ab) for ab in several]
    found["least colour"] = [-chroma(ab) for ab in several]
    return found


def measured(known, several):
    """dE00 and colourfulness of each candidate, and its scores."""
    pictures = [compose(known.photo, ab, known.luma).pixels for ab in several]
    off = [float(delta_e00(lab_from_rgb(pixels), known.lab).mean()) for pixels in pictures]
    colours = [colourfulness(pixels) for pixels in pictures]
    return np.array(off), np.array(colours), scores(known.logits, several)


def table(title, rows, truth):
    off, colours = (np.stack([row[index] for row in rows]) for index in (0, 1))
    random, possible = off.mean(1), off.mean() - off.min(1).mean()
    sys.stdout.write(f"{title:<28}{'dE00':>6}{'gain':>7}{'95 %':>15}{'share':>7}{'colour':>8}\n")
    sys.stdout.write(f"{'any':<28}{off.mean():6.2f}{colours.mean() / truth:36.0%}\n")
    picks = {"the best": off.argmin(1)}
    for name in rows[0][2]:
        picks[name] = np.array([np.argmax(row[2][name]) for row in rows])
    for name, pick in picks.items():
        chosen, colour = (of[np.arange(len(of)), pick] for of in (off, colours))
        gain = random - chosen
        low, high = bootstrap(gain.tolist())
        interval = f"{low:.2f}..{high:.2f}"
        figures = f"{chosen.mean():6.2f}{gain.mean():7.2f}{interval:>15}"
        share = f"{gain.mean() / possible:7.0%}{colour.mean() / truth:8.0%}"
        sys.stdout.write(f"{name:<28}{figures}{share}\n")


def fit(photos):
    """Centre, spread and fall of the mean density, each bin weighted by the root of its own."""
    mean = np.mean([score.density(known.logits).mean((1, 2)) for known in photos], 0)
    weight, bins = np.sqrt(mean), ab_bins()

    def residual(guess):
        level, fall, a, b, spread = guess
        squared = ((bins - (a, b)) ** 2).sum(1)
        return weight * (level - fall * np.log1p(squared / spread**2) - np.log(mean))

    found = least_squares(residual, [0, 2, 3, 6, 20])
    _, fall, a, b, spread = found.x
    error = np.sqrt((found.fun**2).sum() / mean.sum())
    sys.stdout.write(
        f"CENTRE, SPREAD, FALL = ({a:.1f}, {b:.1f}), {abs(spread):.1f}, {fall:.2f}"
        f"  (off by {error:.2f} nats)\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--names", type=Path)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    if not (options.data and options.names):
        sys.stdout.write("left out: needs --data DIR and --names RUN/split.json\n")
        return
    model = registry.load("coloria")
    names = json.loads(options.names.read_text())["valid"][: options.limit]
    if options.fit:
        fit([read(model, options.data / name) for name in names[1::2]])
        return
    photos = [read(model, options.data / name) for name in names[::2]]
    rows = {"as they are": [], "alike": []}
    for index, known in enumerate(photos):
        random, others = np.random.default_rng(index), photos[:index] + photos[index + 1 :]
        several = [candidate(model, known, others, random) for _ in range(CANDIDATES)]
        rows["as they are"].append(measured(known, several))
        rows["alike"].append(measured(known, alike(several)))
    for title, found in rows.items():
        truth = np.mean([known.colour for known in photos])
        table(f"{title}, {len(photos)} photos", found, truth)


if __name__ == "__main__":
    main()
