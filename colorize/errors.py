"""How a failure is told: one sentence and one code, as a page or as JSON."""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext

from ml.errors import ColorizeError, FarTooMany

STATUS = {
    "bad_image": 400,
    "unsupported_type": 415,
    "too_large": 413,
    "too_many_files": 400,
    "unknown_model": 404,
    "unread_option": 400,
    "model_unavailable": 503,
    "model_paused": 503,
    "out_of_memory": 503,
    "timed_out": 503,
    "busy": 503,
    "disk_full": 507,
    "too_many_jobs": 429,
    "quota_reached": 429,
    "expired": 410,
    "not_ready": 409,
    "cancelled": 409,
}

AGAIN = {"too_many_jobs": "60"}  # seconds after which the same may succeed

log = logging.getLogger(__name__)


def status(error: ColorizeError) -> int:
    return int(error.facts.get("status", STATUS.get(error.code, 500)))


def headers(error: ColorizeError) -> dict[str, str]:
    seconds = error.facts.get("seconds", AGAIN.get(error.code))
    return {"Retry-After": str(seconds)} if seconds else {}


def sentence(error: ColorizeError) -> str:
    """The public sentence in the reader's language."""
    return gettext(error.sentence).format(**error.facts)


def wants_json(request: HttpRequest) -> bool:
    if request.path.startswith("/api/"):
        return True
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def problem(code: str, detail: str) -> dict[str, Any]:
    """A refusal as JSON, with the address of the page that explains it."""
    return {"detail": detail, "code": code, "docs": f"/api/docs/errors/{code}/"}


def tell(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    if wants_json(request):
        return JsonResponse(problem(code, detail), status=status)
    context = {"status": status, "code": code, "detail": detail}
    return render(request, "error.html", context, status=status)


class Failures:
    """Turns a ColorizeError that a page raised into its answer."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.answer(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, ColorizeError):
            return None
        log.info("%s %s: %s", request.path, error.code, error.reason)
        response = tell(request, status(error), error.code, sentence(error))
        for name, value in headers(error).items():
            response[name] = value
        return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, TooManyFilesSent):
        most, limit = settings.DATA_UPLOAD_MAX_NUMBER_FILES, settings.COLORIA_MAX_FILES
        error = FarTooMany(facts={"most": most, "limit": limit})
        return tell(request, 400, error.code, sentence(error))
    return tell(request, 400, "bad_request", gettext("This request cannot be understood."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return tell(request, 403, "forbidden", gettext("You may not do this."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    log.info("%s: CSRF: %s", request.path, reason)
    return tell(
        request, 403, "csrf_failed", gettext("This form is too old. Reload the page and try again.")
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return tell(request, 404, "not_found", gettext("There is nothing at this address."))


def too_many(request: HttpRequest) -> HttpResponse:
    """Signing in, signing up and the like; the API has limits of its own."""
    detail = gettext("Too many tries. Wait five minutes, then try again.")
    response = tell(request, 429, "rate_limited", detail)
    response["Retry-After"] = "300"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """The page reads the visitor's session; it must not need the database that is away."""
    detail = gettext(ColorizeError.sentence)
    try:
        return tell(request, 500, ColorizeError.code, detail)
    except DatabaseError:
        return HttpResponse(detail, status=500, content_type="text/plain; charset=utf-8")
