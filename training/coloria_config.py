"""One run of `train_model coloria`, and the presets that made the bundled model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ColoriaConfig:
    """One run of `train_model coloria`. Sizes in pixels, learning rates per step of AdamW."""

    steps: int = 3900
    batch: int = 24
    sizes: tuple[tuple[int, int], ...] = ((0, 96), (3780, 128))  # (from step, side of the crop)
    store_side: int = 160  # shorter side of the packed photos
    crop_scale: tuple[float, float] = (0.55, 1.0)  # side of the crop over the photo's shorter side
    keep_pct: float = 1.0  # share of the training photos in use
    min_chroma: float = 4.0  # photos with a lower mean chroma count as grey and are left out
    valid_photos: int = 200
    valid_from: tuple[str, ...] = ()  # globs of the photos to hold out first; empty: any
    degrade: float = 0.6  # probability that a sample looks like an old photograph
    hints: float = 0.5  # probability that a sample has colour hints
    rebalance: float = 0.25  # exponent on Zhang's class weights: 0 none, 1 full
    judge: float = 0.0  # weight of dE00 in the loss, beside the cross-entropy
    reward: float = 0.12  # dE00 that a unit of colourfulness is worth to the judge
    lr: float = 1.5e-3
    encoder_lr: float = 1e-4  # faster, and it forgets what ImageNet taught it
    weight_decay: float = 0.02
    warmup: int = 150
    decay: float = 0.5  # last share of the steps, in which the rate falls linearly to zero
    ema: float = 0.998
    clip: float = 1.0
    encoder: str = "lite0"  # or lite2: EfficientNet's
    frozen: int = 0  # of the encoder's parts, stem, stages and top, that many keep their weights
    top: bool = False  # the encoder keeps its last convolution, and the decoder begins there
    taught: float = 0.0  # weight of what ImageNet's encoder sees in colour; needs top
    colour: float = 1.0  # weight of the colours where it is taught; 0: the encoder alone learns
    pretrained: bool = True  # start from the encoder's ImageNet weights
    start: str = ""  # checkpoint of this recipe whose averaged weights begin the run instead
    mix: tuple[str, ...] = ()  # how often photos are shown: bsd_*=4,face_*=0.25; others once
    seed: int = 42
    workers: int = 1
    threads: int = 0  # of each process; 0 leaves it to torch and torchrun
    checkpoint_every: int = 100
    validate_every: int = 1000
    keep_every: int = 1000  # steps between copies of the averaged weights that stay; 0: none


# By the names of our training photos, which tell where they are from: photos of anything come four
# times as often, close faces a seventh as often, the frames of one flat half as often.
VARIED = (
    "bsd_*=4", "coco_*=4", "exif_*=4", "f8k_*=2", "hseg_*=2", "inet_*=1.5", "lsp_*=0.7",
    "pet_*=0.7", "voc_*=0.5", "ccp_*=0.5", "cloth_*=0.5", "camvid_*=0.5", "face_*=0.15",
    "utk_*=0.15",
)  # fmt: skip

# Photos of anything, of which some are held out to choose by; and less of the scenes and poses that
# a few collections are full of.
ANYTHING = ("bsd_*", "coco_*", "exif_*")
WIDE = (
    *(f"{kind}=4" for kind in ANYTHING), "f8k_*=2", "intel_*=0.7", "pet_*=0.6", "lsp_*=0.5",
    "voc_*=0.5", "ccp_*=0.5", "cloth_*=0.5", "camvid_*=0.5", "face_*=0.15", "utk_*=0.15",
)  # fmt: skip

# The encoder alone learns, to see in grey photos what it saw in coloured ones.
TAUGHT = ColoriaConfig(
    steps=300, batch=32, sizes=((0, 160),), store_side=256, crop_scale=(0.5, 1.0),
    valid_photos=150, valid_from=ANYTHING, degrade=0.4, hints=0.0, encoder_lr=4e-5,
    weight_decay=0.01, warmup=30, decay=0.7, ema=0.99, clip=5.0, encoder="lite2", top=True,
    taught=1.0, colour=0.0, mix=WIDE, keep_every=0,
)  # fmt: skip

PRESETS: Mapping[str, ColoriaConfig] = {
    "laptop": ColoriaConfig(mix=VARIED),
    # goes on from its end at a larger side: --set start=RUN/best.pt
    "larger": ColoriaConfig(
        steps=1700,
        sizes=((0, 160),),
        store_side=192,
        crop_scale=(0.6, 1.0),
        lr=8e-4,
        warmup=100,
        decay=0.7,
        mix=VARIED,
    ),
    "taught": TAUGHT,
    # then the decoder alone: --set start=RUN/last.pt
    "taught-decoder": replace(
        TAUGHT,
        steps=2800,
        hints=0.3,
        judge=0.4,
        reward=0.09,
        lr=1.5e-3,
        encoder_lr=1e-4,
        weight_decay=0.05,
        warmup=50,
        decay=0.5,
        ema=0.995,
        clip=1.0,
        frozen=9,
        taught=0.0,
        colour=1.0,
        keep_every=500,
    ),
    "smoke": ColoriaConfig(
        steps=6,
        batch=4,
        sizes=((0, 64),),
        store_side=96,
        valid_photos=2,
        warmup=2,
        min_chroma=0.0,
        checkpoint_every=2,
        validate_every=6,
        keep_every=3,
        workers=0,
    ),
}
