"""The API: the same photos and jobs as the pages, as JSON."""

from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from colorize import catalogue, files, visitors
from colorize.estimates import Queue
from colorize.forms import again, take
from colorize.models import Job
from colorize.shown import job_shown, photo_shown
from colorize.views import taken
from colorize.wishes import WishesForm
from ml import classes, registry

AGAIN = {"Retry-After": "1", "Cache-Control": "no-store"}
NO_STORE = {"Cache-Control": "no-store"}


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


class Photos(APIView):
    def post(self, request: Request) -> Response:
        """Queue one photo; the answer says where to ask for it."""
        uploads: list[Any] = request.FILES.getlist("image")
        if len(uploads) != 1:
            raise ValidationError({"image": [gettext("Send one file.")]})
        photos, refused = take(request, uploads, wishes(request), strict=True)
        if refused:
            raise refused[0].error
        location = {"Location": reverse("api-photo", args=[photos[0].pk])}
        return Response(photo_shown(photos[0]), status=202, headers=AGAIN | location)


class Upload(APIView):
    def post(self, request: Request) -> Response:
        """The report's route: several photos; those that cannot be read are named."""
        uploads: list[Any] = request.FILES.getlist("photos") + request.FILES.getlist("image")
        if not uploads:
            raise ValidationError({"photos": [gettext("Send at least one file.")]})
        photos, refused = take(request, uploads, wishes(request), strict=True)
        return Response(taken(photos, refused), status=202 if photos else 400, headers=AGAIN)


class PhotoDetail(APIView):
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(photo_shown(visitors.photo(request, pk)), headers=NO_STORE)

    def delete(self, request: Request, pk: UUID) -> Response:
        """Delete now: files and results are gone when this answers."""
        visitors.photo(request, pk).purge()
        return Response(status=204)


class PhotoJobs(APIView):
    parser_classes = [FlatJSON, FormParser, MultiPartParser]

    def post(self, request: Request, pk: UUID) -> Response:
        """Colour a photo that is here once more; the new jobs are the last ones of the answer."""
        photo = files.live(visitors.photo(request, pk))
        again(request, photo, wishes(request), strict=True)
        location = {"Location": reverse("api-photo", args=[pk])}
        shown = photo_shown(visitors.photo(request, pk))
        return Response(shown, status=202, headers=AGAIN | location)


class JobDetail(APIView):
    def get(self, request: Request, pk: UUID) -> Response:
        job = visitors.job(request, pk)
        shown = job_shown(job, job.photo, list(job.photo.jobs.all()), Queue())
        return Response(shown, headers=NO_STORE)

    def delete(self, request: Request, pk: UUID) -> Response:
        """Cancel; a job that has ended stays as it ended."""
        Job.objects.cancel(visitors.job(request, pk).pk)
        return Response(status=204)


class Download(APIView):
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        return files.download(visitors.job(request, pk))


class Models(APIView):
    def get(self, request: Request) -> Response:
        rows = [
            {
                "name": spec.name,
                "title": spec.title,
                "summary": catalogue.summary(spec),
                "state": catalogue.state(spec),
                "options": spec.options,
                "default": spec.name == catalogue.default(),
            }
            for spec in registry.MODELS.values()
        ]
        return Response(rows)


class Classes(APIView):
    def get(self, request: Request) -> Response:
        """What `label` may be: the names of ImageNet's classes, in the order of their numbers."""
        return Response(classes.names(), headers={"Cache-Control": "public, max-age=86400"})


class Test(APIView):
    def post(self, request: Request) -> Response:
        """The report's route: shows that a POST arrives."""
        return Response({"detail": "POST received"})
