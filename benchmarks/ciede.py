"""CIEDE2000 beside scikit-image's, one thread each, alternating in one process: megapixels per
second of processor time and the ratio, and the largest difference between the two.

Pairs are drawn colours against shifted ones, as a result differs from the truth.
"""

import statistics
import sys
import time
from pathlib import Path

import numpy as np
from skimage.color import deltaE_ciede2000

sys.path.insert(0, str(Path(__file__).parents[1]))

from ml.color import delta_e00, lab_from_rgb

SHAPE = (384, 512)
ROUNDS = 15


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


if __name__ == "__main__":
    main()
