"""How much memory a job will need, and how much there is: asked before it starts."""

import ctypes
from contextlib import suppress
from pathlib import Path

from ml.spec import ModelSpec, Settings

MEGA = 10**6
SHARE = 0.9  # of what is free: other processes go on living
COMPOSING = 40  # bytes per pixel of the photo: itself, the result, both encoded, strips in floats
CRITIC = 200 * MEGA  # the bundled model, where it judges BigColor's candidates
STRIDE = 16  # pixels of DeOldify's side per unit of the render factor

ALLOCATORS = ("DefaultCPUAllocator", "CUDA out of memory", "Failed to allocate memory", "bad_alloc")

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def input_pixels(spec: ModelSpec, settings: Settings, width: int, height: int) -> int:
    """Pixels of the network's input, largest where the photo is a strip of 4:1."""
    if "render_factor" in spec.options:
        return (STRIDE * (settings.render_factor or spec.size // STRIDE)) ** 2
    ratio = max(width, height) / min(width, height)
    return round(spec.size**2 * (min(ratio, 4.0) if spec.keeps_shape else 1))


def needed(spec: ModelSpec, settings: Settings, width: int, height: int) -> int:
    """Bytes of colouring one photo: weights, the network at work, and the photo in and out."""
    pixels = input_pixels(spec, settings, width, height)
    network = spec.memory.weights * MEGA + spec.memory.per_pixel * pixels
    if settings.candidates > 1:
        network += CRITIC
    return round(network + COMPOSING * width * height)


def free() -> int | None:
    """Bytes that may still be taken: of the machine or, in a container, of its limit. None where
    the system does not tell.
    """
    found = [amount for amount in (of_machine(), of_container()) if amount is not None]
    return round(min(found) * SHARE) if found else None


def give_back() -> None:
    """Return memory that is free but kept to the system, where the C library can (glibc): loading
    a network takes twice what it needs afterwards.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def of_machine() -> int | None:
    try:
        lines = MEMINFO.read_text().splitlines()
    except FileNotFoundError:
        return None
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return kilobytes[0] * 1024 if kilobytes else None


def of_container() -> int | None:
    """What a control group (version 2) leaves; its file cache would make room."""
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
        used = int((CGROUP / "memory.current").read_text())
        lines = (CGROUP / "memory.stat").read_text().splitlines()
    except OSError:
        return None
    if limit == "max":
        return None
    cache = [int(line.split()[1]) for line in lines if line.startswith("inactive_file ")]
    return int(limit) - used + sum(cache)


def ran_out(error: Exception) -> bool:
    """Whether an error means lost memory: a MemoryError of numpy or a RuntimeError (or its child)
    of torch. A runtime whose errors are neither has them raised as RuntimeError by its back end.
    """
    if isinstance(error, RuntimeError):
        return any(name in str(error) for name in ALLOCATORS)
    return isinstance(error, MemoryError)
