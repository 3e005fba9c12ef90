"""What all answers share, and what the web process does not load."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from django.conf import settings
from django.test import SimpleTestCase

from coloria.logs import KEPT_DAYS, DailyFile
from tests.base import NOON, BaseTestCase, at

FRAMEWORKS = "torch torchvision tensorflow keras fastai openvino onnxruntime"


class HeaderTests(BaseTestCase):
    def test_pages_bind_the_browser(self) -> None:
        answer = self.alice.get("/")
        assert "default-src 'self'" in answer["Content-Security-Policy"]
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"

    def test_no_page_has_inline_script_or_style(self) -> None:
        for page in ("/", "/history/", "/models/", "/how-it-works/", "/about/", "/nothing"):
            text = self.alice.get(page).content.decode()
            assert "<style" not in text and " style=" not in text and " onclick=" not in text
            assert "<script>" not in text

    def test_cookies_are_kept_from_scripts(self) -> None:
        self.send()
        assert self.alice.cookies["sessionid"]["httponly"]
        assert self.alice.cookies["sessionid"]["samesite"] == "Lax"

    def test_static_files_are_served_without_collectstatic(self) -> None:
        answer = self.alice.get("/static/css/coloria.css")
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/css")

    def test_every_request_is_logged_without_its_query(self) -> None:
        """S133: time, IP address, request type, URL."""
        with at(NOON), self.assertLogs("coloria.requests", "INFO") as logged:
            self.alice.get("/healthz?token=secret", REMOTE_ADDR="203.0.113.9")
        line = "INFO:coloria.requests:2026-03-01T12:00:00.000+00:00 203.0.113.9 GET /healthz 200"
        assert logged.output == [line]

    def test_a_path_cannot_forge_a_line(self) -> None:
        with self.assertLogs("coloria.requests", "INFO") as logged:
            self.alice.get("/a%0Ab")
        assert "\n" not in logged.output[0]


class ErrorTests(BaseTestCase):
    def test_a_missing_page_is_told_as_a_page_and_as_json(self) -> None:
        page = self.alice.get("/nothing")
        assert page.status_code == 404 and b"There is nothing at this address." in page.content
        answer = self.alice.get("/nothing", headers={"accept": "application/json"})
        assert answer.json()["code"] == "not_found"

    def test_a_fault_of_ours_is_told_in_one_sentence_and_nothing_more(self) -> None:
        self.alice.raise_request_exception = False
        with (
            mock.patch("colorize.catalogue.installed", side_effect=ZeroDivisionError("secret")),
            self.assertLogs("django.request", "ERROR"),
        ):
            answer = self.alice.get("/")
        assert answer.status_code == 500
        assert b"Something went wrong on our side." in answer.content
        assert b"secret" not in answer.content

    def test_a_fault_in_the_api_is_json(self) -> None:
        self.alice.raise_request_exception = False
        with (
            mock.patch("colorize.catalogue.state", side_effect=ZeroDivisionError("secret")),
            self.assertLogs("django.request", "ERROR"),
        ):
            answer = self.alice.get("/api/v1/models")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")

    def test_a_foreign_host_name_is_refused(self) -> None:
        with self.assertLogs("django.security.DisallowedHost", "ERROR"):
            assert self.alice.get("/", headers={"host": "evil.example"}).status_code == 400


class LogFileTests(SimpleTestCase):
    def test_the_request_log_is_kept_for_a_week(self) -> None:
        folder = Path(settings.VAR) / "log-test"
        folder.mkdir()
        for day in (19, 21, 22, 23, 27):
            (folder / f"requests-2026-02-{day}.log").touch()
        handler = DailyFile(folder)
        with at(NOON):
            record = logging.makeLogRecord({"msg": "a line"})
            handler.emit(record)
            handler.emit(record)
        kept = sorted(path.name[9:19] for path in folder.iterdir())
        assert kept == ["2026-02-23", "2026-02-27", "2026-03-01"]
        assert (folder / "requests-2026-03-01.log").read_text() == "a line\na line\n"
        assert KEPT_DAYS == 7


def test_the_web_process_loads_no_framework() -> None:
    script = (
        "import sys, django; django.setup(); from importlib import import_module as load;"
        "from django.conf import settings; load(settings.ROOT_URLCONF); load('coloria.wsgi');"
        f"print([name for name in '{FRAMEWORKS}'.split() if name in sys.modules])"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "coloria.settings"}
    ran = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
