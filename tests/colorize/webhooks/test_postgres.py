"""Webhooks once more, on PostgreSQL."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

FILES = ("test_api.py", "test_courier.py", "test_deliveries.py", "test_events.py")


@pytest.mark.timeout(600)
def test_it_behaves_the_same_on_postgres(postgres: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLORIA_VAR"}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *(f"tests/colorize/webhooks/{n}" for n in FILES)],
        cwd=settings.BASE_DIR,
        env={**environment, "COLORIA_DATABASE_URL": postgres},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-1000:]
