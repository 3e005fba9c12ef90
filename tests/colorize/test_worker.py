"""A real worker: the cluster, its watchdog, the model host and the database between them (S185)."""

import os
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from colorize.models import Job, Photo, Worker
from tests.base import empty_media, media, upload
from tests.colorize.worker import Work, wait_until
from tests.fakes import DIE, SLEEP

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc"),
]


@pytest.fixture
def work() -> Iterator[Work]:
    started = Work()
    yield started
    said = started.said()
    started.close()
    empty_media()
    connections.close_all()
    print(said)  # noqa: T201  pytest shows it when the test fails


def send(seed: int = 0) -> Photo:
    answer = Client().post("/api/v1/photos", {"image": upload(), "model": "fake", "seed": seed})
    assert answer.status_code == 202, answer.content
    return Photo.objects.get(pk=answer.json()["id"])


def state(photo: Photo) -> str:
    return Job.objects.get(photo=photo).state


def test_it_colours_fails_survives_and_stops(work: Work) -> None:
    """One bad photo costs itself; a killed model host and a killed worker cost nobody else."""
    good = send()
    wait_until(lambda: state(good) == "done")

    killer, next_one = send(DIE), send()
    wait_until(lambda: state(next_one) == "done")
    assert (state(killer), Job.objects.get(photo=killer).code) == ("failed", "out_of_memory")

    slow = send(SLEEP)
    wait_until(lambda: state(slow) == "running")
    os.kill(work.worker(), signal.SIGKILL)
    job = Job.objects.get(photo=slow)
    Job.objects.filter(pk=job.pk).update(  # as if its lease had run out, and it would now be fast
        lease=timezone.now() - timedelta(seconds=1), settings={"seed": 0}
    )
    wait_until(lambda: state(slow) == "done")
    assert Job.objects.get(photo=slow).attempts == 2
    work.stop()


def test_a_cancel_ends_the_run_within_two_seconds(work: Work) -> None:
    slow = send(SLEEP)
    wait_until(lambda: len(media()) == 2)  # the preview: the model host is at it
    (host,) = work.model_hosts()
    Photo.objects.get(pk=slow.pk).purge()
    assert media() == []
    wait_until(lambda: host not in work.model_hosts(), 2.0)
    after = send()
    wait_until(lambda: state(after) == "done")


def test_a_stop_in_the_middle_leaves_no_process_and_gives_the_job_back(work: Work) -> None:
    slow = send(SLEEP)
    wait_until(lambda: state(slow) == "running" and bool(work.model_hosts()))
    work.stop(signal.SIGINT)
    job = Job.objects.get(photo=slow)
    assert (job.state, job.attempts) == ("queued", 0)


def test_files_are_gone_soon_after_a_restart() -> None:
    photo = send()
    Job.objects.cancel(Job.objects.get(photo=photo).pk)
    Photo.objects.update(deadline=timezone.now() - timedelta(hours=1))
    assert media()
    work = Work()
    try:
        wait_until(lambda: not media(), 30.0)
    finally:
        work.close()


def test_a_killed_cluster_is_started_again(work: Work) -> None:
    wait_until(lambda: Worker.objects.exists())
    name = Worker.objects.get().name
    os.killpg(int(name.rpartition(":")[2]), signal.SIGKILL)
    photo = send()
    wait_until(lambda: state(photo) == "done")
    assert not Worker.objects.filter(name=name).exists()


def test_nothing_outlives_a_killed_watchdog(work: Work) -> None:
    wait_until(lambda: Worker.objects.exists())
    work.process.kill()
    wait_until(lambda: not work.processes(), 15.0)
