"""Webhooks once more, on PostgreSQL."""

import pytest

from tests.servers import repeat_on

FILES = ("test_api.py", "test_courier.py", "test_deliveries.py", "test_events.py")
FILES += ("test_notices.py",)


@pytest.mark.timeout(600)
def test_it_behaves_the_same_on_postgres(postgres: str) -> None:
    repeat_on(postgres, [f"tests/colorize/webhooks/{name}" for name in FILES])
