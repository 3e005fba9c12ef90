"""The administration with 100,000 jobs: queries and milliseconds per page, median of 15.

Run `python benchmarks/admin.py [--jobs N] [--days D]`. COLORIA_DATABASE_URL names another empty
database than the temporary SQLite file; it is filled and left behind.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

ROUNDS = 15
BATCH = 2000
USERS = 500
CODES = ("out_of_memory", "timed_out", "internal", "bad_image")
PAGES = {
    "first page": "/admin/",
    "jobs": "/admin/colorize/job/",
    "jobs, far page": "/admin/colorize/job/?p=200",
    "jobs of a user": "/admin/colorize/job/?user=user7@example.org",
    "jobs, failed, of a model": "/admin/colorize/job/?model=coloria&outcome=failed",
    "jobs, code, past day": "/admin/colorize/job/?code=timed_out&when=24",
    "photos": "/admin/colorize/photo/",
    "photos with a code": "/admin/colorize/photo/?code=timed_out",
}


def rows(jobs: int, days: float, users: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Photos with a job each, spread evenly; 4 % failed, the newest 40 still in the queue."""
    from django.utils import timezone

    from colorize.models import Job, Photo

    chance, now = random.Random(0), timezone.now()
    for n in range(jobs):
        created = now - timedelta(days=days * n / jobs)
        waits, failed = n < 40, chance.random() < 0.04
        ended = None if waits else created + timedelta(seconds=3)
        photo = Photo(
            owner=chance.choice(users), name="a.jpg", format="JPEG", width=1500, height=1000,
            bytes=1, created=created, deadline=created + timedelta(minutes=70),
            purged=None if waits else created + timedelta(minutes=10),
        )  # fmt: skip
        job = Job(
            photo=photo, model=chance.choice(("coloria", "stable-x", "artistic-x")),
            state="queued" if waits else "expired",
            outcome="" if waits else ("done", "failed")[failed],
            code=chance.choice(CODES) if failed and not waits else "", created=created,
            started=ended, finished=ended, seconds=chance.lognormvariate(0, 0.5),
        )  # fmt: skip
        yield photo, job


def fill(jobs: int, days: float) -> None:
    from django.contrib.auth import get_user_model

    from colorize.models import Job, Photo

    User = get_user_model()
    users = User.objects.bulk_create(User(email=f"user{n}@example.org") for n in range(USERS))
    found = rows(jobs, days, users)
    while batch := list(islice(found, BATCH)):
        Photo.objects.bulk_create(photo for photo, _ in batch)
        Job.objects.bulk_create(job for _, job in batch)


def measure(client: Any, address: str) -> tuple[int, float, float]:
    """Queries; median milliseconds by the clock and of this process, which no neighbour delays."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    assert client.get(address).status_code == 200, address
    with CaptureQueriesContext(connection) as asked:
        client.get(address)
    queries = len(asked)
    took, worked = [], []
    for _ in range(ROUNDS):
        started, begun = time.perf_counter(), time.process_time()
        client.get(address)
        took.append(1000 * (time.perf_counter() - started))
        worked.append(1000 * (time.process_time() - begun))
    return queries, statistics.median(took), statistics.median(worked)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--days", type=float, default=30.0, help="over which they are spread")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as var:
        os.environ["COLORIA_VAR"] = var
        os.environ["DJANGO_SETTINGS_MODULE"] = "coloria.settings"
        import django

        django.setup()
        from django.contrib.auth import get_user_model
        from django.core.management import call_command
        from django.db import connection
        from django.test import Client

        call_command("migrate", verbosity=0)
        fill(options.jobs, options.days)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        client = Client(SERVER_NAME="localhost")
        client.force_login(
            get_user_model().objects.create_superuser(f"admin{time.time_ns()}@example.org")
        )
        out = sys.stdout.write
        out(f"{options.jobs} jobs over {options.days:g} days, {connection.vendor}\n")
        out("| page | queries | median ms | of them CPU |\n|---|---|---|---|\n")
        for title, address in PAGES.items():
            queries, took, worked = measure(client, address)
            out(f"| {title} | {queries} | {took:.0f} | {worked:.0f} |\n")


if __name__ == "__main__":
    main()
