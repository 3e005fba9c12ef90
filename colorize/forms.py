"""What is asked of an upload, on the page and in the API alike."""

from dataclasses import dataclass
from math import ceil
from pathlib import Path

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction
from django.http import HttpRequest

from colorize import catalogue, health, quotas, visitors
from colorize.files import live
from colorize.models import Job, Photo
from colorize.wishes import WishesForm
from ml import registry
from ml.errors import ColorizeError, DiskFull, QuotaReached, TooHeavy, TooManyJobs
from ml.images import Header, check_photo
from ml.spec import ModelSpec

MEGABYTE = 2**20
MOST_ACTIVE = 20  # jobs of one visitor; who has as many waits for them


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


def wanted(form: WishesForm, photos: int, strict: bool) -> list[ModelSpec]:
    """The models that are asked for. A program that is `strict` hears of a setting which its model
    does not read; a page without scripts cannot hide such fields, and `all` models read different
    ones.

    Raises TooMany, UnknownModel, ModelUnavailable, UnreadOption.
    """
    name = form.cleaned_data["model"]
    specs = catalogue.chosen(name, photos)
    if strict and name != registry.ALL:
        form.refuse_unread(specs[0])
    return specs


def take(
    request: HttpRequest,
    files: list[TemporaryUploadedFile],
    form: WishesForm,
    *,
    strict: bool = False,
) -> tuple[list[Photo], list[Refusal]]:
    """Check and queue the uploaded files; one bad file does not cost the others.

    Raises what concerns them all: what `wanted` raises, DiskFull, TooManyJobs.
    """
    arrived = arrive(request, files, form, strict=strict)
    return queue(request, arrived, form), arrived.refused


@dataclass(frozen=True, slots=True)
class Arrived:
    """What was looked at and is not queued yet."""

    specs: list[ModelSpec]
    good: list[tuple[TemporaryUploadedFile, Header]]
    refused: list[Refusal]


def arrive(
    request: HttpRequest, files: list[TemporaryUploadedFile], form: WishesForm, *, strict: bool
) -> Arrived:
    """The long part of `take`: it decodes, and writes nothing."""
    sent = sum(len(field) for _, field in request.FILES.lists())  # BoundedUpload counts them all
    specs = wanted(form, sent, strict)
    require_room(request)
    arrived = Arrived(specs, [], [])
    for upload in files:
        try:
            arrived.good.append((upload, checked(upload)))
        except ColorizeError as error:
            arrived.refused.append(Refusal(upload.name or "", error))
    return arrived


def queue(request: HttpRequest, arrived: Arrived, form: WishesForm) -> list[Photo]:
    """The short part of `take`. What is beyond the quota joins the refused."""
    photos = []
    for upload, header in arrived.good:
        try:
            quotas.charge(request, len(arrived.specs))
        except QuotaReached as error:
            arrived.refused.append(Refusal(upload.name or "", error))
            continue
        owner = visitors.belongings(request)
        photos.append(Photo.objects.submit(upload, header, arrived.specs, form.wishes(), **owner))
    return photos


def again(
    request: HttpRequest, photo: Photo, form: WishesForm, *, strict: bool = False
) -> list[Job]:
    """Queue a photo that is here for another model or setting; its ten minutes then count from the
    new colours.

    Raises what `wanted` raises, Expired, DiskFull, TooManyJobs, QuotaReached.
    """
    specs = wanted(form, 1, strict)
    require_room(request)
    with transaction.atomic():
        locked = live(Photo.objects.lock(photo.pk))
        quotas.charge(request, len(specs))
        return [locked.send(spec, form.wishes()) for spec in specs]
