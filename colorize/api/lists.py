"""Lists by cursor: what is added meanwhile moves nothing to another page."""

from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from colorize import visitors
from colorize.api.shapes import STATES
from colorize.estimates import Queue
from colorize.models import Job
from colorize.record import FIRST, LAST
from colorize.shown import job_shown, photo_shown

PAGE, MOST = 20, 100  # rows
PAGES = [
    OpenApiParameter("cursor", str, description="From `next` or `previous`."),
    OpenApiParameter("page_size", {"type": "integer", "minimum": 1, "maximum": MOST}),
]


class Moment(serializers.DateTimeField):
    """A time that every database can compare."""

    def to_internal_value(self, value: Any) -> datetime:
        try:
            moment = super().to_internal_value(value)
        except OverflowError:
            self.fail("overflow")
        if not FIRST < moment.date() < LAST:
            self.fail("overflow")
        return moment


class PhotoQuery(serializers.Serializer[Any]):
    state = serializers.ChoiceField(STATES, required=False, help_text="Of one of its jobs.")
    model = serializers.RegexField(r"^[\w-]{1,40}$", required=False)
    created_after = Moment(required=False)
    created_before = Moment(required=False)


class JobQuery(PhotoQuery):
    state = serializers.ChoiceField(STATES, required=False)
    photo = serializers.UUIDField(required=False)


@cache
def page_of(shape: type[serializers.Serializer[Any]]) -> Any:
    return inline_serializer(
        f"{shape.__name__}Page",
        {
            "next": serializers.CharField(allow_null=True),
            "previous": serializers.CharField(allow_null=True),
            "results": shape(many=True),
        },
    )


class Pages(CursorPagination):
    page_size, max_page_size, page_size_query_param = PAGE, MOST, "page_size"
    ordering = ("-created", "-pk")

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Raises NotFound also for a position that is no time."""
        cursor = super().decode_cursor(request)
        if cursor is None or cursor.position is None:
            return cursor
        try:
            known = parse_datetime(str(cursor.position))
        except ValueError:
            known = None
        if known is None or not FIRST < known.date() < LAST:
            raise NotFound(self.invalid_cursor_message)
        return cursor


def asked(request: Request, shape: type[PhotoQuery]) -> dict[str, Any]:
    query = shape(data=request.query_params)
    query.is_valid(raise_exception=True)
    return dict(query.validated_data)


def condition(query: dict[str, Any], job: str, photo: str) -> Q:
    """`job` and `photo` lead there from the rows of the list."""
    wanted = Q()
    gone = Q(**{f"{photo}purged__isnull": False}) | Q(**{f"{photo}deadline__lte": timezone.now()})
    if (state := query.get("state")) == Job.State.EXPIRED:
        wanted &= gone
    elif state:
        wanted &= Q(**{f"{job}state": state}) & ~gone
    if model := query.get("model"):
        wanted &= Q(**{f"{job}model": model})
    if after := query.get("created_after"):
        wanted &= Q(created__gt=after)
    if before := query.get("created_before"):
        wanted &= Q(created__lt=before)
    return wanted


def photos(request: Request, view: APIView) -> Response:
    query = asked(request, PhotoQuery)
    rows = visitors.photos(request).filter(condition(query, "jobs__", "")).distinct()
    queue = Queue()
    return page(request, view, rows, lambda photo: photo_shown(photo, queue))


def jobs(request: Request, view: APIView) -> Response:
    query = asked(request, JobQuery)
    rows = Job.objects.filter(visitors.mine(request, "photo__"), condition(query, "", "photo__"))
    if photo := query.get("photo"):
        rows = rows.filter(photo=photo)
    rows = rows.select_related("photo").prefetch_related("photo__jobs")
    queue = Queue()

    def told(job: Job) -> dict[str, Any]:
        return job_shown(job, job.photo, list(job.photo.jobs.all()), queue)

    return page(request, view, rows, told)


def page(request: Request, view: APIView, rows: QuerySet[Any], shown: Any) -> Response:
    pages = Pages()
    found = pages.paginate_queryset(rows, request, view) or []
    response = pages.get_paginated_response([shown(row) for row in found])
    response["Cache-Control"] = "no-store"
    return response
