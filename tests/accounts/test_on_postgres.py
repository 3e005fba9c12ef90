"""Accounts once more, on PostgreSQL."""

import pytest

from tests.servers import repeat_on

FILES = ("test_defence.py", "test_deletion.py", "test_flows.py", "test_user.py")
FILES += ("../colorize/test_guests.py",)


@pytest.mark.timeout(600)
def test_it_behaves_the_same_on_postgres(postgres: str) -> None:
    repeat_on(postgres, [f"tests/accounts/{name}" for name in FILES])
