"""The report's networks and the bundled one, whole pipeline, in one run, each against an honest
stand-in for its project's own.

The stand-in is the same network in eager torch with upstream's settings and composition: DeOldify
at render factor 35, SIGGRAPH17 decoding twice, BigColor once per class for five classes, the CNN by
Keras' model.predict (there without the photo's own luma on both sides), the bundled networks in
COLORIA's own pipeline. Weights but the bundled ones are synthetic: the time does not depend on
them. Each side runs in a process of its own, in turns; medians, their ratio, the share of this
processor's sgemm that the network reaches, what loading adds to the resident memory, and its peak.
Needs the environment of `make test`.

    python benchmarks/networks.py [MODEL ...] [--rounds N]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
FOLDER = ROOT / "var" / "benchmarks"
PARITY = {
    "artistic-x": "deoldify_artistic",
    "stable-x": "deoldify_stable",
    "zhang-eccv16": "zhang_eccv16",
    "zhang-siggraph17": "zhang_siggraph17",
    "bigcolor-x": "bigcolor",
    "cnn": "keras_unet",
}
BUNDLED = "coloria"
CLASSES = {"bigcolor-x": 5}  # upstream writes five files per photo
SEED = 20260101


def install(name):
    """The bundled weights, or synthetic ones, converted as `weights add` does; kept between
    runs.
    """
    from safetensors.torch import save_file

    from ml import records, registry

    if name == BUNDLED:
        return records.place(registry.get(name), ROOT / "var" / "weights")
    path = FOLDER / name / records.CONVERTED
    if not (path.parent / records.RECORD).exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(synthetic(name).state_dict(), path)
        records.write(path.parent, records.describe(path))
    return path.parent


def synthetic(name):
    """The torch module with weights by rule."""
    import torch

    from ml import registry
    from ml.backends import engines
    from tests.ml.synthetic import state_dict

    if name == "cnn":
        from tests.ml.keras_file import write

        arrays = [tensor.numpy() for tensor in state_dict(PARITY[name], SEED).values()]
        path = write(FOLDER / f"{name}.keras", "Keras 3.15", arrays)
        return engines.read(registry.get(name), [path])
    path = FOLDER / f"{name}.pth"
    torch.save(state_dict(PARITY[name], SEED), path)
    net = engines.read(registry.get(name), [path])
    path.unlink()
    return net


def ours(name, folder):
    """A function of the photo, through the product's loader and pipeline."""
    from ml import registry
    from ml.spec import Settings

    model = registry.load(name, folder, "cpu")
    settings = Settings(raw=name == "cnn")  # the same picture as upstream's
    return lambda photo: model.colorize(photo, settings)


def upstream(name, folder):
    """A function of the photo: what the model's own project does, in eager torch or Keras."""
    if name == "cnn":
        return keras()
    if name == BUNDLED:
        from inference import colorizer

        from ml.spec import Settings

        model = colorizer("torch")
        return lambda photo: model.colorize(photo, Settings())
    from ml import registry
    from ml.backends import engines
    from ml.backends.bigcolor import Painter, draw
    from ml.backends.deoldify import paint
    from ml.backends.zhang import Zhang

    net = engines.network(registry.get(name), folder)
    if name == "zhang-siggraph17":
        net = decoding_twice(net)
    engine = engines.TorchEngine(net, "cpu")
    if name.startswith("zhang"):
        zhang = Zhang(engine, hinted=name == "zhang-siggraph17")
        return lambda photo: zhang.paint(photo, composition="upstream")
    if name == "bigcolor-x":
        painter = Painter(engine)
        classes = [draw(seed) for seed in range(CLASSES[name])]
        return lambda photo: [
            painter.paint(photo, label, latent, composition="upstream") for label, latent in classes
        ]
    return lambda photo: paint(engine, photo, 35, composition="upstream")


def decoding_twice(net):
    """SIGGRAPH17 as released: the last stages are computed a second time, with the same result."""

    def twice(name):
        once = getattr(net, name).forward

        def forward(x):
            once(x)
            return once(x)

        getattr(net, name).forward = forward

    for name in ("model9up", "model2short9", "model9"):
        twice(name)
    for name in ("model10up", "model1short10", "model10", "model_out"):
        twice(name)
    return net


def keras():
    """The report's own way: model.predict on one photo, without luma."""
    import numpy as np
    from PIL import Image

    from tests.ml.keras_unet import unet

    model = unet()

    def colour(photo):
        small = Image.fromarray(photo.pixels).convert("RGB").resize((160, 160))
        y = model.predict(np.asarray(small, np.float32)[None] / 255, verbose=0)[0]
        picture = Image.fromarray((y.clip(0, 1) * 255).round().astype(np.uint8))
        return picture.resize(photo.size, Image.Resampling.BILINEAR)

    return colour


def serve(side, name, folder):
    """One side: a line in, one photo coloured, its seconds and the peak memory out."""
    import numpy as np
    from PIL import Image
    from skimage import data

    from ml.images import Photograph

    pixels = np.asarray(Image.fromarray(np.asarray(data.camera())).resize((1000, 1000)))
    photo = Photograph(pixels=pixels)
    before = megabytes("VmRSS")
    colour = {"ours": ours, "upstream": upstream}[side](name, folder)
    rest = megabytes("VmRSS") - before
    for _ in sys.stdin:
        started = time.perf_counter()
        colour(photo)
        seconds = time.perf_counter() - started
        peak = megabytes("VmHWM")
        sys.stdout.write(json.dumps({"seconds": seconds, "rest": rest, "peak": peak}) + "\n")
        sys.stdout.flush()


def megabytes(what):
    """Resident memory of this process: VmRSS now, VmHWM at its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) // 1024


class Side:
    def __init__(self, side, name, folder):
        command = [sys.executable, "-W", "ignore", __file__, "--serve", side, name, str(folder)]
        quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=quiet
        )

    def __call__(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def share(name, folder):
    from inference import networks
    from runtimes import flops, inputs, seconds, sgemm

    from ml import registry
    from ml.backends import engines

    peak, batch = sgemm(), inputs(name)
    model = registry.load(name, folder, "cpu")
    if name == BUNDLED:
        plain, engine = networks(), lambda luma, hints: model.logits(luma[0, 0], hints[0])
    else:
        plain, engine = engines.network(registry.get(name), folder), model.engine
    work = flops(plain, batch)
    took = statistics.median(seconds({"ours": lambda: engine(*batch)}, rounds=3)["ours"])
    sys.stdout.write(json.dumps([work / 1e9, work / took / peak]))


def prepare(name):
    """Weights are loaded once here, so that what is measured reads OpenVINO's own files."""
    from ml import registry

    folder = install(name)
    registry.load(name, folder, "cpu")
    sys.stdout.write(str(folder))


def run(*arguments):
    """What another process of this file prints, so that its memory is given back."""
    command = [sys.executable, "-W", "ignore", __file__, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main(names, rounds):
    FOLDER.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(
        f"{'one megapixel':<18}{'COLORIA s':>11}{'upstream s':>12}{'ratio':>8}{'GFLOP':>8}"
        f"{'of sgemm':>10}{'loaded MB':>11}{'peak MB':>9}{'upstream MB':>13}\n"
    )
    for name in names:
        folder = Path(run("--prepare", name))
        sides = {side: Side(side, name, folder) for side in ("ours", "upstream")}
        for side in sides.values():
            side()  # loads and warms
        answers = {side: [] for side in sides}
        for _ in range(rounds):
            for which, side in sides.items():
                answers[which].append(side())
        for side in sides.values():
            side.close()
        seconds = {s: statistics.median(a["seconds"] for a in rows) for s, rows in answers.items()}
        rest = max(answer["rest"] for answer in answers["ours"])
        peak = {s: max(a["peak"] for a in rows) for s, rows in answers.items()}
        gigaflops, reached = json.loads(run("--share", name, folder))
        ratio = seconds["ours"] / seconds["upstream"]
        sys.stdout.write(
            f"{name:<18}{seconds['ours']:11.2f}{seconds['upstream']:12.2f}{ratio:8.2f}"
            f"{gigaflops:8.0f}{reached:10.0%}{rest:11d}{peak['ours']:9d}{peak['upstream']:13d}\n"
        )
        if name in CLASSES:
            sys.stdout.write(f"{'  per class':<41}{ratio * CLASSES[name]:8.2f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
    elif sys.argv[1:2] == ["--prepare"]:
        prepare(sys.argv[2])
    elif sys.argv[1:2] == ["--share"]:
        share(sys.argv[2], Path(sys.argv[3]))
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("models", nargs="*", default=[BUNDLED, *PARITY])
        parser.add_argument("--rounds", type=int, default=5)
        chosen = parser.parse_args()
        main(chosen.models, chosen.rounds)
