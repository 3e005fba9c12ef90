"""The state machine, the API, history, administration and the worker once more, on PostgreSQL."""

import pytest

from tests.servers import repeat_on

WORKER = "test_worker.py::test_it_colours_fails_survives_and_stops"
HISTORY = ("test_history.py", "test_history_list.py", "test_keeping.py")
ADMIN = ("test_admin.py", "test_pauses.py")
API = ("test_api.py", "test_api_limits.py", "test_api_programs.py", "test_api_tokens.py")
FILES = ("test_jobs.py", "test_promise.py", "test_races.py", "test_api_race.py", *HISTORY, *ADMIN)
FILES += (*API, "test_strangers.py", "test_health.py", "test_sweep.py", WORKER)


@pytest.mark.timeout(900)
def test_it_behaves_the_same_on_postgres(postgres: str) -> None:
    repeat_on(postgres, [f"tests/colorize/{name}" for name in FILES])
