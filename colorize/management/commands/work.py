"""`manage.py work`: one qcluster, its watchdog and the sweep, and a courier if there are webhooks,
until SIGTERM or Ctrl-C; no process outlives it.
"""

import logging
import signal
import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections
from django.utils import timezone
from django_q.tasks import async_task

from colorize.management.children import Child
from colorize.models import Job, Worker
from colorize.sweep import sweep
from colorize.webhooks.models import Webhook

SWEEP = 10.0  # seconds between two sweeps; django-q's scheduler wakes only every 30
KNOCK = timedelta(seconds=15)  # of silence, then a worker is asked for a sign of life
SILENCE = timedelta(seconds=60)  # then its cluster is dead-locked and is started anew
GRACE = 5.0  # seconds for the cluster to end by itself
PATIENCE = 2.0  # seconds before a cluster that has ended is started again

log = logging.getLogger(__name__)


class Cluster:
    """One qcluster in a process group of its own, which is how its jobs and signs of life are
    known.
    """

    def __init__(self) -> None:
        self.child = Child.start("qcluster", ["manage.py", "qcluster"])
        self.name = f"{socket.gethostname()}:{self.child.process.pid}"
        self.heard = self.knocked = timezone.now()

    def listen(self) -> None:
        """Note the last sign of life; after a while of silence ask for one."""
        beat = Worker.objects.filter(name=self.name).values_list("beat", flat=True).first()
        self.heard = max(self.heard, beat or self.heard)
        now = timezone.now()
        if now - max(self.heard, self.knocked) > KNOCK:
            self.knocked = now
            async_task("colorize.tasks.beat")

    def is_well(self) -> bool:
        return not self.child.ended() and timezone.now() - self.heard < SILENCE

    def stop(self) -> None:
        """SIGTERM to the master alone, then SIGKILL to the whole group: a running photo is not
        waited for.
        """
        self.child.ask()
        deadline = time.monotonic() + GRACE
        while not self.child.ended() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.child.kill()
        with suppress(DatabaseError):  # the row would be forgotten in a day
            Worker.objects.filter(name=self.name).delete()


class Courier:
    """`manage.py deliver`, once an account has a webhook: a site without any is spared the process.
    What it held when it is killed falls due again.
    """

    def __init__(self) -> None:
        self.child: Child | None = None

    def tend(self) -> None:
        if self.child and not self.child.ended():
            return
        if Webhook.objects.filter(enabled=True).exists():
            self.child = Child.start("courier", ["manage.py", "deliver"])

    def ask(self) -> None:
        """To finish what it has begun, while the cluster stops."""
        if self.child:
            self.child.ask()

    def kill(self) -> None:
        if self.child:
            self.child.kill()


class Command(BaseCommand):
    help = "Colour what is queued and delete what is due, until SIGTERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop)
        self.tend()  # what fell due while nothing ran
        cluster, courier = Cluster(), Courier()
        try:
            while not self.stopping.wait(PATIENCE if cluster.child.ended() else SWEEP):
                self.tend(cluster, courier)
                if not cluster.is_well():
                    log.error(
                        "the cluster %s is silent or has ended; starting another", cluster.name
                    )
                    cluster.stop()
                    cluster = Cluster()
        finally:
            courier.ask()
            cluster.stop()
            courier.kill()
            with suppress(DatabaseError):  # the leases would run out
                Job.objects.release(cluster.name)

    def stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping.set()

    def tend(self, cluster: Cluster | None = None, courier: Courier | None = None) -> None:
        """Sweep and listen. A database or disk that is away for a moment must not end the
        watch.
        """
        try:
            close_old_connections()
            sweep()
            if cluster:
                cluster.listen()
            if courier:
                courier.tend()
        except (DatabaseError, OSError):
            log.exception("the sweep could not be finished")
