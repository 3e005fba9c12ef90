"""The request log: one file a day, kept for a week, because an IP address is personal data."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
