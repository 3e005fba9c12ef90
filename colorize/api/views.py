"""The API: the same photos and jobs as the pages, as JSON."""

from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from colorize import catalogue, files, visitors
from colorize.estimates import Queue
from colorize.forms import WishesForm, take
from colorize.models import Job
from colorize.shown import job_shown, photo_shown
from colorize.views import taken
from ml import registry

AGAIN = {"Retry-After": "1", "Cache-Control": "no-store"}
NO_STORE = {"Cache-Control": "no-store"}


def wishes(request: Request) -> WishesForm:
    form = WishesForm(request.POST)
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
        photos, refused = take(request, uploads, wishes(request))
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
        photos, refused = take(request, uploads, wishes(request))
        return Response(taken(photos, refused), status=202 if photos else 400, headers=AGAIN)


class PhotoDetail(APIView):
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(photo_shown(visitors.photo(request, pk)), headers=NO_STORE)

    def delete(self, request: Request, pk: UUID) -> Response:
        """Delete now: files and results are gone when this answers."""
        visitors.photo(request, pk).purge()
        return Response(status=204)


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
                "summary": spec.summary,
                "state": catalogue.state(spec),
                "options": spec.options,
                "default": spec.name == catalogue.default(),
            }
            for spec in registry.MODELS.values()
        ]
        return Response(rows)


class Test(APIView):
    def post(self, request: Request) -> Response:
        """The report's route: shows that a POST arrives."""
        return Response({"detail": "POST received"})
