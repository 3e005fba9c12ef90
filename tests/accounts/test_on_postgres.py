"""Accounts once more, on PostgreSQL."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

FILES = ("test_defence.py", "test_deletion.py", "test_flows.py", "test_user.py")


@pytest.mark.timeout(600)
def test_it_behaves_the_same_on_postgres(postgres: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLORIA_VAR"}
    files = [*(f"tests/accounts/{name}" for name in FILES), "tests/colorize/test_guests.py"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *files],
        cwd=settings.BASE_DIR,
        env={**environment, "COLORIA_DATABASE_URL": postgres},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-1000:]
