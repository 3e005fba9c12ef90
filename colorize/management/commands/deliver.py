"""`manage.py deliver`: sends what webhooks are to be told, until SIGTERM or Ctrl-C.

`manage.py work` starts it beside the cluster: photos never wait for somebody else's server, and
this process alone needs a way out of the network.
"""

import logging
import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from colorize.webhooks.courier import Courier

PATIENCE = 5.0  # seconds, when the database is away

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Send what webhooks are to be told, until SIGTERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop)
        while not self.stopping.is_set():
            try:
                close_old_connections()
                Courier().run(self.stopping)
            except DatabaseError:
                log.exception("the database is away")
                self.stopping.wait(PATIENCE)

    def stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping.set()
