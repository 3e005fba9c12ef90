"""Real transactions on real connections: somebody is first, and nobody is second."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from colorize.models import Job, Photo
from tests.base import empty_media, upload

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 4


@pytest.fixture(autouse=True)
def _clean() -> object:
    yield
    empty_media()


def together(action: Callable[[int], object]) -> list[object]:
    """What several threads get that start at the same moment."""
    start, results = threading.Barrier(CROWD), []

    def run(number: int) -> None:
        start.wait()
        try:
            results.append(action(number))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CROWD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == CROWD
    return results


def send(model: str = "fake") -> Photo:
    answer = Client().post("/api/v1/photos", {"image": upload(), "model": model})
    return Photo.objects.get(pk=answer.json()["id"])


def test_one_of_many_workers_claims_a_job() -> None:
    for _ in range(5):
        job = Job.objects.get(photo=send())
        claims = together(lambda n, job=job: Job.objects.claim(job.pk, f"worker {n}"))
        assert sum(claim is not None for claim in claims) == 1
        assert Job.objects.get(pk=job.pk).attempts == 1


def test_one_of_cancel_and_finish_wins() -> None:
    for _ in range(5):
        claim = Job.objects.claim(Job.objects.get(photo=send()).pk, "worker")
        assert claim is not None

        def end(number: int, claim: Job = claim) -> bool:
            if number % 2:
                return Job.objects.cancel(claim.pk)
            return Job.objects.end(claim.pk, Job.State.DONE, token=claim.token)

        assert together(end).count(True) == 1


def test_the_last_of_several_jobs_starts_the_clock_although_they_end_at_once() -> None:
    photo = send()
    first = Job.objects.get(photo=photo)
    for _ in range(CROWD - 1):
        photo.jobs.create(model="fake", settings={})
    jobs = list(photo.jobs.all())
    before = photo.deadline
    together(lambda n: Job.objects.cancel(jobs[n].pk))
    photo.refresh_from_db()
    assert photo.deadline < before
    assert Job.objects.get(pk=first.pk).state == Job.State.CANCELLED


def test_purging_at_once_is_no_error() -> None:
    photo = send()
    together(lambda n: Photo.objects.get(pk=photo.pk).purge())
    photo.refresh_from_db()
    assert photo.purged is not None


def test_uploads_at_once_are_all_queued() -> None:
    together(lambda n: send())
    assert Job.objects.filter(state=Job.State.QUEUED).count() == CROWD
