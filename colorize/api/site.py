"""What this server can do."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from colorize import catalogue, pauses
from colorize.api.described import described
from colorize.api.shapes import ModelShape, Said
from ml import classes, registry


class Models(APIView):
    @described("List the models", {200: ModelShape(many=True)}, tag="Models")
    def get(self, request: Request) -> Response:
        """`options` are the settings that a model reads."""
        paused, default = pauses.names(), catalogue.default()
        rows = [
            {
                "name": spec.name,
                "title": spec.title,
                "summary": catalogue.summary(spec),
                "state": catalogue.state(spec, paused),
                "options": spec.options,
                "default": spec.name == default,
            }
            for spec in registry.MODELS.values()
        ]
        return Response(rows)


class Classes(APIView):
    @described(
        "List the subjects",
        {200: serializers.ListSerializer(child=serializers.CharField())},
        tag="Models",
    )
    def get(self, request: Request) -> Response:
        """What `label` may be: the names of ImageNet's classes, in the order of their numbers."""
        return Response(classes.names(), headers={"Cache-Control": "public, max-age=86400"})


class Test(APIView):
    @described("Test", {200: Said}, tag="Models")
    def post(self, request: Request) -> Response:
        """Shows that a POST arrives; changes nothing."""
        return Response({"detail": "POST received"})
