"""Drawings of the networks for their pages: where the blocks and arrows lie, computed once.

A block is as deep down as its picture is small. The encoder goes down on the left, the decoder up
on the right; an arrow across is a skip connection.
"""

from dataclasses import dataclass
from itertools import pairwise

WIDTH = 360  # units of the drawing; on a small phone one unit is one pixel
TOP, STEP, THICK = 30, 27, 15  # of the first block, from level to level, of a block
BROAD, TAPER = 84, 9  # the first block; how much narrower the next is
MARGIN, NECK = 8, 108  # where the first block begins, and the deepest


@dataclass(frozen=True, slots=True)
class Block:
    x: int
    y: int
    width: int

    @property
    def middle(self) -> int:
        return self.x + self.width // 2

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def below(self) -> int:
        return self.y + THICK

    @property
    def axis(self) -> int:
        return self.y + THICK // 2


@dataclass(frozen=True, slots=True)
class Arrow:
    x1: int
    y1: int
    x2: int
    y2: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """A network: levels (the deepest halves the picture levels - 1 times), which of them have a
    skip connection, how far up the decoder goes, what else goes in, and whether a critic looked on
    in training. name is the encoder's, a proper name in every language.
    """

    levels: int
    skips: tuple[int, ...] = ()
    up_to: int = 0
    name: str = ""
    hints: bool = False
    seeded: bool = False
    critic: bool = False

    @property
    def encoder(self) -> list[Block]:
        return [
            Block(self.indent(level), TOP + STEP * level, BROAD - TAPER * level)
            for level in range(self.levels - 1)
        ]

    @property
    def decoder(self) -> list[Block]:
        """From the top down, the encoder's mirror image."""
        return [
            Block(WIDTH - block.right, block.y, block.width) for block in self.encoder[self.up_to :]
        ]

    @property
    def neck(self) -> Block:
        return Block(NECK, TOP + STEP * (self.levels - 1), WIDTH - 2 * NECK)

    def indent(self, level: int) -> int:
        """The deeper, the nearer to the middle."""
        return MARGIN + (NECK - MARGIN) * level // (self.levels - 1)

    @property
    def across(self) -> list[Arrow]:
        """The skip connections."""
        pairs = [(self.encoder[level], self.decoder[level - self.up_to]) for level in self.skips]
        return [Arrow(a.right + 4, a.axis, b.x - 5, b.axis) for a, b in pairs]

    @property
    def down(self) -> list[Arrow]:
        stops = [*self.encoder, self.neck]
        return [Arrow(b.x + 12, a.below, b.x + 12, b.y) for a, b in pairwise(stops)]

    @property
    def up(self) -> list[Arrow]:
        stops = [*self.decoder, self.neck]
        return [Arrow(b.right - 12, b.y, b.right - 12, a.below) for a, b in pairwise(stops)]

    @property
    def seed(self) -> Block:
        """Subject and chance, between the two sides."""
        return Block(126, TOP, 92)

    @property
    def sown(self) -> list[Arrow]:
        """From there to every block of the decoder."""
        start = self.seed
        return [Arrow(start.right, start.axis, block.x - 5, block.axis) for block in self.decoder]

    @property
    def critic_box(self) -> Block:
        return Block(WIDTH - 108, self.neck.below + 22, 100)

    @property
    def judged(self) -> list[Arrow]:
        """From the result, along the edge, to the critic."""
        first = self.decoder[0]
        return [Arrow(first.right - 4, first.below, first.right - 4, self.critic_box.y)]

    @property
    def height(self) -> int:
        return (self.critic_box.below + 12 if self.critic else self.neck.below) + 8


DRAWINGS = {
    "coloria": Drawing(6, (2, 3, 4), up_to=2, name="EfficientNet-Lite2", hints=True),
    "artistic": Drawing(6, (0, 1, 2, 3, 4), name="ResNet-34", critic=True),
    "stable": Drawing(6, (0, 1, 2, 3, 4), name="ResNet-101", critic=True),
    "bigcolor": Drawing(5, seeded=True, critic=True),
    "zhang-eccv16": Drawing(4, up_to=2),
    "zhang-siggraph17": Drawing(4, (0, 1, 2), hints=True),
    "cnn": Drawing(6, (0, 1, 2, 3, 4)),
}
