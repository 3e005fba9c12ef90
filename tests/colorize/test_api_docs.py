"""The API describes itself, and the description is true."""

import io
import re
from pathlib import Path

import yaml
from django.conf import settings
from django.core.management import call_command
from django.test import SimpleTestCase

from colorize.api.codes import CODES
from colorize.errors import STATUS
from ml import errors as failures
from ml.errors import ColorizeError
from tests.base import BaseTestCase

KEPT = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"
REGENERATE = "manage.py spectacular --file docs/openapi.yaml"
# Codes that Django REST framework and Django's own checks answer with.
FRAMEWORKS = """bad_request parse_error authentication_failed not_authenticated permission_denied
    not_found method_not_allowed not_acceptable unsupported_media_type csrf_failed forbidden
    too_many_requests idempotency_conflict internal"""


def generated() -> str:
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    return out.getvalue()


class SchemaTests(SimpleTestCase):
    def test_the_schema_in_the_repository_is_the_generated_one(self) -> None:
        assert generated().strip() == KEPT.read_text().strip(), f"Run: {REGENERATE}"

    def test_the_reports_routes_are_described(self) -> None:
        paths = yaml.safe_load(KEPT.read_text())["paths"]
        assert "post" in paths["/upload"] and "post" in paths["/test"]
        assert "get" in paths["/download/{id}"]

    def test_every_answer_is_described_with_its_limits(self) -> None:
        for path, item in yaml.safe_load(KEPT.read_text())["paths"].items():
            for method, operation in item.items():
                for status, answer in operation["responses"].items():
                    assert "RateLimit" in answer["headers"], (path, method, status)

    def test_every_operation_has_a_summary(self) -> None:
        for path, item in yaml.safe_load(KEPT.read_text())["paths"].items():
            assert all(operation["summary"] for operation in item.values()), path


class PageTests(BaseTestCase):
    def test_the_schema_is_served_as_yaml_and_json(self) -> None:
        assert yaml.safe_load(self.alice.get("/api/schema/").content)["openapi"].startswith("3.")
        assert self.alice.get("/api/schema/?format=json").json()["info"]["title"] == "COLORIA"

    def test_the_docs_load_nothing_from_elsewhere_and_run_nothing_inline(self) -> None:
        page = self.alice.get("/api/docs/").content.decode()
        loaded = re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', page)
        assert loaded and all(address.startswith("/") for address in loaded)
        assert "<style" not in page
        assert not re.search(r"<script(?![^>]*(src=|application/json))", page)

    def test_the_docs_are_a_page_for_every_browser(self) -> None:
        chromium = "text/html,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
        for accept in (chromium, "*/*", "application/json"):
            answer = self.alice.get("/api/docs/", headers={"accept": accept})
            assert answer["Content-Type"] == "text/html; charset=utf-8"

    def test_the_docs_script_is_a_script(self) -> None:
        answer = self.alice.get("/api/docs/?script=", headers={"accept": "*/*"})
        assert answer["Content-Type"].startswith("application/javascript")
        assert "/api/schema/" in answer.content.decode()

    def test_every_code_has_its_page(self) -> None:
        index = self.alice.get("/api/docs/errors/").content.decode()
        for code, row in CODES.items():
            page = self.alice.get(f"/api/docs/errors/{code}/").content.decode()
            assert f"HTTP {row.status}" in page and f"/api/docs/errors/{code}/" in index

    def test_no_code_is_forgotten(self) -> None:
        ours = {kind.code for kind in vars(failures).values() if is_failure(kind)}
        assert ours | set(STATUS) | set(FRAMEWORKS.split()) <= set(CODES)

    def test_pages_and_answers_agree_on_the_status(self) -> None:
        assert {code: CODES[code].status for code in STATUS} == STATUS

    def test_who_shows_no_account_is_answered_as_the_page_says(self) -> None:
        page = self.alice.get("/api/docs/errors/not_authenticated/").content.decode()
        assert "HTTP 401" in page and "/api/v1/tokens" in page and "403" in page
        for address, status in (("webhooks", 401), ("tokens", 403)):
            answer = self.alice.get(f"/api/v1/{address}")
            assert (answer.status_code, answer.json()["code"]) == (status, "not_authenticated")

    def test_refusals_name_their_page(self) -> None:
        for method, address in (
            ("get", "/api/v1/nothing"),
            ("put", "/api/v1/photos"),
            ("post", "/api/v1/photos"),
            ("get", "/api/v1/photos?state=x"),
        ):
            told = getattr(self.alice, method)(address).json()
            assert self.alice.get(told["docs"]).status_code == 200

    def test_an_unknown_code_has_no_page(self) -> None:
        assert self.alice.get("/api/docs/errors/nothing/").status_code == 404

    def test_broken_bodies_and_wrong_types_are_told_apart(self) -> None:
        address = f"/api/v1/photos/{self.send().pk}/jobs"
        broken = self.alice.post(address, b"{", content_type="application/json")
        assert (broken.status_code, broken.json()["code"]) == (400, "parse_error")
        wrong = self.alice.post(address, b"x", content_type="text/csv")
        assert (wrong.status_code, wrong.json()["code"]) == (415, "unsupported_media_type")
        html = self.alice.get("/api/v1/models", headers={"accept": "text/html"})
        assert (html.status_code, html.json()["code"]) == (406, "not_acceptable")


def is_failure(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, ColorizeError)
