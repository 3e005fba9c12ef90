"""CIEDE2000 beside scikit-image's, one thread each, alternating in one process: megapixels per
second of processor time and the ratio, and the largest difference between the two.

Pairs are drawn colours against shifted ones, as a result differs from the truth. Below: how far the
formula with the hue of the report's reference [19] is off, on Sharma's pairs and on drawn ones.
"""

import math
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from skimage.color import deltaE_ciede2000

sys.path.insert(0, str(Path(__file__).parents[1]))

from ml.color import delta_e00, lab_from_rgb
from tests.ml.test_ciede2000 import PAIRS

SHAPE = (384, 512)
ROUNDS = 15
DRAWN = 20_000  # pairs of sRGB colours


def hue19(a, b):
    """As in [19]: a turn is added whenever a' is negative, not whenever the angle is."""
    return math.atan2(b, a) + (2 * math.pi if a < 0 else 0)


def published(lab1, lab2, hue):
    """The formula pair by pair, as it is printed, with a hue (radians) of one's own."""
    (l1, a1, b1), (l2, a2, b2) = lab1, lab2
    chroma = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    stretch = 1.5 - math.sqrt(chroma**7 / (chroma**7 + 25**7)) / 2
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2, h1, h2 = math.hypot(a1, b1), math.hypot(a2, b2), hue(a1, b1), hue(a2, b2)
    if c1 * c2 == 0:
        turn, mean = 0.0, h1 + h2
    else:
        turn, mean = h2 - h1, (h1 + h2) / 2
        if abs(turn) > math.pi:
            turn -= math.copysign(2 * math.pi, turn)
            mean += math.pi if h1 + h2 < 2 * math.pi else -math.pi
    weight = 1 + sum(
        factor * math.cos(times * mean + math.radians(shift))
        for factor, times, shift in (
            (-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63),
        )
    )  # fmt: skip
    c, light = (c1 + c2) / 2, ((l1 + l2) / 2 - 50) ** 2
    blue = math.radians(60) * math.exp(-(((math.degrees(mean) % 360 - 275) / 25) ** 2))
    by_l = (l2 - l1) / (1 + 0.015 * light / math.sqrt(20 + light))
    by_c = (c2 - c1) / (1 + 0.045 * c)
    by_h = 2 * math.sqrt(c1 * c2) * math.sin(turn / 2) / (1 + 0.015 * c * weight)
    rotation = -2 * math.sqrt(c**7 / (c**7 + 25**7)) * math.sin(blue)
    return math.sqrt(max(0, by_l**2 + by_c**2 + by_h**2 + rotation * by_c * by_h))


def faults():
    """Lines on [19]; the same formula with the right hue is the control."""
    drawn = np.random.default_rng(1).integers(0, 256, (2, DRAWN, 3), dtype=np.uint8)
    first, second = (lab_from_rgb(rgb).astype(float) for rgb in drawn)
    sets = {"Sharma's": PAIRS, "drawn": np.column_stack([first, second, np.zeros(DRAWN)])}
    sets["drawn"][:, 6] = deltaE_ciede2000(first, second)
    hues = {"[19]": hue19, "right hue": lambda a, b: math.atan2(b, a) % (2 * math.pi)}
    for name, hue in hues.items():
        for kind, rows in sets.items():
            found = np.array([published(row[:3], row[3:6], hue) for row in rows.tolist()])
            off = np.abs(found - rows[:, 6])
            yield f"{name:<12}{kind:<10} off on {(off > 1e-3).mean():6.1%}, at most {off.max():.4f}"


def seconds(difference, lab1, lab2):
    started = time.process_time()
    difference(lab1, lab2)
    return time.process_time() - started


def main():
    rng = np.random.default_rng(0)
    truth = lab_from_rgb(rng.integers(0, 256, (*SHAPE, 3), dtype=np.uint8))
    result = (truth + rng.normal(0, 8, truth.shape)).astype(np.float32)
    both = {"ours": delta_e00, "scikit-image": deltaE_ciede2000}
    times = {name: [] for name in both}
    for _ in range(ROUNDS + 1):
        for name, difference in both.items():
            times[name].append(seconds(difference, truth, result))
    medians = {name: statistics.median(rounds[1:]) for name, rounds in times.items()}
    megapixels = truth[..., 0].size / 1e6
    for name, median in medians.items():
        sys.stdout.write(f"{name:<14}{megapixels / median:8.2f} megapixels/s\n")
    exact = deltaE_ciede2000(truth.astype(float), result.astype(float))
    worst = np.abs(delta_e00(truth, result) - exact).max()
    sys.stdout.write(f"{'ratio':<14}{medians['scikit-image'] / medians['ours']:8.2f}\n")
    sys.stdout.write(f"largest difference from scikit-image in float64: {worst:.1e}\n")
    for line in faults():
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
