"""The mail to the owner of a webhook that failed until it was turned off."""

import logging
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

if TYPE_CHECKING:  # colorize.webhooks.models imports this module
    from colorize.webhooks.models import Delivery, Webhook

log = logging.getLogger(__name__)


def turned_off(delivery: "Delivery", reason: "Webhook.Reason") -> None:
    """Tell which, why, and how to turn it on, in the language in which the webhook was made. A mail
    that cannot be sent is logged: messages to others go on.
    """
    webhook = delivery.webhook
    page = urljoin(webhook.site, reverse("webhook", args=[webhook.pk]))
    with translation.override(webhook.language):
        context = {
            "webhook": webhook,
            "reason": reason.label,
            "delivery": delivery,
            "page": page,
            "current_site": {"domain": urlsplit(webhook.site).netloc},
        }
        subject = render_to_string("account/email/webhook_off_subject.txt", context).strip()
        text = render_to_string("account/email/webhook_off_message.txt", context)
    try:
        send_mail(subject, text, None, [webhook.owner.email])
    except OSError:  # smtplib's errors are such, too
        log.exception("webhook %s: its owner could not be told that it is off", webhook.pk)
