"""A NoGAN run on a generator small enough for tests: the real body, one block per stage, and a
narrow decoder. As a program (kinds of stage, photos, run folder, settings) it is what is killed.
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from ml.nets.deoldify import Layout
from training.config import override
from training.nogan import generator
from training.nogan.config import PRESETS, NoganConfig, Stage
from training.recipes import nogan

TINY = Layout(
    bottleneck=False,
    repeats=(1, 1, 1, 1),
    skips=(256, 128, 64, 64),
    deepest=512,
    shuffled=(16, 16, 16, 16),
    widths=(16, 16, 16, 16),
    deep=True,
)


def config(*settings: str) -> NoganConfig:
    """The smoke preset without features, two epochs of two steps where a network's rates vary."""
    smoke = PRESETS["artistic"]["smoke"]

    def longer(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
        kinds = ("generator", "gan")
        return tuple(
            replace(stage, epochs=2, max_steps=2) if stage.kind in kinds else stage
            for stage in stages
        )

    return override(
        replace(
            smoke,
            stages=longer(smoke.stages[:1]),
            cycle=longer(smoke.cycle),
            perceptual="none",
            checkpoint_every=1,
            gan_checkpoint_every=1,
            threads=1,
        ),
        list(settings),
    )


def train(photos: Path, out: Path, *settings: str, resume: bool = False) -> Path:
    return nogan.run(photos, out, out.parent / "cache", config(*settings), "tiny", resume, "cpu")


if __name__ == "__main__":
    generator.LAYOUTS["artistic"] = TINY
    torch.set_num_threads(1)
    photos, out, *settings = sys.argv[1:]
    train(Path(photos), Path(out), *settings, resume=True)
