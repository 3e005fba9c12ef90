"""The request log: one file a day, kept for a week, because an IP address is personal data."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

KEPT_DAYS = 7


class DailyFile(logging.Handler):
    """Appends to requests-<date>.log. Named by date instead of rotated, so that several processes
    may write.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def emit(self, record: logging.LogRecord) -> None:
        today = datetime.fromtimestamp(record.created, UTC).date()
        path = self.folder / f"requests-{today}.log"
        try:
            if not path.exists():
                self.forget(today - timedelta(days=KEPT_DAYS))
            with path.open("a") as file:
                file.write(self.format(record) + "\n")
        except OSError:
            self.handleError(record)

    def forget(self, day: object) -> None:
        """Delete the files of `day` and before: names sort as their dates do."""
        for path in self.folder.glob("requests-*.log"):
            if path.name <= f"requests-{day}.log":
                path.unlink(missing_ok=True)


def configuration(folder: Path) -> dict[str, Any]:
    """Django's LOGGING: everything to the console, requests as lines of JSON into `folder`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
            "bare": {"format": "{message}", "style": "{"},
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line"},
            "requests": {
                "class": "coloria.logs.DailyFile",
                "folder": folder,
                "formatter": "bare",
            },
        },
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            "coloria.requests": {"handlers": ["requests"], "propagate": False},
            "django-q": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        },
    }
