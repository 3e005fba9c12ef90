"""Every refusal of the API as {"detail", "code"}."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied as Forbidden
from django.http import Http404
from django.utils.translation import gettext
from rest_framework.exceptions import APIException, NotFound, PermissionDenied, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from colorize.errors import headers, problem, sentence, status
from ml.errors import ColorizeError

log = logging.getLogger(__name__)


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's exception handler; None lets Django answer 500."""
    if isinstance(error, ColorizeError):
        return refusal(error)
    if isinstance(error, Http404):
        error = NotFound(gettext("There is nothing at this address."))
    if isinstance(error, Forbidden):
        error = PermissionDenied(gettext("You may not do this."))
    response = exception_handler(error, context)
    if response is None or not isinstance(error, APIException):
        return response
    if isinstance(error, ValidationError):
        response.data = problem("bad_request", " ".join(sentences(error)))
        response.data["fields"] = error.detail
    else:
        response.data = problem(str(error.get_codes()), str(error.detail))
    return response


def refusal(error: ColorizeError) -> Response:
    log.info("%s: %s", error.code, error.reason)
    told = problem(error.code, sentence(error))
    if "at" in error.facts:
        told["deleted"] = error.facts["at"]
    return Response(told, status=status(error), headers=headers(error))


def sentences(error: ValidationError) -> list[str]:
    """What is wrong with the fields, each thing once."""
    fields = error.detail if isinstance(error.detail, dict) else {"": error.detail}
    return list(dict.fromkeys(str(one) for found in fields.values() for one in found))
