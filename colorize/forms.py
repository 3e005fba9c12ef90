"""What is asked of an upload, on the page and in the API alike."""

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from django import forms
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpRequest

from colorize import catalogue, health, visitors
from colorize.models import Job, Photo
from ml.errors import ColorizeError, DiskFull, TooHeavy, TooManyJobs
from ml.images import Header, check_photo
from ml.spec import Settings

MEGABYTE = 2**20
MOST_ACTIVE = 20  # jobs of one visitor; who has as many waits for them


class WishesForm(forms.Form):
    """The model and its settings. A value that is not given is the model's own."""

    model = forms.SlugField(required=False)
    strength = forms.FloatField(required=False, min_value=0, max_value=2)
    render_factor = forms.IntegerField(required=False, min_value=7, max_value=45)
    seed = forms.IntegerField(required=False, min_value=0, max_value=2**32 - 1)

    def wishes(self) -> Settings:
        given: dict[str, Any] = {
            name: value
            for name, value in self.cleaned_data.items()
            if name != "model" and value is not None
        }
        return Settings(**given)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was refused while the others go on."""

    name: str
    error: ColorizeError


def checked(upload: TemporaryUploadedFile) -> Header:
    """The header of an upload that can be coloured. Its size is the one sent, not what was kept of
    it.
    """
    limits, name = catalogue.limits(), upload.name or ""
    if (upload.size or 0) > limits.megabytes * MEGABYTE:
        megabytes = ceil((upload.size or 0) / MEGABYTE)
        raise TooHeavy(facts={"name": name, "megabytes": megabytes, "limit": limits.megabytes})
    return check_photo(Path(upload.temporary_file_path()), name, limits)


def require_room(request: HttpRequest) -> None:
    """Raises DiskFull, TooManyJobs."""
    disk = health.disk()
    if not disk["ok"]:
        raise DiskFull(f"{disk['free_bytes']} bytes are free")
    active = Job.objects.active().filter(visitors.mine(request, "photo__")).count()
    if active >= MOST_ACTIVE:
        raise TooManyJobs(facts={"count": active})


def take(
    request: HttpRequest, files: list[TemporaryUploadedFile], form: WishesForm
) -> tuple[list[Photo], list[Refusal]]:
    """Check and queue the uploaded files; one bad file does not cost the others.

    Raises what concerns them all: TooMany, UnknownModel, ModelUnavailable, DiskFull, TooManyJobs.
    """
    sent = sum(len(field) for _, field in request.FILES.lists())  # BoundedUpload counts them all
    specs = catalogue.chosen(form.cleaned_data["model"], sent)
    require_room(request)
    photos: list[Photo] = []
    refused: list[Refusal] = []
    for upload in files:
        try:
            header = checked(upload)
        except ColorizeError as error:
            refused.append(Refusal(upload.name or "", error))
            continue
        owner = visitors.belongings(request)
        photos.append(Photo.objects.submit(upload, header, specs, form.wishes(), **owner))
    return photos, refused
