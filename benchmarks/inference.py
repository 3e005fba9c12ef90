"""One megapixel through the bundled model, whole pipeline, in a fresh model host's process.

Compared with the same network in eager torch (what a user of a research repository runs), both from
file to file, medians in one run. Prints seconds, their ratio and the peak resident memory of each
process. Needs `make test`'s environment.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROUNDS = 9
WORKER = """
import json, resource, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from benchmarks.inference import colorizer
from ml.images import open_photo, save_photo
from ml.spec import Settings
model, times = colorizer(sys.argv[2]), []
for _ in range(int(sys.argv[4]) + 1):
    started = time.perf_counter()
    photo = open_photo(Path(sys.argv[3]))
    save_photo(model.colorize(photo, Settings()), Path(sys.argv[3] + sys.argv[2] + ".jpg"))
    times.append(time.perf_counter() - started)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({"first": times[0], "times": times[1:], "peak": peak}))
"""


def colorizer(name):
    """The bundled model, or the same pipeline with its networks in eager torch."""
    from ml import registry

    model = registry.load("coloria")
    if name == "torch":
        import torch

        together = networks()

        def logits(luma, hints):
            inputs = torch.from_numpy(luma)[None, None], torch.from_numpy(hints)[None]
            with torch.inference_mode():
                return together(*inputs)[0].numpy()

        model.logits = logits
    return model


def networks():
    """The bundled model's networks in eager torch, as one function of luma (B, 1, h, w) and hint
    planes (B, 3, h, w). Weights by chance: they do not change the time.
    """
    import torch

    from ml.color import ab_bins
    from ml.nets.coloria import Coloria

    kinds = (("lite0", False), ("lite2", True), ("lite0", True))  # without top and with
    nets = [Coloria(len(ab_bins()), encoder, top=top).eval() for encoder, top in kinds]
    return lambda luma, hints: torch.stack([net(luma, hints) for net in nets]).mean(0)


def main():
    import numpy as np
    from PIL import Image
    from skimage import data

    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "camera.jpg"
        Image.fromarray(np.asarray(data.camera())).resize((1000, 1000)).save(photo, quality=92)
        rows = {}
        for name in ("onnx", "torch"):
            command = [sys.executable, "-c", WORKER, str(ROOT), name, str(photo), str(ROUNDS)]
            started = time.perf_counter()
            rows[name] = json.loads(
                subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
            )
            rows[name]["start"] = (
                time.perf_counter() - started - sum(rows[name]["times"]) - rows[name]["first"]
            )
    sys.stdout.write(
        f"{'one megapixel':<16}{'median s':>10}{'first s':>10}{'start s':>10}{'peak MB':>10}\n"
    )
    for name, row in rows.items():
        sys.stdout.write(
            f"{name:<16}{statistics.median(row['times']):10.3f}{row['first']:10.3f}{row['start']:10.2f}{row['peak']:10d}\n"
        )
    ratio = statistics.median(rows["onnx"]["times"]) / statistics.median(rows["torch"]["times"])
    sys.stdout.write(f"onnx / torch {ratio:.2f}\n")


if __name__ == "__main__":
    main()
