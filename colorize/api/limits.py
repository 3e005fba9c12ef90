"""Every answer below /api/ tells what is left (RateLimit header fields for HTTP, IETF draft
10), and who calls too often waits.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext
from rest_framework.exceptions import AuthenticationFailed

from colorize import quotas
from colorize.api.guests import Tokens
from colorize.errors import tell
from colorize.quotas import Quota

COUNTED = ("/api/", "/upload", "/download/", "/test")  # the API and the report's routes


def caller(request: HttpRequest) -> Any:
    """The account of a token or a session; a token that does not hold is nobody's."""
    try:
        found = Tokens().authenticate(request)
    except AuthenticationFailed:
        return None
    return found[0] if found else request.user


def policy(quota: Quota) -> str:
    return f'"{quota.name}";q={quota.limit};w={quota.seconds}'


def standing(quota: Quota) -> str:
    return f'"{quota.name}";r={quota.left()};t={quota.reset()}'


class RateLimits:
    """Counts around everything else, so that refusals and unknown addresses tell it, too."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(COUNTED):
            return self.answer(request)
        who = caller(request), request.META.get("REMOTE_ADDR", "")
        calls, versions = quotas.calls(*who), quotas.versions(*who)
        if calls.add(1) > calls.limit:
            request.patience = calls.reset()  # type: ignore[attr-defined]
        response = self.answer(request)
        response["RateLimit-Policy"] = f"{policy(calls)}, {policy(versions)}"
        response["RateLimit"] = f"{standing(calls)}, {standing(versions)}"
        return response

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Here and not in __call__, so that the refusal passes through CORS and languages."""
        seconds = getattr(request, "patience", None)
        if seconds is None:
            return None
        sentence = gettext("You call too often. Try again in {seconds} seconds.")
        response = tell(request, 429, "too_many_requests", sentence.format(seconds=seconds))
        response["Retry-After"] = str(seconds)
        return response
