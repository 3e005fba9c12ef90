"""Webhook and Delivery. A delivery is one message for one webhook; its row is written in the same
transaction as the change that it tells of.

    waiting --2xx--> delivered
       |----last try failed, or the webhook was turned off----> failed
    delivered, failed --replay--> waiting

A courier claims a delivery by moving `due` beyond the time that one try may take, in one
conditional UPDATE. If it dies, the delivery falls due again: every message arrives at least once.
"""

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from colorize.webhooks import notices, signing

MOST = 5  # webhooks of one account
SECONDS = (5, 60, 300, 1800, 7200, 21600)  # before each further try, give or take a fifth
LEASE = timedelta(minutes=2)  # more than name look-up and request may take
GIVE_UP = timedelta(days=5)  # of failures alone, then a webhook is turned off
OVERLAP = timedelta(hours=24)  # after a rotation both secrets sign
KEPT = timedelta(days=30)  # then a delivery is forgotten
PAUSE = timedelta(seconds=10)  # between two tests, or two replays of one delivery
EXCERPT = 500  # characters of an answer


class TooMany(Exception):
    """An account has as many webhooks as it may have."""


class TooSoon(Exception):
    """The same was asked for a moment ago."""


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def establish(self, owner_id: uuid.UUID, **fields: Any) -> "Webhook":
        """A new webhook. Raises TooMany. The account's row is locked, so that two at once count
        each other.
        """
        with transaction.atomic():
            get_user_model().objects.select_for_update().get(pk=owner_id)
            if self.filter(owner_id=owner_id).count() >= MOST:
                raise TooMany
            return self.create(owner_id=owner_id, **fields)

    def turn_off(self, pk: uuid.UUID, reason: str = "") -> bool:
        """Whether it was on. What still waits fails: the owner may replay it."""
        with transaction.atomic():
            was_on = self.filter(pk=pk, enabled=True).update(enabled=False, reason=reason)
            Delivery.objects.filter(webhook=pk, state=Delivery.State.WAITING).update(
                state=Delivery.State.FAILED, outcome=Delivery.Outcome.OFF
            )
        return was_on == 1


class Webhook(models.Model):
    """An address of an account, and what is told there."""

    class Event(models.TextChoices):
        READY = (
            "photo.ready",
            _("a photo is ready: its last job has ended, at least one is done"),
        )
        DONE = "job.done", _("a job is done")
        FAILED = "job.failed", _("a job has failed")
        DELETED = "photo.deleted", _("a photo and its colours were deleted")

    class Reason(models.TextChoices):
        OWNER = "", _("turned off by you")
        GONE = "gone", _("turned off because the address answered 410 Gone")
        FAILING = "failing", _("turned off after five days of failures")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks"
    )
    url = models.CharField(_("address"), max_length=500)
    events = models.JSONField(_("events"), default=list)
    description = models.CharField(_("description"), max_length=200, blank=True)
    enabled = models.BooleanField(_("on"), default=True)
    reason = models.CharField(max_length=10, blank=True, choices=Reason, editable=False)
    site = models.CharField(max_length=300, editable=False)  # links in messages begin with it
    language = models.CharField(max_length=10, default=get_language, editable=False)  # of mails
    salt = models.CharField(max_length=32, default=signing.new_salt, editable=False)
    old_salt = models.CharField(max_length=32, blank=True, editable=False)
    rotated = models.DateTimeField(null=True, editable=False)
    failing = models.DateTimeField(null=True, editable=False)  # since the first failure in a row
    created = models.DateTimeField(_("created"), default=timezone.now)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["created", "id"]
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def secret(self) -> str:
        """Shown when it is new, and never again."""
        return signing.secret(self.salt)

    def salts(self) -> list[str]:
        """Of the secrets that sign at present, the newest first."""
        overlap = self.rotated and self.rotated > timezone.now() - OVERLAP
        return [self.salt, self.old_salt] if overlap else [self.salt]

    def rotate(self) -> None:
        self.old_salt, self.salt, self.rotated = self.salt, signing.new_salt(), timezone.now()
        self.save(update_fields=["salt", "old_salt", "rotated"])

    def switch(self, on: bool) -> None:
        """By the owner. Turned on, it starts with a clean record."""
        if on and not self.enabled:
            self.enabled, self.reason, self.failing = True, "", None
            self.save(update_fields=["enabled", "reason", "failing"])
        elif not on and self.enabled:
            Webhook.objects.turn_off(self.pk)
            self.refresh_from_db(fields=["enabled", "reason"])


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self) -> "DeliveryQuerySet":
        return self.filter(state=Delivery.State.WAITING, due__lte=timezone.now())

    def claim(self, pk: uuid.UUID) -> "Delivery | None":
        """Take a due delivery for one try, or None if somebody else was first."""
        taken = (
            self.due()
            .filter(pk=pk)
            .update(due=timezone.now() + LEASE, attempts=F("attempts") + 1, tries=F("tries") + 1)
        )
        return self.select_related("webhook").get(pk=pk) if taken else None

    def held(self, delivery: "Delivery") -> "DeliveryQuerySet":
        """The delivery while this claim of it holds: another one would have counted on."""
        return self.filter(pk=delivery.pk, attempts=delivery.attempts, state=Delivery.State.WAITING)

    def arrived(self, delivery: "Delivery", status: int, answer: str) -> None:
        told = {"status": status, "answer": answer[:EXCERPT], "outcome": "", "told": timezone.now()}
        if self.held(delivery).update(state=Delivery.State.DELIVERED, **told):
            Webhook.objects.filter(pk=delivery.webhook_id).update(failing=None)

    def missed(
        self, delivery: "Delivery", outcome: str, status: int | None = None, answer: str = ""
    ) -> None:
        """A try that failed: again later, or never. A webhook that only fails is turned off."""
        now = timezone.now()
        told = {"status": status, "answer": answer[:EXCERPT], "outcome": outcome, "told": now}
        next_try = delivery.next_try(now)
        state = Delivery.State.WAITING if next_try else Delivery.State.FAILED
        if not self.held(delivery).update(state=state, due=next_try or now, **told):
            return
        delivery.outcome, delivery.status = outcome, status
        webhook = Webhook.objects.filter(pk=delivery.webhook_id)
        webhook.filter(failing=None).update(failing=now)
        if outcome == Delivery.Outcome.GONE:
            self.give_up(delivery, Webhook.Reason.GONE)
        elif webhook.filter(failing__lt=now - GIVE_UP).exists():
            self.give_up(delivery, Webhook.Reason.FAILING)

    def give_up(self, delivery: "Delivery", reason: Webhook.Reason) -> None:
        """Turn its webhook off; the owner, who may not look at the page, is told once."""
        if Webhook.objects.turn_off(delivery.webhook_id, reason):
            notices.turned_off(delivery, reason)

    def replay(self, delivery: "Delivery") -> None:
        """Send it once more, now, with the same id. Raises TooSoon."""
        now = timezone.now()
        rested = Q(replayed=None) | Q(replayed__lt=now - PAUSE)
        if not self.filter(rested, pk=delivery.pk).update(
            state=Delivery.State.WAITING, due=now, tries=0, outcome="", replayed=now
        ):
            raise TooSoon
        delivery.refresh_from_db()

    def forget(self) -> int:
        return self.filter(created__lt=timezone.now() - KEPT).delete()[0]


class Delivery(models.Model):
    """One message for one webhook."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")

    class Outcome(models.TextChoices):
        """Why a try failed."""

        REFUSED = "refused", _("the address is not public, or not https")
        UNRESOLVED = "unresolved", _("the name of the server was not found")
        UNREACHABLE = "unreachable", _("no connection, or it broke off")
        TLS = "tls", _("no secure connection: the certificate was not accepted")
        TIMED_OUT = "timed_out", _("no answer within ten seconds")
        STATUS = "status", _("answered with a status that is not 2xx")
        REDIRECT = "redirect", _("answered with a redirect, which is not followed")
        GONE = "gone", _("answered 410 Gone")
        OFF = "off", _("the webhook was turned off")
        INTERNAL = "internal", _("something went wrong on our side")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(_("event"), max_length=20)
    body = models.TextField()  # exactly what is signed and sent, at every try
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    due = models.DateTimeField(_("next try"), default=timezone.now)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    tries = models.PositiveIntegerField(default=0, editable=False)  # since the last replay
    told = models.DateTimeField(_("last attempt"), null=True)
    outcome = models.CharField(_("error"), max_length=12, blank=True, choices=Outcome)
    status = models.PositiveSmallIntegerField(_("status"), null=True)  # HTTP
    answer = models.CharField(_("answer"), max_length=EXCERPT, blank=True)  # its beginning
    created = models.DateTimeField(_("created"), default=timezone.now)
    replayed = models.DateTimeField(null=True, editable=False)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "id"]
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes = [
            models.Index(fields=["state", "due"]),
            models.Index(fields=["webhook", "-created"]),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.event} {self.state}"

    def next_try(self, now: datetime) -> datetime | None:
        """Nobody's fault if thousands fail at once, so they do not all come back at once."""
        if self.tries > len(SECONDS):
            return None
        return now + timedelta(seconds=SECONDS[self.tries - 1] * random.uniform(0.8, 1.2))
