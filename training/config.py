"""What a run is: one frozen record per recipe, its presets as data, and `key=value` overrides."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.coloria_config import PRESETS as COLORIA
from training.coloria_config import ColoriaConfig
from training.nogan.config import PRESETS as NOGAN
from training.nogan.config import NoganConfig, Stage, check_skip, stage_fields, with_stage


@dataclass(frozen=True, slots=True)
class BigColorConfig:
    """One run of `train_model bigcolor`. The defaults are those of the report's Figs 15-25.

    Options of the report that are told otherwise here: --path_imgnet_train is --data,
    --path_log and --path_ckpts are --out, --path_config (a pickle, which runs code when read) is
    the network itself, --retrain is --resume, --port belongs to torchrun.
    """

    task_name: str = "unknown"  # S056: names for the record, without effect
    detail: str = "unknown"
    norm_type: str = "adabatch"  # S057: the networks on the site have no other; others are refused
    activation: str = "relu"  # S058: as norm_type
    weight_init: str = "ortho"  # S059: ortho, N02, xavier or empty (torch's own)
    path_vgg: str = ""  # S061: VGG16 as a state dict; empty: torchvision's cache
    path_ckpt_g: str = "pretrained/G_ema_256.pth"  # S062
    path_ckpt_d: str = "pretrained/D_256.pth"
    path_imgnet_val: str = ""  # S025: held-out photos; empty: `valid_photos` of --data
    index_target: tuple[int, ...] = ()  # S026: classes in use; empty: all, up to 1000
    num_worker: int = 8  # S063
    iter_sample: int = 3  # batches on a sample sheet
    num_layer: int = 2  # S065: without effect in upstream too, where dim_f sets the layer
    num_epoch: int = 1
    dim_f: int = 16  # side of the encoder's result for 256 px: as norm_type
    no_res: bool = False  # S066: as norm_type
    no_cond_e: bool = False  # as norm_type
    interval_save_loss: int = 20  # S067, in steps
    interval_save_train: int = 150
    interval_save_test: int = 2000
    interval_save_ckpt: int = 4000
    finetune_g: bool = True  # S068
    finetune_d: bool = True
    lr: float = 1e-4  # S069
    b1: float = 0.0
    b2: float = 0.999
    lr_d: float = 3e-5  # S070
    b1_d: float = 0.0
    b2_d: float = 0.999
    use_schedule: bool = True  # S072
    schedule_decay: float = 0.90
    schedule_type: str = "mult"  # or linear
    print_config: bool = False  # S073: log the settings at the start
    no_pretrained_g: bool = False  # S074
    no_pretrained_d: bool = False
    loss_mse: bool = True  # S075
    loss_lpips: bool = True
    loss_adv: bool = True
    coef_mse: float = 1.0
    coef_lpips: float = 0.2
    coef_adv: float = 0.03
    vgg_target_layers: tuple[int, ...] = (1, 2, 13, 20)
    decay_ema_g: float = 0.999  # S076
    dim_z: int = 119  # S078: as norm_type
    seed: int = 42
    size_batch: int = 20  # over all processes
    use_enhance: bool = False  # S080
    coef_enhance: float = 1.5
    use_attention: bool = False  # S081, in the encoder: as norm_type
    multi_gpu: bool = True  # S082: false refuses to run under torchrun
    perceptual: str = "vgg"  # vgg (ImageNet weights), random (untrained VGG16) or none
    side: int = 256  # S027, a multiple of 64
    width_d: int = 96  # channels of the discriminator's first block
    deviation: float = 0.8  # S079, of z
    keep_pct: float = 1.0  # share of the training photos in use
    min_chroma: float = 4.0  # photos with a lower mean chroma count as grey and are left out
    valid_photos: int = 60
    amp: bool = True  # S087: half precision on a GPU
    threads: int = 0  # of each process; 0 leaves it to torch and torchrun


@dataclass(frozen=True, slots=True)
class CnnConfig:
    """One run of `train_model cnn`, the report's Keras U-Net in six parts."""

    train_photos: int = 38_950  # S029, S030: at most
    valid_photos: int = 50
    size: int = 160  # S032, S104: side of input and output, a multiple of 32
    dropout: bool = False  # S103: 0.2 before the activation of the way up
    lr: float = 1e-3  # S109
    epochs: int = 50  # S110
    batch: int = 60
    keep_pct: float = 1.0  # share of the training photos in use
    min_chroma: float = 4.0  # photos with a lower mean chroma count as grey and are left out
    seed: int = 42
    workers: int = 2  # threads that prepare samples
    threads: int = 0  # of the arithmetic; 0 leaves it to the backend
    checkpoint_every: int = 200  # steps; and after every epoch
    keep_every: int = 10  # epochs between copies of the model that are kept


# How long the report's own runs took (S127, S128): of the preset `reported` where there is one.
REPORTED_RUNS = {
    "artistic": "13 h 34 min",
    "stable": "3 days 1 h 53 min",
    "bigcolor": "10 days, 30 h per epoch",
    "cnn": "2 days",
}

Config = ColoriaConfig | BigColorConfig | CnnConfig | NoganConfig

PRESETS: dict[str, Mapping[str, Config]] = {
    "coloria": COLORIA,
    "bigcolor": {
        "report": BigColorConfig(),
        # S101: the run of the chapter "Practical comparison".
        "reported": BigColorConfig(num_epoch=8, num_layer=8, size_batch=17),
        "upstream": BigColorConfig(
            num_epoch=20, size_batch=60, use_enhance=True, coef_enhance=1.2,
        ),
        "smoke": BigColorConfig(
            size_batch=2, side=64, width_d=4, weight_init="N02", no_pretrained_g=True,
            no_pretrained_d=True, perceptual="none", keep_pct=0.25, min_chroma=0.0, valid_photos=2,
            iter_sample=1, num_worker=0, interval_save_loss=1,
        ),
    },
    "cnn": {
        "report": CnnConfig(),
        # S110: the run of the chapter "Practical comparison".
        "reported": CnnConfig(epochs=60, batch=30, size=128),
        "smoke": CnnConfig(
            epochs=1, batch=2, keep_pct=0.5, min_chroma=0.0, valid_photos=2, workers=1,
            checkpoint_every=1,
        ),
    },
    **NOGAN,
}  # fmt: skip


def restored(config: Config, held: Mapping[str, Any]) -> Config:
    """`config` with the values of a run's side file, in which tuples and stages have become lists
    and objects.
    """
    values = {field.name: held[field.name] for field in dataclasses.fields(config)
              if field.name in held}  # fmt: skip
    for name in ("stages", "cycle"):
        if name in values:
            values[name] = [Stage(**tupled(stage)) for stage in values[name]]
    return dataclasses.replace(config, **tupled(values))


def tupled(value: Any) -> Any:
    """Lists made tuples, at any depth."""
    if isinstance(value, dict):
        return {key: tupled(part) for key, part in value.items()}
    return tuple(tupled(part) for part in value) if isinstance(value, list) else value


def knobs(config: Config) -> dict[str, Any]:
    """Every setting by the name that `override` knows it by."""
    fields = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    return fields | stage_fields(config) if isinstance(config, NoganConfig) else fields


def changes(config: Config, base: Config) -> list[str]:
    """In what a preset differs from another of its recipe, written as `override` takes it. Of a
    stage that the other does not have, only its size and batch.
    """
    before, found = knobs(base), []
    for key, value in knobs(config).items():
        told = key in before or key.endswith((".size", ".batch"))
        if told and value != before.get(key) and key not in ("stages", "cycle"):
            found.append(f"{key}={written(value)}")
    return found


def written(value: Any) -> str:
    """A value as `parse` reads it: 1,2 or 0:96,5500:128."""
    if not isinstance(value, tuple):
        return str(value)
    pairs = (":".join(map(str, part)) if isinstance(part, tuple) else str(part) for part in value)
    return ",".join(pairs)


def override(config: Config, assignments: list[str]) -> Config:
    """Apply `key=value` strings; a value is read as the type of the field it replaces. The knobs of
    a NoGAN stage are written stage.key=value.

    Raises ValueError naming the key that does not exist or the value that does not fit.
    """
    for assignment in assignments:
        key, _, text = assignment.partition("=")
        fields = knobs(config)
        if key not in fields:
            raise ValueError(f"there is no setting {key!r}; known: {', '.join(fields)}")
        value = parse(key, text, fields[key])
        if isinstance(config, NoganConfig) and "." in key:
            config = with_stage(config, key, value)
        else:
            config = dataclasses.replace(config, **{key: value})
    if isinstance(config, NoganConfig):
        check_skip(config)
    return config


def parse(key: str, text: str, current: Any) -> Any:
    """Read `text` as the type of `current`. Sizes are written 0:96,5500:128 and ranges 0.55,1."""
    try:
        if key == "sizes":
            pairs = (pair.split(":") for pair in text.split(","))
            return tuple((int(step), int(side)) for step, side in pairs)
        if isinstance(current, bool):
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        if isinstance(current, tuple):
            words = key in ("skip", "mix", "valid_from")
            kind = str if words else type(current[0]) if current else int
            parts = tuple(kind(part) for part in text.split(",") if part)
            for rule in parts if key == "mix" else ():
                float(str(rule).rpartition("=")[2])
            return parts
        return type(current)(text)
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{key}={text} does not fit: expected something like {current!r}"
        ) from error
