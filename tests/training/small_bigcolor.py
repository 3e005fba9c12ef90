"""A run of `train_model bigcolor` whose network has few channels: seconds instead of minutes.

python -m tests.training.small_bigcolor PHOTOS OUT [--resume] [KEY=VALUE ...]
"""

import argparse
from pathlib import Path

from ml.nets import bigcolor
from training.config import PRESETS, BigColorConfig, override
from training.recipes.bigcolor import run

WIDTH = 4
SHORT = ["keep_pct=1", "threads=1", "interval_save_train=4", "interval_save_test=4"]


def config(*settings: str) -> BigColorConfig:
    given = override(PRESETS["bigcolor"]["smoke"], [*SHORT, *settings])
    assert isinstance(given, BigColorConfig)
    return given


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("settings", nargs="*")
    given = parser.parse_args()
    bigcolor.WIDTH = WIDTH
    cache = given.out.parent / "cache"
    run(given.photos, given.out, cache, config(*given.settings), "small", given.resume, "cpu")


if __name__ == "__main__":
    main()
