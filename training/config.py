"""What a run is: one frozen record per recipe, its presets as data, and `key=value` overrides."""

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ColoriaConfig:
    """One run of `train_model coloria`. Sizes in pixels, learning rates per step of AdamW."""

    steps: int = 3800
    batch: int = 24
    sizes: tuple[tuple[int, int], ...] = ((0, 96), (3350, 128))  # (from step, side of the crop)
    store_side: int = 160  # shorter side of the packed photos
    crop_scale: tuple[float, float] = (0.55, 1.0)  # side of the crop over the photo's shorter side
    keep_pct: float = 1.0  # share of the training photos in use
    min_chroma: float = 4.0  # photos with a lower mean chroma count as grey and are left out
    valid_photos: int = 200
    degrade: float = 0.6  # probability that a sample looks like an old photograph
    hints: float = 0.5  # probability that a sample has colour hints
    rebalance: float = 0.25  # exponent on Zhang's class weights: 0 none, 1 full
    lr: float = 1.5e-3
    encoder_lr: float = 5e-4
    weight_decay: float = 0.02
    warmup: int = 200
    decay: float = 0.35  # last share of the steps, in which the rate falls linearly to zero
    ema: float = 0.999
    clip: float = 1.0
    pretrained: bool = True  # start from the encoder's ImageNet weights
    seed: int = 42
    workers: int = 1
    threads: int = 0  # of each process; 0 leaves it to torch and torchrun
    checkpoint_every: int = 100
    validate_every: int = 1000


PRESETS: dict[str, dict[str, ColoriaConfig]] = {
    "coloria": {
        "laptop": ColoriaConfig(),
        "smoke": ColoriaConfig(
            steps=6, batch=4, sizes=((0, 64),), store_side=96, valid_photos=2, warmup=2,
            min_chroma=0.0, checkpoint_every=2, validate_every=6, workers=0,
        ),
    },
}  # fmt: skip


def override(config: ColoriaConfig, assignments: list[str]) -> ColoriaConfig:
    """Apply `key=value` strings; a value is read as the type of the field it replaces.

    Raises ValueError naming the key that does not exist or the value that does not fit.
    """
    changes: dict[str, Any] = {}
    fields = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    for assignment in assignments:
        key, _, text = assignment.partition("=")
        if key not in fields:
            raise ValueError(f"there is no setting {key!r}; known: {', '.join(fields)}")
        changes[key] = parse(key, text, fields[key])
    return dataclasses.replace(config, **changes)


def parse(key: str, text: str, current: Any) -> Any:
    """Read `text` as the type of `current`. Sizes are written 0:96,5500:128 and ranges 0.55,1."""
    try:
        if key == "sizes":
            pairs = (pair.split(":") for pair in text.split(","))
            return tuple((int(step), int(side)) for step, side in pairs)
        if isinstance(current, bool):
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        if isinstance(current, tuple):
            return tuple(float(part) for part in text.split(","))
        return type(current)(text)
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{key}={text} does not fit: expected something like {current!r}"
        ) from error
