"""What all answers share, and what the web process does not load."""

import json
import logging
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from django.conf import settings
from django.db import DatabaseError
from django.test import SimpleTestCase

from coloria.logs import KEPT_DAYS, DailyFile
from tests.base import NOON, BaseTestCase, at

FRAMEWORKS = "torch torchvision tensorflow keras fastai openvino onnxruntime"


class HeaderTests(BaseTestCase):
    def test_pages_bind_the_browser(self) -> None:
        """S179."""
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

    def logged(self, address: str, **extra: str) -> dict[str, Any]:
        """What one request leaves in the log."""
        with at(NOON), self.assertLogs("coloria.requests", "INFO") as logged:
            self.alice.get(address, **extra)
        assert "\n" not in logged.records[-1].getMessage()
        line: dict[str, Any] = json.loads(logged.records[-1].getMessage())
        return line

    def test_every_request_is_logged(self) -> None:
        """S133: time, IP address, request type, URL."""
        line = self.logged("/healthz?page=2", REMOTE_ADDR="203.0.113.9")
        assert isinstance(line.pop("ms"), int)
        assert line == {
            "time": "2026-03-01T12:00:00.000+00:00",
            "ip": "203.0.113.9",
            "method": "GET",
            "url": "/healthz?page=2",
            "status": 200,
        }

    def test_what_opens_something_or_names_somebody_is_not_logged(self) -> None:
        for address, logged in {
            "/healthz?token=secret&page=1": "/healthz?***&page=1",
            "/healthz?secret": "/healthz?***",
            "/healthz?user=a@b.c&token=secret": "/healthz?***",
            "/accounts/password/reset/key/1-secret/": "/accounts/password/reset/key/***",
        }.items():
            assert self.logged(address)["url"] == logged

    def test_a_path_cannot_forge_a_line(self) -> None:
        assert self.logged("/a%0Ab")["url"] == "/a\nb"

    def test_only_the_trusted_proxy_may_name_the_visitor(self) -> None:
        noted = {"HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.9"}
        assert self.logged("/healthz", **noted)["ip"] == "127.0.0.1"  # no proxy is set
        with self.settings(HTTPS=True, PROXY="10.0.0.1"):
            ask = partial(self.logged, "/healthz")
            assert ask(REMOTE_ADDR="10.0.0.1", **noted)["ip"] == "203.0.113.9"
            assert ask(REMOTE_ADDR="10.0.0.2", **noted)["ip"] == "10.0.0.2"
            assert ask(REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="<x>")["ip"] == "10.0.0.1"


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

    def test_a_fault_in_a_middleware_is_told_in_one_sentence(self) -> None:
        """S149."""
        self.alice.raise_request_exception = False
        for address in ("/", "/api/v1/models"):
            with (
                mock.patch(
                    "django.middleware.locale.translation.get_language_from_request",
                    side_effect=ZeroDivisionError("secret"),
                ),
                self.assertLogs("django.request", "ERROR"),
            ):
                answer = self.alice.get(address)
            assert answer.status_code == 500
            assert b"Something went wrong on our side." in answer.content
            assert b"secret" not in answer.content and b"Traceback" not in answer.content

    def test_a_fault_is_told_even_without_a_database(self) -> None:
        self.alice.raise_request_exception = False
        with (
            mock.patch("colorize.catalogue.installed", side_effect=DatabaseError("secret")),
            mock.patch("colorize.errors.render", side_effect=DatabaseError("secret")),
            self.assertLogs("django.request", "ERROR"),
        ):
            answer = self.alice.get("/")
        assert answer.status_code == 500
        assert answer.content == b"Something went wrong on our side. Please try again."

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
    """S130: networks run in processes of their own."""
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
