"""Real transactions, real processes: one courier of many has a message, and a killed one loses
none.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from accounts.models import User
from colorize.management.commands.work import Courier as Supervisor
from colorize.webhooks import courier, signing
from colorize.webhooks.courier import Courier
from colorize.webhooks.models import MOST, Delivery, TooMany, Webhook
from colorize.webhooks.outbound import Answer
from tests.colorize.test_races import CROWD, together
from tests.colorize.webhooks.receiver import Receiver, receiving
from tests.colorize.worker import database_url, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    connections.close_all()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def webhook(receiver: Receiver | None = None, owner: User | None = None) -> Webhook:
    owner = owner or User.objects.create_user(f"alice{time.monotonic_ns()}@example.com")
    url = f"http://127.0.0.1:{receiver.port}/" if receiver else "https://hooks.example.com/"
    return Webhook.objects.establish(owner.pk, url=url, events=[], site="")


def message(of: Webhook, **fields: Any) -> Delivery:
    body = json.dumps({"type": "test"})
    return Delivery.objects.create(webhook=of, event="test", body=body, **fields)


def test_one_of_many_couriers_claims_a_message() -> None:
    of = webhook()
    for _ in range(5):
        delivery = message(of)
        claims = together(lambda n, delivery=delivery: Delivery.objects.claim(delivery.pk))
        assert sum(claim is not None for claim in claims) == 1
        assert Delivery.objects.get(pk=delivery.pk).attempts == 1


def test_many_couriers_send_each_message_once(receiver: Receiver, settings: Any) -> None:
    settings.COLORIA_WEBHOOK_HOSTS = ["127.0.0.1"]
    for _ in range(3):
        of = webhook(receiver)
        for _ in range(4):
            message(of)
    stopping = threading.Event()
    watch = threading.Timer(20, stopping.set)
    watch.start()

    def run(number: int) -> None:
        one = Courier()
        while Delivery.objects.filter(state="waiting").exists() and not stopping.is_set():
            one.take()
            time.sleep(0.02)
            one.note()
        one.pool.shutdown()
        one.note()

    together(run)
    watch.cancel()
    ids = [headers["webhook-id"] for _, headers, _ in receiver.came]
    assert len(ids) == len(set(ids)) == 12
    assert set(Delivery.objects.values_list("state", "attempts")) == {("delivered", 1)}


def test_the_sixth_webhook_of_many_at_once_is_refused() -> None:
    owner = User.objects.create_user("alice")
    for _ in range(MOST - 1):
        webhook(owner=owner)

    def establish(number: int) -> bool:
        try:
            webhook(owner=owner)
        except TooMany:
            return False
        return True

    assert together(establish).count(True) == 1
    assert Webhook.objects.count() == MOST and CROWD > 1


def test_a_slow_receiver_holds_up_nobody_else() -> None:
    """One message per webhook at a time, however many wait."""
    slow, quick = webhook(), webhook()
    for _ in range(20):
        message(slow)
    last = message(quick)
    release, sent = threading.Event(), list[Any]()

    def send(delivery: Delivery) -> Answer:
        sent.append(delivery.webhook_id)
        if delivery.webhook_id == slow.pk:
            release.wait(10)
        return Answer(200, "")

    with mock.patch.object(courier, "send", send):
        one = Courier()
        one.take()
        wait_until(lambda: len(sent) == 2, 5)
        one.note()
        last.refresh_from_db()
        assert sorted(sent, key=str) == sorted([slow.pk, quick.pk], key=str)
        assert last.state == "delivered" and len(one.under_way) == 1
        release.set()
        one.pool.shutdown()
        one.note()


@pytest.fixture
def deliver() -> Iterator[Any]:
    """Starts `manage.py deliver` on the database of this test."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "COLORIA_DATABASE_URL": database_url(),
            "COLORIA_WEBHOOK_HOSTS": "127.0.0.1",
            "COLORIA_SECRET_KEY": settings.SECRET_KEY,
        }
        command = [sys.executable, "manage.py", "deliver"]
        started.append(subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_the_process_delivers_survives_kill_and_stops(deliver: Any, receiver: Receiver) -> None:
    first = message(of := webhook(receiver))
    process = deliver()
    wait_until(lambda: Delivery.objects.get(pk=first.pk).state == "delivered")
    ((_, headers, body),) = receiver.came
    signed = signing.headers(of.salts(), str(first.pk), int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == signed["webhook-signature"]
    assert body == first.body and headers["user-agent"] == "COLORIA-Webhooks/1"

    receiver.pause = 0.5  # it answers for longer than we wait
    second = message(of)
    wait_until(lambda: len(receiver.came) == 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    receiver.pause = 0.0
    assert Delivery.objects.get(pk=second.pk).state == "waiting"
    Delivery.objects.filter(pk=second.pk).update(due=timezone.now() - timedelta(seconds=1))
    process = deliver()
    wait_until(lambda: Delivery.objects.get(pk=second.pk).state == "delivered")
    assert [headers["webhook-id"] for _, headers, _ in receiver.came[1:]] == [str(second.pk)] * 2
    process.terminate()
    assert process.wait(15) == 0


def test_a_site_without_webhooks_is_spared_the_process() -> None:
    supervisor = Supervisor()
    with mock.patch("colorize.management.commands.work.Child.start") as start:
        supervisor.tend()
        start.assert_not_called()
        webhook()
        supervisor.tend()
        start.assert_called_once_with("courier", ["manage.py", "deliver"])
        start.return_value.ended.return_value = False
        supervisor.tend()
        assert start.call_count == 1
        start.return_value.ended.return_value = True
        supervisor.tend()
        assert start.call_count == 2
