"""`?wait=20`: an answer that comes when the colours do, or when the time is up."""

import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.request import Request

MOST = 30  # seconds
LOOK = 0.25  # seconds between two looks

# Who waits holds a thread of the web server. There are few, so only some may; the others are
# answered at once, as if they had not asked to wait.
slots = threading.BoundedSemaphore(settings.COLORIA_WAITERS)


class WaitQuery(serializers.Serializer[Any]):
    wait = serializers.FloatField(
        min_value=0,
        max_value=MOST,
        required=False,
        help_text="Seconds to hold the answer until the jobs have ended. Where many wait, the "
        "answer comes at once.",
    )


def seconds(request: Request) -> float:
    """Raises ValidationError."""
    query = WaitQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    return float(query.validated_data.get("wait", 0))


def until(ended: Callable[[], bool], patience: float) -> None:
    if patience <= 0 or ended() or not slots.acquire(blocking=False):
        return
    try:
        deadline = time.monotonic() + patience
        while not ended() and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(LOOK, left))
    finally:
        slots.release()
