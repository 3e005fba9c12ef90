"""The filters of the lists. None asks the database which values there are."""

import uuid
from abc import abstractmethod
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from colorize.health import OVERDUE, left_behind
from colorize.models import Job, Photo
from colorize.record import FIRST, LAST
from colorize.shown import FAILURES
from ml import registry
from ml.errors import ColorizeError

GUESTS = "guests"


class Filter(SimpleListFilter):
    @abstractmethod
    def narrowed(self, value: str) -> Q:
        """What a row must be; raises ValueError for nonsense, which matches nothing."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = (self.value() or "").strip()
        if not value:
            return queryset
        try:
            return queryset.filter(self.narrowed(value))
        except ValueError:
            return queryset.none()


class OfJob(Filter):
    """A field of the job: the row's own in the list of jobs, any of its jobs' in that of photos."""

    column = ""

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.of_photos = model is Photo

    def narrowed(self, value: str) -> Q:
        if value not in dict(self.lookup_choices):
            raise ValueError
        wanted = Q(**{self.column: value})
        if not self.of_photos:
            return wanted
        return Q(pk__in=Job.objects.filter(wanted).values("photo"))


class ModelFilter(OfJob):
    title, parameter_name, column = _("model"), "model", "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(spec.name, spec.title) for spec in registry.MODELS.values()]


class StateFilter(OfJob):
    title, parameter_name, column = _("state"), "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Job.State.choices)


class OutcomeFilter(OfJob):
    """Files are soon deleted and the state then says so; this says how the job had ended."""

    title, parameter_name, column = _("outcome"), "outcome", "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        ends = (Job.State.DONE, Job.State.FAILED, Job.State.CANCELLED)
        return [(end.value, end.label) for end in ends]


class CodeFilter(OfJob):
    title, parameter_name, column = _("error"), "code", "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, code) for code in sorted({*FAILURES, ColorizeError.code})]


class WhenFilter(Filter):
    title, parameter_name = _("date"), "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("1", _("past hour")),
            ("24", _("past 24 hours")),
            ("168", _("past 7 days")),
            ("720", _("past 30 days")),
        ]

    def narrowed(self, value: str) -> Q:
        if value not in dict(self.lookup_choices):
            raise ValueError
        return Q(created__gt=timezone.now() - timedelta(hours=int(value)))


class WrittenFilter(Filter):
    """One that is typed instead of chosen."""

    template = "admin/written_filter.html"
    kind = "text"  # of the input

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Iterator[Any]:
        """One "choice": what the form is filled with, the other filters included."""
        others = changelist.get_filters_params()
        others.pop(self.parameter_name, None)
        kept = [(name, value) for name, values in others.items() for value in values]
        yield {
            "name": self.parameter_name,
            "value": self.value() or "",
            "kind": self.kind,
            "kept": kept,
            "without": changelist.get_query_string(remove=[self.parameter_name]),
        }


class DayFilter(WrittenFilter):
    title, parameter_name, kind = _("day"), "day", "date"

    def narrowed(self, value: str) -> Q:
        day = date.fromisoformat(value)
        if not FIRST < day < LAST:
            raise ValueError
        begins = timezone.make_aware(datetime.combine(day, time()))
        return Q(created__gte=begins, created__lt=begins + timedelta(days=1))


class UserFilter(WrittenFilter):
    """By e-mail address or id of an account; "guests" for who has none."""

    title, parameter_name = _("user"), "user"

    def narrowed(self, value: str) -> Q:
        prefix = "" if self.model is Photo else "photo__"
        if value == GUESTS:
            return Q(**{f"{prefix}owner": None})
        if "@" in value:
            return Q(**{f"{prefix}owner__email": value.lower()})
        return Q(**{f"{prefix}owner": uuid.UUID(value)})

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        self.model = model
        super().__init__(request, params, model, model_admin)


class FilesFilter(Filter):
    title, parameter_name = _("files"), "files"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("here", _("still here")),
            ("overdue", _("overdue for deletion")),
            ("gone", _("gone")),
        ]

    def narrowed(self, value: str) -> Q:
        here = Q(purged=None)
        if value == "overdue":  # as they are counted
            late = here & Q(deadline__lte=timezone.now() - OVERDUE)
            return late | Q(pk__in=list(left_behind()))
        found = {"here": here, "gone": ~here}
        if value not in found:
            raise ValueError
        return found[value]
