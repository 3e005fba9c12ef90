"""The counters of all limits in a real Redis, as several machines share them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client, override_settings
from redis import Redis

from coloria.environment import counters
from colorize.quotas import Quota
from tests.servers import free_port, repeat

LIMITS = ["tests/colorize/test_api_limits.py", "tests/accounts/test_defence.py"]
COUNT = """
import django; django.setup()
from colorize.quotas import Quota
quota = Quota("calls", 1, 10**9, "account-alice")
print(max(quota.add(1) for _ in range(50)))
"""


@pytest.mark.timeout(300)
def test_limits_hold_the_same_in_redis(redis: str) -> None:
    repeat(LIMITS, COLORIA_CACHE_URL=redis)
    asked = Redis.from_url(redis).info("commandstats")
    assert asked["cmdstat_incrby"]["calls"] > 20, asked  # else they were counted elsewhere


def test_machines_that_share_redis_count_together_and_lose_nothing(
    redis: str, tmp_path: Path
) -> None:
    real = {"DJANGO_SETTINGS_MODULE": "coloria.settings", "COLORIA_CACHE_URL": redis}
    machines = [
        subprocess.Popen(
            [sys.executable, "-c", COUNT],
            cwd=settings.BASE_DIR,
            env={**os.environ, **real, "COLORIA_VAR": str(tmp_path / str(number))},
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    seen = [int(machine.communicate(timeout=60)[0]) for machine in machines]
    assert max(seen) == 150, seen


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/api/v1/models", "/api/v1/jobs"])
def test_the_site_goes_on_while_redis_is_away(
    path: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gone = counters(f"redis://127.0.0.1:{free_port()}/0", tmp_path)
    with override_settings(CACHES={"default": gone}):
        assert Client().get(path).status_code == 200
        quota = Quota("calls", 1, 60, "account-alice")
        assert (quota.add(3), quota.left()) == (3, 1)
    assert "limits are not counted" in caplog.text
