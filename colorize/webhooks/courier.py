"""Delivers what is due, a few messages at a time and one per webhook, so that a slow receiver holds
up nobody else. Only this thread talks to the database; the others do requests and nothing else.
"""

import logging
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from colorize.webhooks import outbound, signing
from colorize.webhooks.models import Delivery
from colorize.webhooks.outbound import Answer, Undelivered

HANDS = 8  # requests at the same time
LOOK = 1.0  # seconds between two looks at the database

log = logging.getLogger(__name__)


class Courier:
    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(HANDS, thread_name_prefix="courier")
        self.under_way: dict[Future[Answer], Delivery] = {}

    def run(self, stopping: threading.Event) -> None:
        """Until told to stop; then what is under way is waited for and written down."""
        try:
            while not stopping.is_set():
                self.take()
                if self.under_way:
                    wait(self.under_way, timeout=LOOK, return_when=FIRST_COMPLETED)
                else:
                    stopping.wait(LOOK)
                self.note()
        finally:
            self.pool.shutdown()
            self.note()

    def take(self) -> None:
        """Claim what is due while hands are free."""
        while len(self.under_way) < HANDS:
            busy = [delivery.webhook_id for delivery in self.under_way.values()]
            due = Delivery.objects.due().exclude(webhook__in=busy).order_by("due")
            pk = due.values_list("pk", flat=True).first()
            if pk is None:
                return
            if delivery := Delivery.objects.claim(pk):
                self.under_way[self.pool.submit(send, delivery)] = delivery

    def note(self) -> None:
        """Write down how those went that are back."""
        for future in [future for future in self.under_way if future.done()]:
            conclude(self.under_way[future], future)
            del self.under_way[future]


def send(delivery: Delivery) -> Answer:
    """One try. Signed anew, because the receiver compares the time with its clock."""
    salts = delivery.webhook.salts()
    signed = signing.headers(salts, str(delivery.pk), int(time.time()), delivery.body)
    told = {"Content-Type": "application/json", "User-Agent": "COLORIA-Webhooks/1"}
    return outbound.post(delivery.webhook.url, delivery.body, told | signed)


def conclude(delivery: Delivery, future: Future[Answer]) -> None:
    error = future.exception()
    if error is None:
        receive(delivery, future.result())
    elif isinstance(error, Undelivered):
        log.info("delivery %s: %s: %s", delivery.pk, error.reason, error.detail)
        Delivery.objects.missed(delivery, error.reason)
    else:
        log.error("delivery %s", delivery.pk, exc_info=error)
        Delivery.objects.missed(delivery, Delivery.Outcome.INTERNAL)


def receive(delivery: Delivery, answer: Answer) -> None:
    text = "".join(c if c.isprintable() else " " for c in answer.text)  # PostgreSQL has no NUL
    if 200 <= answer.status < 300:
        Delivery.objects.arrived(delivery, answer.status, text)
    else:
        Delivery.objects.missed(delivery, outcome(answer.status), answer.status, text)


def outcome(status: int) -> Delivery.Outcome:
    if status == 410:
        return Delivery.Outcome.GONE
    return Delivery.Outcome.REDIRECT if 300 <= status < 400 else Delivery.Outcome.STATUS
