"""Fair use: how often a visitor may call and how many colour versions they may ask for.

Counted in windows that begin at full minutes and at midnight UTC, in the cache that all processes
share: a counter that a crash loses costs nobody anything.
"""

import ipaddress
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from colorize.record import clock
from ml.errors import QuotaReached

MINUTE, DAY = 60, 86400  # seconds


@dataclass(frozen=True, slots=True)
class Quota:
    """So many of something in a window of so many seconds."""

    name: str
    limit: int
    seconds: int
    whose: str

    def key(self) -> str:
        return f"quota:{self.name}:{self.whose}:{int(time.time()) // self.seconds}"

    def add(self, count: int) -> int:
        """How many there are with these. Atomic, whichever process asks."""
        key = self.key()
        cache.add(key, 0, 2 * self.seconds)
        return int(cache.incr(key, count))

    def used(self) -> int:
        return int(cache.get(self.key(), 0))

    def left(self) -> int:
        return max(0, self.limit - self.used())

    def reset(self) -> int:
        """Seconds until they are counted from nothing again."""
        return self.seconds - int(time.time()) % self.seconds

    def renewed(self) -> datetime:
        return datetime.fromtimestamp(int(time.time()) + self.reset(), UTC)


def whose(user: Any, address: str) -> str:
    """An account, or a guest's address: a network of 64 bits in IPv6, which is one customer."""
    if user is not None and user.is_authenticated:
        return f"account-{user.pk}"
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "guest-unknown"
    if isinstance(found, ipaddress.IPv6Address):
        found = ipaddress.ip_network((found, 64), strict=False).network_address
    return f"guest-{found}"


def calls(user: Any, address: str) -> Quota:
    account = user is not None and user.is_authenticated
    limit = settings.COLORIA_ACCOUNT_CALLS if account else settings.COLORIA_GUEST_CALLS
    return Quota("calls", limit, MINUTE, whose(user, address))


def versions(user: Any, address: str) -> Quota:
    account = user is not None and user.is_authenticated
    limit = settings.COLORIA_ACCOUNT_VERSIONS if account else settings.COLORIA_GUEST_VERSIONS
    return Quota("versions", limit, DAY, whose(user, address))


def of(request: HttpRequest) -> Quota:
    """The colour versions of whoever asks."""
    return versions(request.user, request.META.get("REMOTE_ADDR", ""))


def charge(request: HttpRequest, count: int) -> None:
    """Raises QuotaReached, and then nothing was counted."""
    quota = of(request)
    if quota.add(count) > quota.limit:
        quota.add(-count)
        raise QuotaReached(
            facts={
                "limit": quota.limit,
                "time": clock(quota.renewed()),
                "seconds": quota.reset(),
            }
        )


def panel(request: HttpRequest) -> dict[str, Any]:
    """What templates/_quota.html shows."""
    quota = of(request)
    return {"quota": {"left": quota.left(), "limit": quota.limit, "renewed": quota.renewed()}}
