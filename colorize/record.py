"""How an upload is written down: what history keeps of it, and where its files lie."""

import secrets
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import PurePath
from typing import Any

from django.db.models import Model
from django.utils import timezone

from ml.spec import Hint, Settings

FIRST, LAST = date(1970, 1, 2), date(9999, 12, 30)  # days that every database can compare


def plain_name(name: str) -> str:
    """The user's file name: no path, no control characters."""
    return "".join(c for c in PurePath(name).name if c.isprintable())[:255] or "photo"


def clock(moment: datetime) -> str:
    """14:32 UTC: the zone is named, because the server cannot know the reader's."""
    return f"{timezone.localtime(moment):%H:%M %Z}"


def date_and_clock(moment: datetime) -> str:
    """2026-03-01 14:32 UTC: for what is days away."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M %Z}"


def when(moment: datetime) -> dict[str, str]:
    """The facts of a deletion: for people, and for programs."""
    return {"time": clock(moment), "at": f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}


def wishes_as_json(wishes: Settings, options: Iterable[str]) -> dict[str, Any]:
    """What a model reads of the settings; what was left to the model is left out."""
    kept = {name: getattr(wishes, name) for name in options}
    if "hints" in kept:
        kept["hints"] = [asdict(hint) for hint in wishes.hints]
    return {name: value for name, value in kept.items() if value not in (None, [])}


def wishes_from_json(kept: dict[str, Any]) -> Settings:
    hints = tuple(Hint(hint["x"], hint["y"], tuple(hint["rgb"])) for hint in kept.get("hints", ()))
    return Settings(**{**kept, "hints": hints})


def private_name(photo: Model, suffix: str = "") -> str:
    """An unguessable place for a file in the photo's own folder; the user's name for it never
    reaches the disk.
    """
    return f"{photo.pk.hex}/{secrets.token_hex(16)}{suffix}"
