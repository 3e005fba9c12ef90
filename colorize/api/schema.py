"""How the API describes itself: OpenAPI, from the views."""

from copy import deepcopy
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

LIMITS = {
    "RateLimit-Policy": "The limits that hold for you: `q` of each per `w` seconds.",
    "RateLimit": "What is left of them: `r`, all of it again in `t` seconds.",
}
# The report's own routes beside the API, and what of the API they answer like.
ROUTES = {
    "/upload": ("/api/v1/upload", "post"),
    "/download/{id}": ("/api/v1/jobs/{id}/download", "get"),
    "/test": ("/api/v1/test", "post"),
}
NOTE = (
    "The same as `{path}`. A browser's form gets pages instead; send `Accept: application/json` "
    "for JSON."
)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "colorize.api.guests.Tokens"
    name = "token"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of your account, from the page of your account.",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "colorize.api.guests.SessionOrGuest"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The cookie of a browser, or of a program without an account.",
        }


class Schema(AutoSchema):
    """Names of operations: photos_list, photos_retrieve, photos_create ..."""

    def get_operation_id(self) -> str:
        name: str = super().get_operation_id()
        return name if self.path.endswith("}") else name.replace("_retrieve", "_list")


def finish(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    paths = {path.replace("{pk}", "{id}"): item for path, item in result["paths"].items()}
    for route, (path, method) in ROUTES.items():
        paths[route] = {method: same(paths[path][method], path)}
    for item in paths.values():
        for operation in item.values():
            finish_operation(operation)
    headers = {name: header(text) for name, text in LIMITS.items()}
    result["paths"] = paths
    result["components"]["headers"] = headers
    return result


def header(text: str) -> dict[str, Any]:
    return {"description": text, "required": True, "schema": {"type": "string"}}


def same(operation: dict[str, Any], path: str) -> dict[str, Any]:
    copy = deepcopy(operation)
    copy["operationId"] = f"report_{copy['operationId']}"
    copy["description"] = NOTE.format(path=path)
    copy["tags"] = ["The report's routes"]
    return copy


def finish_operation(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path" and parameter["name"] == "pk":
            parameter["name"] = "id"
    for response in operation["responses"].values():
        told = response.setdefault("headers", {})
        told |= {name: {"$ref": f"#/components/headers/{name}"} for name in LIMITS}
