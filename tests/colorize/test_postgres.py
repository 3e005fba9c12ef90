"""The state machine and the worker once more, on PostgreSQL."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

WORKER = "test_worker.py::test_it_colours_fails_survives_and_stops"
HISTORY = ("test_history.py", "test_history_list.py", "test_keeping.py")
ADMIN = ("test_admin.py", "test_pauses.py")
FILES = ("test_jobs.py", "test_promise.py", "test_races.py", "test_api_race.py", *HISTORY, *ADMIN)
FILES += (WORKER,)


@pytest.mark.timeout(600)
def test_it_behaves_the_same_on_postgres(postgres: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLORIA_VAR"}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *(f"tests/colorize/{name}" for name in FILES)],
        cwd=settings.BASE_DIR,
        env={**environment, "COLORIA_DATABASE_URL": postgres},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-1000:]
