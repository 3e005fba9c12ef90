"""What all answers share: a line in the request log and the headers that bind the browser."""

import logging
import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

log = logging.getLogger("coloria.requests")

# A mailed link opens an account, also one with a slip at its end.
KEY = re.compile(r"(/accounts/(?:confirm-email|password/reset/key)/).+", re.DOTALL)

Answer = Callable[[HttpRequest], HttpResponseBase]


class RequestLog:
    """Time, IP address, method, path and status. No query string: it may carry what is nobody's
    business.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.answer(request)
        now = timezone.now().isoformat(timespec="milliseconds")
        address = request.META.get("REMOTE_ADDR", "-")
        # The path is decoded; as ASCII repr it cannot break the line.
        path = ascii(KEY.sub(r"\1***", request.path))[1:-1]
        log.info("%s %s %s %s %d", now, address, request.method, path, response.status_code)
        return response


class Headers:
    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.answer(request)
        response.headers.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "geolocation=(), microphone=()")
        return response
