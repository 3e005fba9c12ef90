"""The history page of an account with 10,000 rows: queries and milliseconds, filter by filter.

    python benchmarks/history.py [--rows N] [--others N] [--times N]

Rows are generated into a database of its own (COLORIA_DATABASE_URL names another server's; it must
be empty). As many rows again belong to other accounts and guests.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

PAGES = {
    "newest": "",
    "last page": "?page=9999",
    "model": "?model=zhang-eccv16",
    "state": "?state=failed",
    "live": "?state=live",
    "date": "?since=2026-03-01&until=2026-03-31",
    "all three": "?model=coloria&state=done&since=2026-02-01&until=2026-06-30",
    "all three, rare": "?model=cnn&state=cancelled&since=2026-01-01",
    "all three, page 40": "?model=coloria&state=done&since=2025-01-01&page=40",
}
BATCH = 2000
QUERIES, MILLISECONDS = 10, 150  # the most that is allowed


def start(folder):
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coloria.settings")
    os.environ["COLORIA_VAR"] = folder
    os.environ["COLORIA_ALLOWED_HOSTS"] = "testserver"
    from django.core.management import call_command

    import coloria.wsgi  # noqa: F401 (as a server starts)

    call_command("migrate", verbosity=0)


def generate(count, belongings, now):
    """Photos with one version each, every tenth with all eleven; the newest are still here."""
    from colorize.models import Job, Photo
    from ml import registry

    models = list(registry.MODELS)
    for first in range(0, count, BATCH):
        photos = [
            Photo(
                **belongings(n), name=f"scan_{n:05}.tif", format="TIFF", width=4000, height=3000,
                bytes=12_000_000, created=now - timedelta(minutes=50 * n),
                deadline=now - timedelta(minutes=50 * n - 20), purged=None if n == 0 else now,
                preview="undrawn",
            )
            for n in range(first, min(first + BATCH, count))
        ]  # fmt: skip
        Photo.objects.bulk_create(photos)
        jobs = []
        for n, photo in enumerate(photos, first):
            used = models if n % 10 == 0 else [models[n % 3]]
            for model in used:
                outcome = ("cancelled", "failed")[n % 2] if n % 50 < 2 else "done"
                jobs.append(
                    Job(
                        photo=photo, model=model, state="expired", outcome=outcome, seconds=2.5,
                        code="timed_out" if outcome == "failed" else "", weights="0" * 64,
                        settings={"strength": 1.0, "seed": n}, created=photo.created,
                    )
                )  # fmt: skip
        Job.objects.bulk_create(jobs, batch_size=BATCH)


def measure(client, path, times):
    """Queries, milliseconds and those of the processor, which a busy machine changes less; each
    request goes through the whole stack of middleware.
    """
    from django.db import connection

    asked = []

    def count(execute, sql, *rest):
        asked.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        answer = client.get(path)
    assert answer.status_code == 200, answer.status_code
    took, worked = [], []
    for _ in range(times):
        begun, at_work = time.perf_counter(), time.process_time()
        client.get(path)
        took.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - at_work) * 1000)
    late = sorted(took)[int(len(took) * 0.95)]
    return len(asked), statistics.median(took), late, statistics.median(worked)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--others", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coloria-bench-") as folder:
        start(folder)
        return report(options)


def report(options):
    from django.contrib.auth import get_user_model
    from django.test import Client
    from django.utils import timezone

    from colorize.visitors import TOKEN

    users = get_user_model().objects
    alice, bob = users.create_user("alice@example.org"), users.create_user("bob@example.org")
    now = timezone.now()
    generate(options.rows, lambda n: {"owner": alice}, now)
    generate(options.others, lambda n: {"owner": bob} if n % 2 else {"guest": f"{n % 97}"}, now)
    client = Client()
    client.force_login(alice)
    session = client.session
    session[TOKEN] = "one who was a guest before"  # the list then asks for both
    session.save()
    sys.stdout.write(f"{'history/':<24}{'queries':>8}{'median ms':>11}{'p95 ms':>9}{'cpu ms':>9}\n")
    slow = 0
    for name, query in PAGES.items():
        queries, median, late, worked = measure(client, f"/history/{query}", options.times)
        slow += queries > QUERIES or late > MILLISECONDS
        sys.stdout.write(f"{name:<24}{queries:8}{median:11.1f}{late:9.1f}{worked:9.1f}\n")
    for kind in ("csv", "json"):
        begun = time.perf_counter()
        size = len(client.get(f"/history/export.{kind}").getvalue())
        took = time.perf_counter() - begun
        sys.stdout.write(f"export as {kind:<14}{size / 1e6:8.1f} MB in {took:.1f} s\n")
    return slow


if __name__ == "__main__":
    sys.exit(main())
