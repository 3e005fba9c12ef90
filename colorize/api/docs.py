"""The pages that describe the API: the first steps and the whole schema, and one per error code."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from colorize.api.codes import CODES, ROWS
from colorize.examples import EXAMPLES


class Docs(SpectacularSwaggerSplitView):
    """Swagger UI below our own first steps; its script comes by itself, as our policy wants it."""

    schema = None
    url_name = "api-schema"
    template_name = "api/docs.html"

    def perform_content_negotiation(
        self, request: Request, force: bool = False
    ) -> tuple[TemplateHTMLRenderer, str]:
        """A page, or the script that it asks for by address: never by the Accept header."""
        return TemplateHTMLRenderer(), "text/html"

    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        if isinstance(response.data, dict):
            response.data |= {
                "site": request.build_absolute_uri("/").rstrip("/"),
                "example": EXAMPLES[0],
            }
        return response


@require_safe
def errors(request: HttpRequest) -> HttpResponse:
    return render(request, "api/errors.html", {"rows": ROWS})


@require_safe
def error(request: HttpRequest, code: str) -> HttpResponse:
    if code not in CODES:
        raise Http404
    return render(request, "api/error.html", {"row": CODES[code]})


urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", Docs.as_view(), name="api-docs"),
    path("docs/errors/", errors, name="api-errors"),
    path("docs/errors/<slug:code>/", error, name="api-error"),
]
