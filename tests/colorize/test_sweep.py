"""What a sweep removes besides photos past their deadline, and who starts it (S186)."""

import io
import os
import shutil
import uuid
from datetime import timedelta
from pathlib import Path
from unittest import mock

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone
from django_q.models import Schedule

from accounts.models import User
from colorize import tasks
from colorize.models import Photo, Worker
from colorize.sweep import sweep
from tests.base import NOON, BaseTestCase, at, media, minutes


def age(path: Path, by: timedelta) -> None:
    moment = (timezone.now() - by).timestamp()
    os.utime(path, (moment, moment))


class SweepTests(BaseTestCase):
    def orphan(self, name: str) -> Path:
        folder = Path(settings.MEDIA_ROOT) / name
        folder.mkdir()
        (folder / "pixels.png").write_bytes(b"pixels")
        return folder

    def test_a_folder_that_no_photo_owns_is_removed(self) -> None:
        for name in (uuid.uuid4().hex, "not-an-id"):
            age(self.orphan(name), minutes(3))
        assert sweep().orphans == 2
        assert media() == []

    def test_an_upload_that_is_just_arriving_is_left_alone(self) -> None:
        self.orphan(uuid.uuid4().hex)
        assert sweep().orphans == 0

    def test_what_an_interrupted_upload_left_is_removed(self) -> None:
        path = Path(settings.FILE_UPLOAD_TEMP_DIR) / "half.upload"
        path.write_bytes(b"pixels")
        assert sweep().orphans == 0
        age(path, minutes(10.1))
        assert sweep().orphans == 1
        assert not path.exists()

    def test_a_file_among_the_folders_and_a_folder_among_the_files_are_removed(self) -> None:
        file = Path(settings.MEDIA_ROOT) / "stray.png"
        file.write_bytes(b"pixels")
        folder = Path(settings.FILE_UPLOAD_TEMP_DIR) / "stray"
        folder.mkdir()
        (folder / "half.png").write_bytes(b"pixels")
        for path in (file, folder):
            age(path, minutes(10.1))
        assert sweep().orphans == 2
        assert not file.exists() and not folder.exists()

    def test_an_orphan_that_cannot_be_removed_does_not_keep_the_next(self) -> None:
        for name in ("a", "b"):
            age(self.orphan(name), minutes(3))
        refuse = [PermissionError(), mock.DEFAULT]
        with (
            mock.patch("colorize.sweep.shutil.rmtree", wraps=shutil.rmtree, side_effect=refuse),
            self.assertLogs("colorize.sweep", "ERROR"),
        ):
            assert sweep().orphans == 1
        assert len(media()) == 1

    def test_a_photo_that_cannot_be_purged_does_not_keep_the_next(self) -> None:
        with at(NOON):
            self.coloured()
            self.coloured()
        refuse = [PermissionError(), mock.DEFAULT]
        purge = mock.patch.object(Photo, "purge", autospec=True, side_effect=refuse)
        with at(NOON + minutes(11)), purge, self.assertLogs("colorize.sweep", "ERROR"):
            assert sweep().purged == 1

    def test_a_row_that_goes_before_its_turn_does_not_end_the_sweep(self) -> None:
        with at(NOON):
            self.coloured()
            self.coloured()
        purge = Photo.purge

        def overtaken(photo: Photo) -> None:
            Photo.objects.filter(purged=None).exclude(pk=photo.pk).delete()
            purge(photo)

        with at(NOON + minutes(11)), mock.patch.object(Photo, "purge", overtaken):
            sweep()
        assert Photo.objects.get().purged

    def test_live_photos_are_left_alone(self) -> None:
        self.coloured()
        assert str(sweep()).startswith("0 ended, 0 requeued, 0 failed, 0 purged, 0 orphans")
        assert len(media()) == 4

    def test_a_photo_without_jobs_goes_ten_minutes_after_its_upload(self) -> None:
        with at(NOON):
            photo = self.send()
            photo.jobs.all().delete()
            type(photo).objects.update(deadline=NOON + minutes(10))
        with at(NOON + minutes(10.1)):
            assert sweep().purged == 1

    def test_the_command_says_what_was_done(self) -> None:
        with at(NOON):
            self.coloured()
        said = io.StringIO()
        with at(NOON + minutes(11)):
            call_command("sweep", stdout=said)
        assert "1 purged" in said.getvalue()

    def test_django_q_sweeps_each_minute_as_well(self) -> None:
        schedule = Schedule.objects.get(name="sweep")
        assert (schedule.func, schedule.minutes) == ("colorize.tasks.sweep", 1)

    def test_a_scheduled_sweep_is_a_sign_of_life(self) -> None:
        tasks.sweep()
        assert Worker.objects.get().name == tasks.holder()

    def test_a_guests_history_is_forgotten_with_the_session(self) -> None:
        with at(NOON):
            self.coloured()
        with at(NOON + minutes(11)):
            assert (sweep().purged, Photo.objects.count(), Session.objects.count()) == (1, 1, 1)
        cache.clear()  # a day has passed
        with at(NOON + minutes(12) + timedelta(seconds=settings.SESSION_COOKIE_AGE)):
            assert sweep().forgotten == 1
        assert not Photo.objects.exists() and not Session.objects.exists()

    def test_an_accounts_history_outlives_a_guests(self) -> None:
        self.alice.force_login(User.objects.create_user("alice"))
        with at(NOON):
            self.coloured()
        with at(NOON + minutes(11)):
            sweep()
        cache.clear()
        with at(NOON + timedelta(days=300)):
            assert sweep().forgotten == 0
        assert Photo.objects.count() == 1

    def test_a_worker_of_yesterday_is_forgotten(self) -> None:
        Worker.objects.create(name="old", beat=timezone.now() - timedelta(days=2))
        sweep()
        assert not Worker.objects.exists()
