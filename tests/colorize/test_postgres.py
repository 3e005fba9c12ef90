"""The state machine and the worker once more, on PostgreSQL."""

import pytest

from tests.servers import repeat_on

WORKER = "test_worker.py::test_it_colours_fails_survives_and_stops"
HISTORY = ("test_history.py", "test_history_list.py", "test_keeping.py")
ADMIN = ("test_admin.py", "test_pauses.py")
FILES = ("test_jobs.py", "test_promise.py", "test_races.py", "test_api_race.py", *HISTORY, *ADMIN)
FILES += (WORKER,)


@pytest.mark.timeout(600)
def test_it_behaves_the_same_on_postgres(postgres: str) -> None:
    repeat_on(postgres, [f"tests/colorize/{name}" for name in FILES])
