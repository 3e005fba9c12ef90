"""A NoGAN run as data: its stages, every knob, and the presets of `train_model artistic|stable`.

S-numbers are rows of the requirements; a value without one is upstream's (DeOldify, MIT).
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal["generator", "images", "critic", "gan"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. `images` writes the generator's pictures for the critic to judge."""

    name: str
    kind: Kind
    size: int  # pixels of the square
    batch: int
    keep_pct: float = 1.0  # share of the training photos (S024, S035)
    epochs: int = 1
    rates: tuple[float, float] = (0.0, 0.0)  # first and last layer group, geometric between them;
    # first 0: a tenth of the last
    pct_start: float = 1e-8  # share of the one-cycle before its peak
    frozen: bool = False  # only the last layer group learns, and the norms
    once: bool = False  # of a cycle: in the first round only
    max_steps: int = 0  # of an epoch; 0: all of the photos' share


@dataclass(frozen=True, slots=True)
class NoganConfig:
    """One run of `train_model artistic` or `stable`; `cycle` follows `stages`, `rounds` times."""

    network: Literal["artistic", "stable"]  # which fixes nf_factor: 1.5 and 2 (S036, S038)
    stages: tuple[Stage, ...]
    cycle: tuple[Stage, ...]
    rounds: int = 5  # S047: at least five; S048: as the pictures look
    skip: tuple[str, ...] = ()  # names of stages to leave out; the record says so (S129)
    encoder: str = "imagenet"  # torchvision's weights: in its cache; a file; or random
    perceptual: str = "imagenet"  # VGG16-BN: in torchvision's cache; a file; random; or none
    feature_weights: tuple[float, float, float] = (20.0, 70.0, 10.0)
    betas: tuple[float, float] = (0.9, 0.99)
    gan_betas: tuple[float, float] = (0.0, 0.9)  # S050
    weight_decay: float = 1e-3  # S050; upstream's everywhere
    gan_weights: tuple[float, float] = (1.0, 2.0)  # critic's and feature loss: S050, S051
    critic_threshold: float = 0.65  # S049: the generator's turn once the critic's loss is below
    critic_rate: float = 5.0  # of the critic in the GAN stage, times the generator's
    critic_features: int = 256  # S045
    critic_dropout: float = 0.15
    zoom: float = 1.2
    lighting: float = 0.5
    warp: float = 0.25
    rotate: float = 10.0  # degrees
    critic_zoom: float = 2.0
    critic_lighting: float = 0.2
    critic_warp: float = 0.2
    store_side: int = 256  # shorter side of the packed photos
    min_chroma: float = 4.0  # photos with a lower mean chroma count as grey and are left out
    valid_share: float = 0.1
    valid_photos: int = 100  # at most so many of them are measured
    valid_side: int = 192  # pixels at which dE00 is measured, the same in every stage
    checkpoint_every: int = 500  # steps
    gan_checkpoint_every: int = 100  # steps of a GAN stage, with a sample sheet
    validate_every: int = 500
    seed: int = 42
    workers: int = 2
    threads: int = 0  # of torch; 0 leaves it to torch


def plan(config: NoganConfig) -> Iterator[tuple[str, Stage, int]]:
    """Label, stage and round (0 before the cycle) of everything the run goes through, in order."""
    for stage in config.stages:
        yield stage.name, stage, 0
    for turn in range(1, config.rounds + 1):
        for stage in config.cycle:
            if turn == 1 or not stage.once:
                yield f"{stage.name}-{turn}", stage, turn


def skipped(config: NoganConfig, label: str, stage: Stage) -> bool:
    return label in config.skip or stage.name in config.skip


def check_skip(config: NoganConfig) -> None:
    """Raises ValueError for a stage to leave out that the run does not have."""
    known = dict.fromkeys(name for label, stage, _ in plan(config) for name in (stage.name, label))
    for name in config.skip:
        if name not in known:
            raise ValueError(f"skip={name}: there is no such stage; known: {', '.join(known)}")


def pretraining(batch_128: int, batch_192: int) -> tuple[Stage, ...]:
    return (
        # S034, S039: one epoch, 80 % of the cycle upwards, the encoder frozen
        Stage("generator-64-frozen", "generator", 64, 88, rates=(0.0, 1e-3), pct_start=0.8,
              frozen=True),
        Stage("generator-64", "generator", 64, 88, rates=(3e-7, 3e-4)),  # S041
        Stage("generator-128", "generator", 128, batch_128, rates=(1e-7, 1e-4)),  # S042, S053
        Stage("generator-192", "generator", 192, batch_192, 0.5, rates=(5e-8, 5e-5)),  # S043, S053
    )  # fmt: skip


def cycle(size: int, critic_batch: int, gan_batch: int, rate: float) -> tuple[Stage, ...]:
    return (
        Stage("images", "images", size, 8, 0.085),  # S044 implies it
        Stage("critic-128", "critic", 128, 64, epochs=6, rates=(1e-3, 1e-3), pct_start=0.3,
              once=True),  # S044, S046
        Stage(f"critic-{size}", "critic", size, critic_batch, epochs=4, rates=(1e-4, 1e-4),
              pct_start=0.3),  # S047
        # S052: the report's code and upstream say 0.03, the report's text 30 %
        Stage("gan", "gan", size, gan_batch, 0.03, rates=(rate, rate), frozen=True),
    )  # fmt: skip


ARTISTIC = NoganConfig(
    network="artistic",  # ResNet-34, deep decoder
    stages=pretraining(22, 11),  # S053
    cycle=cycle(192, 16, 9, 1e-5),  # S052, S053
    gan_weights=(1.0, 2.0),  # S051
)
STABLE = NoganConfig(
    network="stable",  # ResNet-101, wide decoder
    stages=pretraining(20, 8),  # S053
    cycle=cycle(192, 16, 5, 1e-5),  # S052, S053
    gan_weights=(1.0, 1.5),  # S050, S051
)
STABLE_UPSTREAM = replace(
    STABLE,
    stages=(
        *pretraining(40, 16),
        Stage("generator-256", "generator", 256, 8, 0.5, rates=(5e-8, 5e-5)),
    ),
    cycle=cycle(256, 8, 5, 2e-5),
)


def smoke(config: NoganConfig) -> NoganConfig:
    """Every kind of stage in a few steps: it shows that all runs, and teaches nothing. The critic
    needs 64 px.
    """

    def small(stage: Stage) -> Stage:
        size = 32 if stage.kind == "generator" else 64
        batch, steps = (1, 2) if stage.kind == "gan" else (2, 1)  # a step of either network
        return replace(stage, size=size, batch=batch, keep_pct=1.0, epochs=1, max_steps=steps)

    wide = config.network == "stable"  # whose steps take seconds
    return replace(
        config,
        stages=tuple(small(s) for s in config.stages if s.size == 64 and not (wide and s.frozen)),
        cycle=tuple(small(stage) for stage in config.cycle if stage.kind != "critic" or stage.once),
        rounds=1, encoder="random", perceptual="random", critic_features=8, store_side=96,
        min_chroma=0.0, valid_photos=1, valid_side=32,
        critic_threshold=100.0, workers=0,
    )  # fmt: skip


PRESETS: dict[str, dict[str, NoganConfig]] = {
    "artistic": {
        "report": ARTISTIC,
        "upstream": ARTISTIC,  # the report took over upstream's figures
        "smoke": smoke(ARTISTIC),
    },
    "stable": {
        "report": STABLE,
        "reported": replace(STABLE, skip=("generator-128",)),  # S129: what was really run
        "upstream": STABLE_UPSTREAM,
        "smoke": smoke(STABLE),
    },
}

# Seconds per epoch on the report's machine, for 100,000 photos (S123-S126); the critic's are the
# median over its epochs. For 64 px the report gives one figure for both epochs or either of them.
REPORTED_SECONDS: dict[str, dict[str, int]] = {
    "artistic": {
        "generator-64": 1928, "generator-128": 18619, "generator-192": 16110,
        "critic-128": 866, "critic-192": 1317, "gan": 3600,
    },
    "stable": {
        "generator-64": 5564, "generator-192": 34834,
        "critic-128": 14460, "critic-192": 27477, "gan": 3600,
    },
}  # fmt: skip


def stage_fields(config: NoganConfig) -> dict[str, Any]:
    """Every knob of every stage by "stage.key"."""
    return {
        f"{stage.name}.{field.name}": getattr(stage, field.name)
        for stage in (*config.stages, *config.cycle)
        for field in dataclasses.fields(stage)
        if field.name not in ("name", "kind")
    }


def with_stage(config: NoganConfig, path: str, value: Any) -> NoganConfig:
    """The config with another value at "stage.key"."""
    name, _, key = path.partition(".")

    def changed(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
        return tuple(replace(s, **{key: value}) if s.name == name else s for s in stages)

    return replace(config, stages=changed(config.stages), cycle=changed(config.cycle))
