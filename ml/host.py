"""The model host: one long-lived spawned child process that owns the loaded networks.

Networks never live in the process that asks: a child that runs out of memory, crashes or hangs
costs one job, and the next job gets a new child. Plain Python; the asking side imports no
framework.
"""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pebble import ProcessExpired, ProcessPool

from ml import memory, records, registry
from ml.errors import Cancelled, Crashed, OutOfMemory, TimedOut
from ml.images import Limits, open_photo, save_photo, save_preview
from ml.spec import Colorizer, ModelSpec, Settings

POLL = 0.2  # seconds between two questions whether to stop

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Painted:
    seconds: float  # of colouring, without loading the model
    width: int
    height: int
    format: str


@dataclass(frozen=True, slots=True)
class Order:
    """One photo through one model: what is read and what is written."""

    model: str
    source: Path
    target: Path
    name: str
    settings: Settings
    width: int  # pixels of the photo, to know its memory before it is opened
    height: int
    source_preview: Path | None = None  # written first: it can be shown while the colouring runs
    target_preview: Path | None = None


class Host:
    """Asks the child. One job at a time; not for several threads."""

    def __init__(
        self,
        weights: Path,
        cache_bytes: int,
        limits: Limits,
        device: str = "auto",
        models: Mapping[str, ModelSpec] = registry.MODELS,
    ) -> None:
        self._arguments = (weights, cache_bytes, limits, device, dict(models))
        self._pool: ProcessPool | None = None

    def colorize(
        self, order: Order, timeout: float, stop: Callable[[], bool] = lambda: False
    ) -> Painted:
        """Carry out one order; `stop` is asked a few times per second. `timeout` is in seconds.

        Raises TimedOut, Cancelled (stop said so), OutOfMemory, Crashed, or what opening and
        colouring raise.
        """
        future = self._ready().schedule(_colorize, args=(order,), timeout=timeout)
        try:
            while not wait([future], POLL).done:
                if stop():
                    raise Cancelled("asked to stop")
            painted: Painted = future.result()
        except TimeoutError as error:
            raise TimedOut(f"{order.model} after {timeout} s") from error
        except ProcessExpired as error:
            raise _epitaph(error) from error
        except BrokenProcessPool as error:  # the child died before it took the order
            raise Crashed(str(error)) from error
        finally:
            future.cancel()  # type: ignore[no-untyped-call]  # kills the child if it is still at it
        return painted

    def alive(self) -> bool:
        """Whether there is a child that can take an order."""
        return self._pool is not None and bool(self._pool.active)

    def warm(self, model: str) -> None:
        """Start the child and have it load a model, without waiting; a failure shows in use."""
        self._ready().schedule(_warm, args=(model,))

    def close(self) -> None:
        if self._pool is not None:
            self._pool.stop()  # type: ignore[no-untyped-call]
            self._pool.join()
            self._pool = None

    def _ready(self) -> ProcessPool:
        """The pool, made on first use and again when its child died between two jobs."""
        if self._pool is not None and not self._pool.active:
            log.warning("the model host died while idle; starting another")
            self.close()
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPool(
                max_workers=1, context=context, initializer=_open, initargs=self._arguments
            )
        return self._pool


def _epitaph(expired: ProcessExpired) -> Crashed | OutOfMemory:
    """What a dead child died of: nobody sends SIGKILL to a model host but the kernel when memory is
    out.
    """
    reason = f"the model host ended with {expired.exitcode}"
    return OutOfMemory(reason) if expired.exitcode == -signal.SIGKILL else Crashed(reason)


# From here on everything runs in the child.


class Shelf:
    """Loaded colorizers, bounded by bytes; the least recently used goes first. One whose `stamp`
    has changed is loaded again: other weights were installed.
    """

    def __init__(
        self,
        room: int,
        load: Callable[[str], Colorizer],
        stamp: Callable[[str], int] = lambda name: 0,
    ) -> None:
        self.room, self.load, self.stamp = room, load, stamp
        self.stamps: dict[str, int] = {}
        self.held: OrderedDict[str, tuple[Colorizer, int]] = OrderedDict()  # with their bytes

    def get(self, name: str) -> Colorizer:
        stamp = self.stamp(name)
        if self.stamps.get(name) != stamp:
            self.held.pop(name, None)
        if name not in self.held:
            self.stamps[name] = stamp
            before = resident()
            colorizer = self.load(name)
            self.held[name] = colorizer, max(0, resident() - before)
        self.held.move_to_end(name)
        while len(self.held) > 1 and sum(size for _, size in self.held.values()) > self.room:
            self.held.popitem(last=False)
        return self.held[name][0]

    def keep_only(self, name: str) -> None:
        for other in set(self.held) - {name}:
            del self.held[other]


def resident() -> int:
    """Bytes of memory of this process; 0 where /proc does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except FileNotFoundError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


_shelf: Shelf
_limits: Limits


def _open(
    weights: Path, cache_bytes: int, limits: Limits, device: str, models: dict[str, ModelSpec]
) -> None:
    global _shelf, _limits
    # pebble's handler is Python and would wait for a native call to return; a cancel must not.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    registry.MODELS.update(models)
    _shelf = Shelf(
        cache_bytes,
        lambda name: registry.load(name, device=device, folder=weights),
        lambda name: records.stamp(name, weights),
    )
    _limits = limits


def _end_with_parent() -> None:
    """A worker that is killed takes its host along, even in the middle of a photo."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _warm(model: str) -> None:
    _shelf.get(model)


def _colorize(order: Order) -> Painted:
    _make_room(order)
    with _memory_guard():
        photo = open_photo(order.source, order.name, _limits)
        if order.source_preview:
            save_preview(photo, order.source_preview)
        colorizer = _shelf.get(order.model)
        started = time.perf_counter()
        result = colorizer.colorize(photo, order.settings)
        seconds = time.perf_counter() - started
        save_photo(result, order.target)
        if order.target_preview:
            save_preview(result, order.target_preview)
    width, height = result.size
    return Painted(seconds, width, height, result.format)


def _make_room(order: Order) -> None:
    """Raises OutOfMemory for a photo that cannot fit, even without the other loaded networks: to be
    refused is better than to be killed halfway.
    """
    spec = registry.get(order.model)
    wanted = memory.needed(spec, order.settings, order.width, order.height)
    if order.model in _shelf.held:
        wanted -= spec.memory.weights * memory.MEGA
    free = memory.free()
    if free is not None and wanted > free:
        _shelf.keep_only(order.model)
        free = memory.free()
    if free is not None and wanted > free:
        raise OutOfMemory(f"{wanted / 1e6:.0f} MB wanted, {free / 1e6:.0f} MB free")


@contextmanager
def _memory_guard() -> Iterator[None]:
    """Lost memory is OutOfMemory, and the loaded networks go."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not memory.ran_out(error):
            raise
        _shelf.held.clear()
        raise OutOfMemory(str(error)) from error
