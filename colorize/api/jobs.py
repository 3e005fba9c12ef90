"""Jobs: ask, cancel, fetch the result."""

from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from colorize import files, visitors
from colorize.api import lists, wait
from colorize.api.answers import tagged
from colorize.api.described import ETAG, HELD, UNCHANGED, described
from colorize.api.shapes import JobShape
from colorize.estimates import Queue
from colorize.models import Job
from colorize.shown import job_shown
from ml.images import MIME


class DownloadQuery(serializers.Serializer[Any]):
    delete = serializers.BooleanField(
        required=False, help_text="Delete the photo and all of its versions once this is fetched."
    )


class Jobs(APIView):
    @described(
        "List your jobs",
        {200: lists.page_of(JobShape)},
        (404,),
        parameters=[lists.JobQuery, *lists.PAGES],
        tag="Jobs",
    )
    def get(self, request: Request) -> Response:
        """Newest first."""
        return lists.jobs(request, self)


class JobDetail(APIView):
    @described(
        "Get a job",
        {200: JobShape, **UNCHANGED},
        (404,),
        parameters=[HELD, ETAG, wait.WaitQuery],
        tag="Jobs",
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """Where it stands, and the addresses of its files."""
        patience = wait.seconds(request)
        job = visitors.job(request, pk)
        wait.until(lambda: not Job.objects.active().filter(pk=pk).exists(), patience)
        if patience:
            job = visitors.job(request, pk)
        return tagged(request, job_shown(job, job.photo, list(job.photo.jobs.all()), Queue()))

    @described("Cancel a job", {204: None}, (404,), tag="Jobs")
    def delete(self, request: Request, pk: UUID) -> Response:
        """A job that has ended stays as it ended."""
        Job.objects.cancel(visitors.job(request, pk).pk)
        return Response(status=204)


class Download(APIView):
    @described(
        "Fetch the result",
        {(200, kind): OpenApiTypes.BINARY for kind in sorted(set(MIME.values()))},
        (404, 409, 410),
        parameters=[DownloadQuery],
        tag="Jobs",
    )
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        """In the format and size of the photo. After the deadline 410 with the time of deletion;
        of a job that failed, its error.
        """
        query = DownloadQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        delete = bool(query.validated_data.get("delete"))
        return files.fetched(request, visitors.job(request, pk), delete)
