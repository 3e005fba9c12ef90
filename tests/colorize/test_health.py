"""/healthz and /readyz."""

from pathlib import Path
from typing import Any
from unittest import mock

from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from colorize.models import Worker
from colorize.tasks import beat
from tests.base import NOON, BaseTestCase, at, minutes
from tests.colorize.test_sweep import age


class HealthTests(BaseTestCase):
    def checks(self) -> dict[str, Any]:
        answer = self.alice.get("/readyz")
        found: dict[str, Any] = answer.json()["checks"]
        assert answer.status_code == (200 if all(check["ok"] for check in found.values()) else 503)
        return found

    def test_the_process_lives(self) -> None:
        with self.assertNumQueries(0):
            assert self.alice.get("/healthz").json() == {"status": "ok"}

    def test_it_is_ready_with_a_worker(self) -> None:
        beat()
        assert self.alice.get("/readyz").json()["status"] == "ready"

    def test_it_is_not_ready_without_a_worker(self) -> None:
        assert self.checks()["worker"]["ok"] is False

    def test_a_worker_that_fell_silent_is_noticed(self) -> None:
        Worker.objects.create(name="silent", beat=timezone.now() - minutes(1.6))
        assert self.checks()["worker"]["ok"] is False

    def test_a_queue_that_stands_still_is_noticed(self) -> None:
        with at(NOON):
            self.send()
        with at(NOON + minutes(31)):
            assert self.checks()["queue"] == {"ok": False, "oldest_wait_s": 1860.0}

    def test_files_that_outlive_the_promise_are_counted(self) -> None:
        with at(NOON):
            self.coloured()
        with at(NOON + minutes(11)):
            assert self.checks()["deletions"] == {"ok": True, "overdue": 0}
        with at(NOON + minutes(11.6)):
            assert self.checks()["deletions"] == {"ok": False, "overdue": 1}

    def test_files_that_could_not_be_deleted_are_counted(self) -> None:
        photo = self.coloured()
        with mock.patch("colorize.models.shutil.rmtree"):
            photo.purge()
        assert self.checks()["deletions"]["ok"]
        age(photo.folder, minutes(4))
        assert self.checks()["deletions"] == {"ok": False, "overdue": 1}
        photo.delete()
        assert self.checks()["deletions"] == {"ok": False, "overdue": 1}

    def test_folders_that_are_old_and_kept_are_no_alarm(self) -> None:
        age(self.coloured().folder, minutes(8))
        (Path(settings.MEDIA_ROOT) / "lost+found").mkdir()
        age(Path(settings.MEDIA_ROOT) / "lost+found", minutes(8))
        assert self.checks()["deletions"] == {"ok": True, "overdue": 0}

    def test_a_full_disk_is_noticed(self) -> None:
        with mock.patch("colorize.health.MIN_FREE", 10**18):
            assert self.checks()["disk"]["ok"] is False

    def test_a_database_that_is_away_is_told_and_not_raised(self) -> None:
        with mock.patch("colorize.health.Worker.objects.aggregate", side_effect=OperationalError):
            assert self.checks()["database"] == {"ok": False, "error": "OperationalError"}
