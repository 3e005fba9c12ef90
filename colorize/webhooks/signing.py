"""Signatures as https://www.standardwebhooks.com/ describes them.

A secret is not stored. It is derived from SECRET_KEY and a salt in the webhook's row, so the
database alone signs nothing, and no key has to be wrapped by another.
"""

import base64
import hmac
import secrets
from collections.abc import Iterable

from django.utils.crypto import salted_hmac

PREFIX = "whsec_"


def new_salt() -> str:
    return secrets.token_hex(16)


def secret(salt: str) -> str:
    """What the owner is shown: 32 bytes, as base64 behind the prefix."""
    key = salted_hmac("colorize.webhooks", salt, algorithm="sha256").digest()
    return PREFIX + base64.b64encode(key).decode()


def signature(secret: str, pk: str, timestamp: int, body: str) -> str:
    """One version 1 signature of a message: HMAC-SHA256, base64."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.digest(key, f"{pk}.{timestamp}.{body}".encode(), "sha256")
    return "v1," + base64.b64encode(signed).decode()


def headers(salts: Iterable[str], pk: str, timestamp: int, body: str) -> dict[str, str]:
    """The three headers of a message, signed once for each secret that is valid."""
    signed = [signature(secret(salt), pk, timestamp, body) for salt in salts]
    return {
        "webhook-id": pk,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signed),
    }
