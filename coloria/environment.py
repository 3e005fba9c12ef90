"""Settings from the environment: every COLORIA_* variable is read through here, and nonsense ends
the start.
"""

import os
import re
import secrets
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PREFIX = "COLORIA_"
FLAGS = {"true": True, "1": True, "false": False, "0": False}


class Environment:
    def __init__(self, variables: Mapping[str, str] = os.environ) -> None:
        self.variables = variables
        self.known: dict[str, str] = {}  # with what holds where nothing is set

    def text(self, name: str, default: str = "") -> str:
        self.known[name] = default
        return self.variables.get(name, default).strip()

    def words(self, name: str, default: str = "") -> list[str]:
        """A list separated by commas."""
        return [word.strip() for word in self.text(name, default).split(",") if word.strip()]

    def flag(self, name: str, default: bool = False) -> bool:
        written = self.text(name, str(default).lower()).lower()
        if written not in FLAGS:
            raise ImproperlyConfigured(f"{name} is {written!r}; write true or false")
        return FLAGS[written]

    def number(self, name: str, default: int, low: int, high: int) -> int:
        written = self.text(name, str(default))
        if not (written.isdecimal() and low <= int(written) <= high):
            raise ImproperlyConfigured(
                f"{name} is {written!r}; write a whole number from {low} to {high}"
            )
        return int(written)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        written = self.text(name, default)
        if written not in choices:
            raise ImproperlyConfigured(f"{name} is {written!r}; write one of {', '.join(choices)}")
        return written

    def device(self, name: str) -> str:
        """Where networks run."""
        written = self.text(name, "auto")
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", written):
            raise ImproperlyConfigured(
                f"{name} is {written!r}; write auto, cpu, cuda, or cuda:1 for the second GPU"
            )
        return written

    def refuse_unknown(self) -> None:
        """A mistyped name would otherwise be a setting that silently does nothing."""
        unknown = {name for name in self.variables if name.startswith(PREFIX)}
        unknown -= self.known.keys()
        if unknown:
            raise ImproperlyConfigured(
                f"Unknown: {', '.join(sorted(unknown))}. Known: {', '.join(sorted(self.known))}"
            )


SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "CONN_MAX_AGE": 60,
    # Measured with four writers: without IMMEDIATE half of the transactions are "database is
    # locked".
    "OPTIONS": {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    },
}


def database(url: str) -> dict[str, Any]:
    """sqlite:///file or postgres://user:password@host:port/name as Django's dict; percent-encoded
    parts.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and not parts.netloc and len(parts.path) > 1:
        name = unquote(parts.path[1:])
        return {**SQLITE, "NAME": name, "TEST": {"NAME": f"{name}.test"}}
    if parts.scheme in ("postgres", "postgresql") and len(parts.path) > 1:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path[1:]),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }
    raise ImproperlyConfigured(
        "COLORIA_DATABASE_URL: write sqlite:///path or postgres://user:password@host:port/name"
    )


def counters(url: str, folder: Path) -> dict[str, Any]:
    """redis://:password@host:port/number, rediss:// or unix:///socket as Django's dict of a cache;
    "" is a file in `folder`.
    """
    if not url:
        return {
            "BACKEND": "diskcache.DjangoCache",
            "LOCATION": str(folder),
            "SHARDS": 1,
            "DATABASE_TIMEOUT": 5.0,  # seconds to wait for another process
        }
    if urlsplit(url).scheme not in ("redis", "rediss", "unix"):
        raise ImproperlyConfigured(
            "COLORIA_CACHE_URL: write redis://:password@host:port/number, rediss://... or unix://..."
        )
    if find_spec("redis") is None:
        raise ImproperlyConfigured("COLORIA_CACHE_URL needs a package: pip install redis")
    return {
        "BACKEND": "coloria.counters.Counters",
        "LOCATION": url,
        "KEY_PREFIX": "coloria",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},  # seconds
    }


def mail(url: str) -> dict[str, Any]:
    """smtp://user:password@host:port, with STARTTLS, or smtps://, TLS from the first byte, as
    Django's settings; "" prints mails instead of sending them.
    """
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ImproperlyConfigured(
            "COLORIA_MAIL_URL: write smtp://user:password@host:port or smtps://..."
        )
    ssl = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if ssl else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": ssl,
        "EMAIL_USE_TLS": not ssl,
        "EMAIL_TIMEOUT": 10,  # seconds; somebody waits
    }


def secret_key(path: Path) -> str:
    """The key in `path`, made once. Linked, so that two first starts agree."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50))
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # the other process was first
        finally:
            draft.unlink()
    return path.read_text()
