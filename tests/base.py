"""Alice owns, Bob is a stranger."""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import time_machine
from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, TestCase
from PIL import Image

from colorize.models import Job, Photo
from colorize.tasks import run_job
from tests.fakes import InlineHost

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def picture(
    size: tuple[int, int] = (24, 16), form: str = "PNG", mode: str = "L", **options: Any
) -> bytes:
    """A drawn photo: a gradient from dark to bright."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(file, form, **options)
    return file.getvalue()


def upload(name: str = "granny.png", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, picture() if content is None else content)


def media() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    with time_machine.travel(moment, tick=False):
        yield


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


class BaseTestCase(TestCase):
    def setUp(self) -> None:
        self.alice, self.bob = Client(), Client()
        cache.clear()
        self.addCleanup(empty_media)

    def send(self, client: Client | None = None, name: str = "granny.png", **fields: Any) -> Photo:
        """Alice (or another) uploads one photo through the API; it is queued for the fake model."""
        fields = {"image": upload(name), "model": "fake"} | fields
        answer = (client or self.alice).post("/api/v1/photos", fields)
        assert answer.status_code == 202, answer.content
        return Photo.objects.get(pk=answer.json()["id"])

    def job(self, photo: Photo) -> Job:
        return Job.objects.get(photo=photo)

    def run_worker(self, host: InlineHost | None = None) -> None:
        """What a worker would do with everything that is queued."""
        with mock.patch("colorize.tasks.host", return_value=host or InlineHost()):
            for job in Job.objects.filter(state=Job.State.QUEUED):
                run_job(str(job.pk))

    def coloured(self, **fields: Any) -> Photo:
        photo = self.send(**fields)
        self.run_worker()
        photo.refresh_from_db()
        return photo

    def urls(self, photo: Photo) -> list[str]:
        """Every address that gives out a file of this photo."""
        job = self.job(photo)
        return [
            f"/photos/{photo.pk}/original",
            f"/jobs/{job.pk}/preview",
            f"/download/{job.pk}",
            f"/api/v1/jobs/{job.pk}/download",
        ]

    def statuses(self, photo: Photo) -> set[int]:
        return {self.alice.get(url).status_code for url in self.urls(photo)}


def empty_media() -> None:
    for folder in (settings.MEDIA_ROOT, settings.FILE_UPLOAD_TEMP_DIR):
        for path in Path(folder).iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
