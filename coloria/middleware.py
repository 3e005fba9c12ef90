"""What all answers share: a line in the request log and the headers that bind the browser."""

import json
import logging
import re
from collections.abc import Callable
from ipaddress import ip_address
from time import perf_counter
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

log = logging.getLogger("coloria.requests")

# A mailed link opens an account, also one with a slip at its end.
KEY = re.compile(r"(/accounts/(?:confirm-email|password/reset/key)/).+", re.DOTALL)

# The parameters whose values are written down; of all others only that there were some.
HARMLESS = {
    "after", "before", "code", "day", "delete", "kind", "limit", "model", "offset", "outcome", "p",
    "page", "since", "state", "until", "wait", "when",
}  # fmt: skip

Answer = Callable[[HttpRequest], HttpResponseBase]


class RequestLog:
    """Time, IP address, method and URL, as the report asks, with status and milliseconds: one JSON
    object per line, which no address can break.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        begun = perf_counter()
        response = self.answer(request)
        line = {
            "time": timezone.now().isoformat(timespec="milliseconds"),
            "ip": request.META.get("REMOTE_ADDR", ""),
            "method": request.method,
            "url": plain(request),
            "status": response.status_code,
            "ms": round(1000 * (perf_counter() - begun)),
        }
        log.info("%s", json.dumps(line))
        return response


def plain(request: HttpRequest) -> str:
    """The URL without what opens anything or is about anybody."""
    path = KEY.sub(r"\1***", request.path)
    query = [
        f"{name}={value[:40]}" if name in HARMLESS else "***"
        for name, value in parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True)
    ]
    return f"{path}?{'&'.join(dict.fromkeys(query))}" if query else path


class ProxyAddress:
    """Behind the trusted proxy the visitor's address is the last that it has noted. Waitress has
    done this already; other servers leave it to us. Nobody else's X-Forwarded-For counts.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        noted = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        if settings.HTTPS and request.META.get("REMOTE_ADDR") == settings.PROXY and noted:
            try:
                request.META["REMOTE_ADDR"] = str(ip_address(noted))
            except ValueError:
                log.warning("%s", json.dumps({"proxy": settings.PROXY, "unread": noted[:100]}))
        return self.answer(request)


class Headers:
    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.answer(request)
        response.headers.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "geolocation=(), microphone=()")
        return response
