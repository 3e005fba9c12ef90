"""A small plane to draw on: SVG as text, coloured by the page's own style sheet."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH = 440  # units of the drawing; a phone shows 12 of them as about 10 px
Span = tuple[float, float]


@dataclass(slots=True)
class Axes:
    """A drawing with one unit system: x to the right, y upwards unless the span is turned round."""

    x: Span
    y: Span
    height: int = 300
    left: int = 46
    right: int = 14
    top: int = 14
    bottom: int = 44
    marks: list[str] = field(default_factory=list)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Units of the data to units of the drawing."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return (
            self.left + across * (WIDTH - self.left - self.right),
            self.height - self.bottom - up * (self.height - self.top - self.bottom),
        )

    def line(self, start: Span, end: Span, kind: str) -> None:
        (x1, y1), (x2, y2) = self.at(*start), self.at(*end)
        self.marks.append(
            f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
        )

    def dot(self, x: float, y: float, kind: str, said: str = "", radius: float = 2.5) -> None:
        """`said` is shown when the pointer rests on it."""
        cx, cy = self.at(x, y)
        inside = f"<title>{escape(said)}</title>" if said else ""
        self.marks.append(
            f'<circle class="{kind}" cx="{cx:.1f}" cy="{cy:.1f}" r="{radius}">{inside}</circle>'
        )

    def box(self, corner: Span, other: Span, kind: str, said: str = "") -> None:
        (x1, y1), (x2, y2) = self.at(*corner), self.at(*other)
        inside = f"<title>{escape(said)}</title>" if said else ""
        self.marks.append(
            f'<rect class="{kind}" x="{min(x1, x2):.1f}" y="{min(y1, y2):.1f}" '
            f'width="{abs(x2 - x1):.1f}" height="{abs(y2 - y1):.1f}">{inside}</rect>'
        )

    def path(self, points: Sequence[Span], kind: str) -> None:
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*point) for point in points))
        self.marks.append(f'<polyline class="{kind}" points="{joined}"/>')

    def text(
        self,
        x: float,
        y: float,
        words: str,
        kind: str = "",
        shift: Span = (0.0, 0.0),
        anchor: str = "start",
    ) -> None:
        left, top = self.at(x, y)
        self.marks.append(
            f'<text class="{kind}" x="{left + shift[0]:.1f}" y="{top + shift[1]:.1f}" '
            f'text-anchor="{anchor}">{escape(words)}</text>'
        )

    def scale_x(self, words: str, share: bool = False) -> None:
        low = self.y[0]
        for value in steps(*self.x):
            self.line((value, low), (value, self.y[1]), "grid")
            self.text(value, low, tick(value, share), "tick", (0, 15), "middle")
        self.text(sum(self.x) / 2, low, words, "axis", (0, 34), "middle")

    def scale_y(self, words: str) -> None:
        for value in steps(*self.y):
            self.line((self.x[0], value), (self.x[1], value), "grid")
            self.text(self.x[0], value, tick(value), "tick", (-6, 4), "end")
        left, top = self.at(self.x[0], sum(self.y) / 2)
        x, y = left - 32, top
        self.marks.append(
            f'<text class="axis" x="{x:.1f}" y="{y:.1f}" text-anchor="middle" '
            f'transform="rotate(-90 {x:.1f} {y:.1f})">{escape(words)}</text>'
        )

    def svg(self, name: str, said: str) -> str:
        """The drawing; `name` and `said` are what a screen reader reads instead of it."""
        label = escape(f"{name}. {said}", quote=True)
        return (
            f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" aria-label="{label}">'
            f"{''.join(self.marks)}</svg>"
        )


def steps(low: float, high: float, count: int = 6) -> list[float]:
    """Round numbers between the ends of a span, about `count` of them."""
    low, high = min(low, high), max(low, high)
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def span(values: Sequence[float], include: Sequence[float] = ()) -> Span:
    """From the least to the greatest with a little air; never empty."""
    low, high = min([*values, *include]), max([*values, *include])
    if low == high:
        return low - 1, high + 1
    air = 0.05 * (high - low)
    return low - air * (low not in include), high + air * (high not in include)


def tick(value: float, share: bool = False) -> str:
    if share:
        return f"{value:.0%}"
    return f"{value:,.10g}".replace("-", "\N{MINUS SIGN}")
