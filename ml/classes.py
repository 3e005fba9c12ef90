"""The names of ImageNet's thousand classes: what BigColor may take a photo for."""

import functools
from pathlib import Path

COUNT = 1000
LIST = Path(__file__).parent / "data/imagenet_classes.txt"


@functools.cache
def names() -> tuple[str, ...]:
    """In the order of their numbers."""
    return tuple(LIST.read_text(encoding="utf-8").splitlines())


@functools.cache
def numbers() -> dict[str, int]:
    """Numbers by name, as written and in small letters; of two alike the first."""
    found: dict[str, int] = {}
    for spelled in (str, str.lower):
        for number, name in enumerate(names()):
            found.setdefault(spelled(name), number)
    return found


def number(text: str) -> int | None:
    """The class that is meant by "151", "Chihuahua" or "151 Chihuahua"; None if none is."""
    first, name = text.split(maxsplit=1)[:1], text.strip()
    if first and first[0].isdecimal() and first[0].isascii():
        found = int(first[0]) if len(first[0]) <= 4 else COUNT
        return found if found < COUNT else None
    return numbers().get(name, numbers().get(name.lower()))
