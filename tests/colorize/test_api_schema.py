"""Schemathesis makes up calls from the schema: no 5xx, and no answer that the schema does not know.

Bounded: a few calls per operation, the same in each run.
"""

import threading
from typing import Any

import pytest
import schemathesis
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.models import User
from accounts.tokens.model import Token
from coloria.wsgi import application
from colorize.api import wait
from colorize.models import Job
from colorize.tasks import run_job
from tests.base import empty_media, upload
from tests.fakes import InlineHost

pytestmark = pytest.mark.django_db
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
JSON = {"Accept": "application/json"}  # else the report's routes answer with pages
FEW = settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def hold() -> None:
    """The server's end of each request would close the connection that the test's transaction is
    on; Django's own test client holds it open in the same way.
    """
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)


@pytest.fixture
def one_connection(db: None) -> Any:
    hold()
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(autouse=True)
def _quick(one_connection: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """Nobody waits, and nobody calls too often."""
    cache.clear()
    monkeypatch.setattr(wait, "slots", threading.Semaphore(0))
    settings.COLORIA_GUEST_CALLS = settings.COLORIA_ACCOUNT_CALLS = 1_000_000
    yield
    empty_media()


@pytest.fixture
def ids(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A token of an account that has a photo which is done."""
    monkeypatch.setattr("colorize.tasks.host", InlineHost)
    user = User.objects.create_user("alice@example.org")
    text = Token.issue(user, "schema", 1)[1]
    client = Client(headers={"authorization": f"Bearer {text}"})
    client.post("/api/v1/photos", {"image": upload(), "model": "fake"})
    job = Job.objects.get()
    run_job(str(job.pk))
    hold()  # the client let go
    return {"token": f"Bearer {text}", "photos": str(job.photo_id), "jobs": str(job.pk)}


schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)
schema.config.phases.coverage.enabled = False  # hundreds of calls per operation


@schema.parametrize()
@FEW
def test_a_guest_finds_what_the_schema_says(case: schemathesis.Case) -> None:
    case.call_and_validate(checks=CHECKS, headers=JSON)


@schema.include(path_regex=r"\{id\}").parametrize()
@FEW
def test_an_owner_finds_what_the_schema_says(case: schemathesis.Case, ids: dict[str, str]) -> None:
    kind = "photos" if "photos" in case.path else "jobs"
    case.path_parameters = {"id": ids[kind]}
    case.call_and_validate(checks=CHECKS, headers=JSON | {"Authorization": ids["token"]})
