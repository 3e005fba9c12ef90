"""Photos: send, ask, colour once more, delete."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from colorize import files, forms, visitors
from colorize.api import idempotency, lists, wait
from colorize.api.answers import AGAIN, accepted, tagged
from colorize.api.described import ETAG, HELD, KEY, LOCATION, UNCHANGED, described
from colorize.api.errors import refusal
from colorize.api.shapes import PhotoShape, PhotoUpload, SeveralUpload, Taken, Wishes, WishesJSON
from colorize.errors import sentence
from colorize.estimates import Queue
from colorize.forms import Refusal
from colorize.models import Photo
from colorize.shown import photo_shown
from colorize.wishes import WishesForm

UPLOAD = (404, 409, 413, 415, 503, 507)


class FlatJSON(JSONParser):
    """Refuses what is nested deeper than Python reads."""

    def parse(self, *arguments: Any, **named: Any) -> Any:
        try:
            return super().parse(*arguments, **named)
        except RecursionError:
            raise ParseError from None


def wishes(request: Request) -> WishesForm:
    if not isinstance(request.data, dict):
        raise ParseError
    form = WishesForm(request.data)
    if not form.is_valid():
        raise ValidationError(
            {name: list(map(str, errors)) for name, errors in form.errors.items()}
        )
    return form


def ended(photo: Photo) -> bool:
    return not photo.jobs.active().exists()


def one(request: Request, photo: Photo, replayed: bool) -> Response:
    """The answer to a photo that was taken in, after the wait that was asked for."""
    wait.until(lambda: ended(photo), wait.seconds(request))
    headers = {"Location": reverse("api-photo", args=[photo.pk])}
    headers |= idempotency.REPLAYED if replayed else {}
    return accepted(photo_shown(visitors.photo(request, photo.pk)), **headers)


def told(refused: Iterable[Refusal]) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "code": one.error.code, "detail": sentence(one.error)} for one in refused
    ]


def several(made: idempotency.Made, replayed: bool) -> Response:
    photos, errors = made
    headers = AGAIN | (idempotency.REPLAYED if replayed else {})
    queue = Queue()
    shown = {"photos": [photo_shown(photo, queue) for photo in photos], "errors": errors}
    return Response(shown, status=202, headers=headers)


def nothing(refused: Sequence[Refusal]) -> Response:
    """The answer where no file was taken: the first refusal, and all of them by name."""
    response = refusal(refused[0].error)
    response.data |= {"photos": [], "errors": told(refused)}
    return response


def taken_in(
    request: Request, uploads: Sequence[Any]
) -> tuple[idempotency.Made, bool, list[Refusal]]:
    """Photos that were checked and queued now, or by an earlier request with the same key; whether
    it was that one; and what is refused now.
    """
    form = wishes(request)
    before = idempotency.known(request)
    if before:
        return before, True, []
    arrived = forms.arrive(request, list(uploads), form, strict=True)

    def make() -> idempotency.Made:
        return forms.queue(request, arrived, form), told(arrived.refused)

    made, replayed = idempotency.keep(request, make)
    return made, replayed, arrived.refused


class Photos(APIView):
    parser_classes = [MultiPartParser]

    @described(
        "List your photos",
        {200: lists.page_of(PhotoShape)},
        (404,),
        parameters=[lists.PhotoQuery, *lists.PAGES],
    )
    def get(self, request: Request) -> Response:
        """Newest first. What is deleted stays in the list, without pixels."""
        return lists.photos(request, self)

    @described(
        "Send a photo",
        {202: PhotoShape, 200: PhotoShape},
        UPLOAD,
        request=PhotoUpload,
        parameters=[KEY, LOCATION, wait.WaitQuery],
    )
    def post(self, request: Request) -> Response:
        """Queue one photo; `Location` says where to ask for it. 200 if you waited and all of its
        jobs have ended.
        """
        wait.seconds(request)
        uploads: list[Any] = request.FILES.getlist("image")
        if len(uploads) != 1:
            raise ValidationError({"image": [gettext("Send one file.")]})
        (photos, _), replayed, refused = taken_in(request, uploads)
        if not photos:
            raise refused[0].error
        return one(request, photos[0], replayed)


class Upload(APIView):
    parser_classes = [MultiPartParser]

    @described(
        "Send several photos",
        {202: Taken},
        UPLOAD,
        request=SeveralUpload,
        parameters=[KEY],
    )
    def post(self, request: Request) -> Response:
        """The files that cannot be read are named in `errors`; the others go on. Where none does,
        the answer is the first refusal, with `errors` beside it.
        """
        uploads: list[Any] = request.FILES.getlist("photos") + request.FILES.getlist("image")
        if not uploads:
            raise ValidationError({"photos": [gettext("Send at least one file.")]})
        made, replayed, refused = taken_in(request, uploads)
        return several(made, replayed) if made[0] else nothing(refused)


class PhotoDetail(APIView):
    @described(
        "Get a photo with its jobs",
        {200: PhotoShape, **UNCHANGED},
        (404,),
        parameters=[HELD, ETAG, wait.WaitQuery],
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """A photo that is deleted reads `expired`, and when that was."""
        patience = wait.seconds(request)
        photo = visitors.photo(request, pk)
        wait.until(lambda: ended(photo), patience)
        return tagged(request, photo_shown(visitors.photo(request, pk) if patience else photo))

    @described("Delete a photo", {204: None}, (404,))
    def delete(self, request: Request, pk: UUID) -> Response:
        """Delete now: files and results are gone when this answers, and active jobs are
        cancelled.
        """
        visitors.photo(request, pk).purge()
        return Response(status=204)


class PhotoJobs(APIView):
    parser_classes = [FlatJSON, FormParser, MultiPartParser]

    @described(
        "Colour a photo once more",
        {202: PhotoShape, 200: PhotoShape},
        (404, 409, 410, 413, 415, 503, 507),
        request={
            "application/json": WishesJSON,
            "application/x-www-form-urlencoded": Wishes,
            "multipart/form-data": Wishes,
        },
        parameters=[KEY, LOCATION, wait.WaitQuery],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """With another model or setting; the new jobs are the last ones of the answer."""
        wait.seconds(request)
        photo, form = files.live(visitors.photo(request, pk)), wishes(request)

        def make() -> idempotency.Made:
            forms.again(request, photo, form, strict=True)
            return [photo], []

        known = idempotency.known(request)
        replayed = bool(known)
        if not known:
            _, replayed = idempotency.keep(request, make)
        return one(request, photo, replayed)
