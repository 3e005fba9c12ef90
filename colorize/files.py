"""The files that leave the server: re-encoded, owner-checked by the caller, never after their
deadline.
"""

from io import BufferedReader
from pathlib import Path

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, HttpRequest

from colorize.models import Job, Photo
from colorize.shown import failure
from ml.errors import Cancelled, NotReady
from ml.images import MIME, SUFFIX

ELSEWHERE = ("cross-site", "same-site")  # Sec-Fetch-Site of a link on another page


def live(photo: Photo) -> Photo:
    """The photo, before its deadline. Raises Expired, whatever worker and sweep have done."""
    if photo.gone():
        raise photo.epitaph()
    return photo


def coloured(job: Job) -> Job:
    """The job, unless its colours never come. Raises Expired, Cancelled, why it failed."""
    live(job.photo)
    if job.state == Job.State.CANCELLED:
        raise Cancelled
    if job.state == Job.State.FAILED:
        error = failure(job, job.photo)
        error.facts["status"] = 409  # a 503 would be asked for again, and this never comes
        raise error
    return job


def original(photo: Photo) -> FileResponse:
    """The photo as it was sent, as the preview that its worker draws first: the web process decodes
    nothing. Raises Expired, NotReady.
    """
    return shown(live(photo).preview)


def preview(job: Job) -> FileResponse:
    """The coloured photo for the browser. Raises what `coloured` raises, NotReady."""
    return shown(coloured(job).preview)


def download(job: Job) -> FileResponse:
    """The coloured photo in the format and size of the original. Raises what `coloured` raises,
    NotReady.
    """
    coloured(job)
    name = f"{stem(job.photo)}_{job.model}{SUFFIX.get(job.format, '')}"
    file = opened(job.result)
    return private(
        FileResponse(file, as_attachment=True, filename=name, content_type=MIME[job.format])
    )


def fetched(request: HttpRequest, job: Job, delete: bool) -> FileResponse:
    """The result, and with `delete` the end of its photo: the file that is open outlives that until
    it is sent. Raises what `download` raises, PermissionDenied.
    """
    if delete and request.headers.get("Sec-Fetch-Site") in ELSEWHERE:
        raise PermissionDenied
    response = download(job)
    if delete and request.method == "GET":
        job.photo.purge()
    return response


def stem(photo: Photo) -> str:
    return Path(photo.name).stem or "photo"


def shown(field: FieldFile) -> FileResponse:
    """A preview: JPEG, or PNG where there is transparency."""
    file = opened(field)
    kind = "PNG" if file.peek(4).startswith(b"\x89PNG") else "JPEG"
    return private(FileResponse(file, content_type=MIME[kind]))


def opened(field: FieldFile) -> BufferedReader:
    """Raises NotReady."""
    try:
        return (Path(settings.MEDIA_ROOT) / (field.name or "-")).open("rb")
    except FileNotFoundError as error:
        raise NotReady(field.name or "") from error


def private(response: FileResponse) -> FileResponse:
    """For its owner's eyes: kept in no cache, guessed to be nothing else."""
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
