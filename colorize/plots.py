"""Bars over hours as an inline drawing: where they lie, computed once."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.utils import timezone

WIDTH, HEIGHT = 480, 150  # units of the drawing
LEFT, RIGHT, BOTTOM, TOP = 36, 14, 22, 10  # room for numbers, half an hour's text, the hours
GAP = 3  # between two bars
EVERY = 6  # hours between two labels
NICE = (1, 2, 5)  # the axis ends at one of these times a power of ten


@dataclass(frozen=True, slots=True)
class Bar:
    hour: datetime
    count: int
    x: float
    y: float
    width: float
    height: float
    labelled: bool

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def ceiling(count: int) -> int:
    """The least round number that is not below."""
    power = 1
    while True:
        for nice in NICE:
            if nice * power >= count:
                return nice * power
        power *= 10


@dataclass(frozen=True)
class Plot:
    counts: list[tuple[datetime, int]]

    width = WIDTH
    height = HEIGHT
    left = LEFT
    floor = HEIGHT - BOTTOM

    @cached_property
    def total(self) -> int:
        return sum(count for _, count in self.counts)

    @cached_property
    def most(self) -> tuple[datetime, int]:
        return max(self.counts, key=lambda one: one[1])

    @cached_property
    def top(self) -> int:
        return ceiling(self.most[1])

    @cached_property
    def lines(self) -> list[tuple[float, int]]:
        """Where the axis has a number: half and whole, or the whole alone."""
        numbers = [self.top // 2, self.top] if self.top % 2 == 0 else [self.top]
        return [(self.y(number), number) for number in numbers]

    def y(self, count: int) -> float:
        return round(self.floor - (self.floor - TOP) * count / self.top, 1)

    @cached_property
    def bars(self) -> list[Bar]:
        step = (WIDTH - LEFT - RIGHT) / len(self.counts)
        return [
            Bar(
                hour,
                count,
                round(LEFT + n * step + GAP / 2, 1),
                self.y(count),
                round(step - GAP, 1),
                round(self.floor - self.y(count), 1),
                timezone.localtime(hour).hour % EVERY == 0,
            )
            for n, (hour, count) in enumerate(self.counts)
        ]
