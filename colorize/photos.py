"""How photos come in and are found; `colorize.models` says what they are."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import models, transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone

from colorize.record import plain_name, private_name
from ml.images import SUFFIX, Header
from ml.spec import ModelSpec, Settings

if TYPE_CHECKING:
    from colorize.models import Photo

PROMISE = timedelta(minutes=10)  # what every page says in words
CAP = timedelta(minutes=60)  # after sending, a job that has not ended is ended


class PhotoQuerySet(models.QuerySet["Photo"]):
    def live(self) -> "PhotoQuerySet":
        """What may still be shown."""
        return self.filter(purged=None, deadline__gt=timezone.now())

    def overdue(self, grace: timedelta = timedelta(0)) -> "PhotoQuerySet":
        """Past the deadline and still with files."""
        return self.filter(purged=None, deadline__lte=timezone.now() - grace)

    def lock(self, pk: uuid.UUID) -> "Photo":
        """Photo before job, in every transaction that takes both: so two of them never wait for
        each other. Raises Http404 for a row that has just been deleted.
        """
        photo: Photo = get_object_or_404(self.select_for_update(), pk=pk)
        return photo

    def submit(
        self,
        upload: TemporaryUploadedFile,
        header: Header,
        specs: Sequence[ModelSpec],
        wishes: Settings,
        *,
        guest: str = "",
        owner_id: uuid.UUID | None = None,
        nameless: bool = False,
    ) -> "Photo":
        """The one entrance: keep a checked upload and queue it for each model."""
        photo = self.model(
            name=plain_name("" if nameless else upload.name or ""),
            guest=guest,
            owner_id=owner_id,
            format=header.format,
            width=header.width,
            height=header.height,
            bytes=upload.size or 0,
            deadline=timezone.now() + PROMISE,
        )
        photo.preview.name = private_name(photo)
        photo.file.save(SUFFIX[header.format], upload, save=False)
        with transaction.atomic():
            photo.save(force_insert=True)
            for spec in specs:
                photo.send(spec, wishes)
        return photo
