"""Checkpoints of other projects, kept as safetensors: they open at once and cannot run code."""

import errno
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file

from ml.backends import engines
from ml.errors import ModelUnavailable
from ml.spec import ModelSpec

NAMED = 5  # keys that a message lists


def convert(
    spec: ModelSpec, paths: Sequence[Path], target: Path, sources: Mapping[str, str]
) -> None:
    """Write the weights of checkpoint files, as the network reads them, to `target`. `sources`,
    the files' names and sha256, are kept in it.

    Raises ModelUnavailable if the files do not fit, OSError if they cannot be written.
    """
    state = engines.read(spec, paths).state_dict()
    wild = [key for key, tensor in state.items() if not tensor.isfinite().all()]
    if wild:
        reason = f"{paths[0].name}: holds values that are no numbers in {', '.join(wild[:NAMED])}"
        raise ModelUnavailable(reason, {"title": spec.title})
    facts = {"format": "pt", "model": spec.name, "sources": json.dumps(sources)}
    try:
        save_file({key: tensor.contiguous() for key, tensor in state.items()}, target, facts)
    except SafetensorError as error:  # has the system's error in its text only
        code = re.search(r"os error (\d+)", str(error))
        raise OSError(int(code[1]) if code else errno.EIO, str(error)) from error
    target.chmod(0o644)  # the site may run as another user
