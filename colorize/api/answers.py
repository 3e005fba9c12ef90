"""What answers of the API have in common."""

from hashlib import sha256
from typing import Any

from django.utils.http import parse_etags
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

AGAIN = {"Retry-After": "1"}  # seconds until it is worth asking again
NO_STORE = {"Cache-Control": "no-store"}  # file names are nobody's business


def active(shown: dict[str, Any]) -> bool:
    """Whether a shown photo or job has not ended."""
    jobs = shown.get("jobs", [shown])
    return any(job["state"] in ("queued", "running") for job in jobs)


def tagged(request: Request, shown: dict[str, Any]) -> Response:
    """The JSON with its ETag, or 304 where the program has it already."""
    etag = f'W/"{sha256(JSONRenderer().render(shown)).hexdigest()[:32]}"'
    headers = NO_STORE | {"ETag": etag} | (AGAIN if active(shown) else {})
    held = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in held or etag in held or etag.removeprefix("W/") in held:
        return Response(status=304, headers=headers)
    return Response(shown, headers=headers)


def accepted(shown: dict[str, Any], **headers: str) -> Response:
    """202 while colours are being made, 200 once they have ended."""
    if active(shown):
        return Response(shown, status=202, headers=NO_STORE | AGAIN | headers)
    return Response(shown, headers=NO_STORE | headers)
