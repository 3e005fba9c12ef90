"""@described: what the schema says of an operation beside its docstring."""

from collections.abc import Callable, Sequence
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from colorize.api.shapes import Problem

ALWAYS = (400, 401, 403, 406, 429, 500)  # what any call may be refused with

KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="1 to 255 visible ASCII characters of your choice. The same key with the same body "
    "does nothing twice for 24 hours, or until the photo is deleted.",
)
HELD = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag that you hold: 304 if nothing has changed.",
)
LOCATION = OpenApiParameter(
    "Location",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Address of the photo.",
    response=[202],
    required=True,
)
PAUSE = OpenApiParameter(
    "Retry-After",
    OpenApiTypes.INT,
    OpenApiParameter.HEADER,
    description="Seconds until it is worth asking again.",
    response=[202, 429],
    required=True,
)
ETAG = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Names this state of the answer, for If-None-Match.",
    response=[200, 304],
    required=True,
)
UNCHANGED = {304: OpenApiResponse(description="Nothing has changed.")}


def described(
    summary: str,
    answers: dict[Any, Any],
    refusals: Sequence[int] = (),
    *,
    parameters: Sequence[Any] = (),
    request: Any = None,
    tag: str = "Photos",
) -> Callable[[Any], Any]:
    problems = dict.fromkeys((*ALWAYS, *refusals), Problem)
    return extend_schema(
        summary=summary,
        responses={**answers, **problems},
        parameters=[*parameters, PAUSE],
        request=request,
        tags=[tag],
    )
