"""Colour files or folders without a server."""

import errno
import json
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings as project
from django.core.management.base import BaseCommand, CommandError
from PIL import Image

from ml import classes, memory, registry
from ml.errors import ColorizeError, OutOfMemory
from ml.evaluate import SUFFIXES
from ml.images import SUFFIX, Limits, open_photo, save_photo
from ml.spec import Colorizer, Hint, Settings


class Command(BaseCommand):
    help = "Colour files or folders, whose tree is mirrored. One bad file never stops the rest."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument(
            "--model",
            default=registry.DEFAULT,
            help="a name, or all for every installed one",
        )
        parser.add_argument("--out", type=Path, required=True, metavar="DIR")
        parser.add_argument("--render-factor", type=int, metavar="N", help="DeOldify's, 7-45")
        parser.add_argument(
            "--strength", type=float, default=1.0, metavar="S", help="0 grey, 1 natural, 2 vivid"
        )
        parser.add_argument(
            "--hints",
            type=Path,
            metavar="FILE.json",
            help='[{"x": 0.4, "y": 0.7, "rgb": [120, 30, 30]}]',
        )
        parser.add_argument(
            "--seed",
            type=int,
            default=0,
            metavar="N",
            help="BigColor's: another one, another version",
        )
        parser.add_argument(
            "--label",
            metavar="CLASS",
            help="what BigColor takes the photo for: an ImageNet class, 0-999 or its name",
        )
        parser.add_argument(
            "--candidates",
            type=int,
            default=1,
            metavar="K",
            help="how many pictures (1-5) BigColor makes to keep the most believable",
        )
        parser.add_argument(
            "--raw",
            action="store_true",
            help="the CNN's own small picture, not on the photo's luma",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object per file")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = wishes(options)
        limits = Limits(project.COLORIA_MAX_MEGAPIXELS, project.COLORIA_MAX_MEGABYTES)
        run, failures, names = Run(chosen, options["out"], limits), 0, named(options["model"])
        for name in names:  # one network in memory at a time
            try:
                model = registry.load(
                    name, folder=Path(project.COLORIA_WEIGHTS), device=project.COLORIA_DEVICE
                )
            except ColorizeError as error:
                if len(names) == 1:
                    raise CommandError(f"{error} {error.reason}") from error
                self.stderr.write(self.style.ERROR(f"{name}: {error} {error.reason}"))
                failures += 1
                continue
            for path, folder in found(options["paths"], options["out"]):
                report = run.colour(path, folder, name, model)
                failures += "error" in report
                self.say(report, options["json"])
        if failures:
            raise CommandError(f"{failures} could not be coloured", returncode=1)

    def say(self, report: dict[str, Any], as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report))
        elif "error" in report:
            self.stderr.write(self.style.ERROR(f"{report['photo']}: {report['error']['detail']}"))
        else:
            self.stdout.write(
                f"{report['photo']} -> {report['result']} ({report['seconds']:.2f} s)"
            )


def wishes(options: dict[str, Any]) -> Settings:
    """The settings asked for. Raises CommandError where a value does not fit."""
    if not 0 <= options["strength"] <= 2:
        raise CommandError("--strength goes from 0 (grey) to 2 (vivid)")
    factor = options["render_factor"]
    if factor is not None and not 7 <= factor <= 45:
        raise CommandError("--render-factor goes from 7 to 45")
    if not 1 <= options["candidates"] <= 5:
        raise CommandError("--candidates goes from 1 to 5")
    return Settings(
        options["strength"],
        factor,
        options["seed"],
        read_hints(options["hints"]),
        read_label(options["label"]),
        options["candidates"],
        raw=options["raw"],
    )


def read_label(text: str | None) -> int | None:
    label = None if text is None else classes.number(text)
    if text is not None and label is None:
        raise CommandError("--label is a number from 0 to 999 or the name of an ImageNet class")
    return label


def read_hints(path: Path | None) -> tuple[Hint, ...]:
    if path is None:
        return ()
    try:
        rows = json.loads(path.read_text())
        if not isinstance(rows, list):
            raise TypeError("not a list")
        return tuple(map(read_hint, rows))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(
            f'{path}: expected [{{"x": 0.4, "y": 0.7, "rgb": [120, 30, 30]}}, ...]; '
            f"x and y from 0 to 1, rgb from 0 to 255 ({error})"
        ) from error


def read_hint(row: dict[str, Any]) -> Hint:
    """Raises KeyError, TypeError or ValueError where the row is not a hint."""
    x, y = float(row["x"]), float(row["y"])
    red, green, blue = map(int, row["rgb"])
    if not (0 <= x <= 1 and 0 <= y <= 1 and all(0 <= c <= 255 for c in (red, green, blue))):
        raise ValueError(f"out of range: {row}")
    return Hint(x, y, (red, green, blue))


def named(name: str) -> list[str]:
    """The models that a name stands for."""
    if name != registry.ALL:
        return [name]
    return [spec.name for spec in registry.installed(Path(project.COLORIA_WEIGHTS))]


def found(paths: list[Path], out: Path) -> Iterator[tuple[Path, Path]]:
    """Each photo with the folder its result goes to, relative to `out`. A file named by hand is
    always tried; in folders only what looks like a photo, and nothing that lies in `out`.
    """
    for path in paths:
        if not path.is_dir():
            yield path, Path()
            continue
        for photo in sorted(path.rglob("*")):
            ours = photo.resolve().is_relative_to(out.resolve())
            if photo.suffix.lower() in SUFFIXES | {".gif"} and not ours:
                yield photo, photo.parent.relative_to(path)


@dataclass(slots=True)
class Run:
    """One call of the command: what is wished, where results go, which names are taken."""

    chosen: Settings
    out: Path
    limits: Limits
    taken: set[Path] = field(default_factory=set)

    def colour(self, path: Path, folder: Path, name: str, model: Colorizer) -> dict[str, Any]:
        """One file through one model: what happened, as it is printed."""
        started = time.perf_counter()
        report: dict[str, Any] = {"photo": str(path), "model": name}
        try:
            result = model.colorize(open_photo(path, path.name, self.limits), self.chosen)
            target = self.target(path, folder, name, result.format)
            save_photo(result, target)
        except ColorizeError as error:
            return {**report, "error": {"code": error.code, "detail": str(error)}}
        except (MemoryError, RuntimeError) as error:
            if not memory.ran_out(error):
                raise
            lost = OutOfMemory(str(error))
            return {**report, "error": {"code": lost.code, "detail": str(lost)}}
        except FileNotFoundError:
            return {**report, "error": {"code": "not_found", "detail": f"There is no file {path}."}}
        except OSError as error:
            detail = f"{error.filename or path}: {error.strerror or error}"
            return {**report, "error": {"code": "not_written", "detail": detail}}
        width, height = result.size
        seconds = round(time.perf_counter() - started, 3)
        report |= {"result": str(target), "width": width, "height": height, "seconds": seconds}
        return report

    def target(self, path: Path, folder: Path, name: str, form: str) -> Path:
        """Where the result goes, with the photo's own suffix if it fits the format. Raises
        FileExistsError if another photo of this run went there.
        """
        own = Image.registered_extensions().get(path.suffix.lower()) == form
        suffix = path.suffix if own else SUFFIX[form]
        target = self.out / folder / f"{path.stem}_{name}{suffix}"
        if target in self.taken:
            raise FileExistsError(errno.EEXIST, "another photo of this run went there", str(target))
        self.taken.add(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target
