"""Which engine runs a network fastest? The networks alone, in turns, medians.

Eager torch, ONNX Runtime, OpenVINO as it converts the network, and OpenVINO as COLORIA ships it:
large 3x3 convolutions by tiles (ml.backends.winograd), two of the CNN's doublings as matrix
products. Weights are synthetic. Needs the environment of `make test`.

    python benchmarks/runtimes.py [MODEL ...] [--rounds N]
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from ml import registry
from ml.backends import engines
from ml.compose import threads


def inputs(name):
    def zeros(*shape):
        return np.zeros(shape, np.float32)

    return {
        "zhang-eccv16": lambda: [zeros(1, 1, 256, 256)],
        "zhang-siggraph17": lambda: [zeros(1, n, 256, 256) for n in (1, 2, 1)],
        "bigcolor-x": lambda: [zeros(1, 1, 256, 256), np.zeros(1, np.int64), zeros(1, 119)],
        "cnn": lambda: [zeros(1, 3, 160, 160)],
        "coloria": lambda: [zeros(1, 1, 224, 224), zeros(1, 3, 224, 224)],
    }.get(name, lambda: [zeros(1, 3, 560, 560)])()


def sgemm():
    """FLOP/s of a large matrix product in single precision, the best of several."""
    torch.set_num_threads(threads())
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    best = 0.0
    for _ in range(8):
        started = time.perf_counter()
        torch.mm(a, b)
        best = max(best, 2 * 2048**3 / (time.perf_counter() - started))
    return best


def flops(net, batch):
    """Of the plain network, once."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        net(*map(torch.from_numpy, batch))
    return counter.get_total_flops()


def seconds(runs, rounds):
    """Of every run, after one that warms, in turns."""
    took = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(rounds):
        for name, run in runs.items():
            time.sleep(0.3)  # the last engine's threads spin for a while
            started = time.perf_counter()
            run()
            took[name].append(time.perf_counter() - started)
    return took


def onnx(net, batch, folder):
    """A function of nothing, or None where the network cannot be exported."""
    import onnxruntime

    file = Path(folder) / "network.onnx"
    examples = tuple(map(torch.from_numpy, batch))
    try:
        with torch.inference_mode():
            torch.onnx.export(net, examples, file, dynamo=False, opset_version=17)
    except Exception as error:  # the exporter has no class of its own for this
        sys.stderr.write(f"not exported: {str(error).splitlines()[0]}\n")
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    feed = dict(zip(names, batch, strict=True))
    return lambda: session.run(None, feed)


def runs(name, folder, temporary):
    """Every engine as a function of nothing."""
    spec, batch = registry.get(name), inputs(name)
    net = engines.network(spec, folder)
    if name == "cnn":
        for up in net.up:
            up.spread = False
    eager = engines.TorchEngine(net, "cpu")
    plain = engines.OpenVino(engines.convert(net, batch))
    shipped = registry.load(name, folder, "cpu").engine
    found = {
        "eager torch": lambda: eager(*batch),
        "ONNX Runtime": onnx(net, batch, temporary),
        "OpenVINO": lambda: plain(*batch),
        "as shipped": lambda: shipped(*batch),
    }
    return {engine: run for engine, run in found.items() if run}


def main(names, rounds):
    from networks import FOLDER, PARITY, install

    FOLDER.mkdir(parents=True, exist_ok=True)
    columns = ("eager torch", "ONNX Runtime", "OpenVINO", "as shipped")
    sys.stdout.write(f"{'seconds':<18}" + "".join(f"{column:>14}" for column in columns) + "\n")
    for name in names or PARITY:
        with tempfile.TemporaryDirectory() as temporary:
            took = seconds(runs(name, install(name), temporary), rounds)
        figures = [
            f"{statistics.median(took[column]):14.3f}" if column in took else f"{'-':>14}"
            for column in columns
        ]
        sys.stdout.write(f"{name:<18}{''.join(figures)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    torch.set_num_threads(threads())
    main(chosen.models, chosen.rounds)
