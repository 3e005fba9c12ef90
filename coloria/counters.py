"""The cache of all limits in Redis. While it cannot be reached they count from nothing, and the
site goes on: a counter that is lost costs nobody anything.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


@contextmanager
def outage() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        log.warning("Redis cannot be reached, limits are not counted: %s", error)


class Counters(RedisCache):
    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        with outage():
            return super().get(key, default, version)
        return default

    def set(self, *args: Any, **options: Any) -> None:
        with outage():
            super().set(*args, **options)

    def add(self, *args: Any, **options: Any) -> bool:
        with outage():
            return super().add(*args, **options)
        return True

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        with outage():
            return super().incr(key, delta, version)
        return delta

    def delete(self, *args: Any, **options: Any) -> bool:
        with outage():
            return super().delete(*args, **options)
        return False
