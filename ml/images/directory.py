"""TIFF directories, the form EXIF and TIFF keep their facts in, moved byte for byte.

Pillow's reader turns values into Python's and back, which loses what is not ASCII ("Élise" becomes
"?lise") and the types of unknown tags. Here an entry stays the bytes it was, in the byte order it
had.
"""

import struct
from typing import BinaryIO, NamedTuple

EXIF, GPS, INTEROP = 0x8769, 0x8825, 0xA005  # tags whose value is the place of another directory
BELOW = {0: (EXIF, GPS), EXIF: (INTEROP,)}  # which directory may hold which; 0 is the first
ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
# Bytes of one value of each type (TIFF 6.0, section 2)
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
# Bytes of all values of one directory: hostile entries may all point at the same megabytes.
LARGEST = 2**23


class Entry(NamedTuple):
    kind: int
    content: bytes


Tree = dict[int, "Entry | Tree"]


def read_tree(source: BinaryIO, wanted: frozenset[int] | None = None) -> tuple[str, Tree]:
    """Byte order ("<" or ">") and first directory of a TIFF stream, of its tags only `wanted`.

    ValueError or struct.error if it is none, or one above 4 GB (BigTIFF).
    """
    head = source.read(8)
    order = ORDERS.get(head[:4])
    if order is None:
        raise ValueError("not a TIFF directory")
    return order, _read(source, order, head[4:], 0, wanted)


def _read(
    source: BinaryIO, order: str, place: bytes, name: int, wanted: frozenset[int] | None
) -> Tree:
    source.seek(*struct.unpack(order + "I", place))
    (count,) = struct.unpack(order + "H", source.read(2).ljust(2, b"\0"))
    table = source.read(12 * count)
    tree: Tree = {}
    room = LARGEST
    rows = struct.iter_unpack(order + "HHI4s", table[: len(table) // 12 * 12])
    for tag, kind, number, value in rows:
        size = SIZES.get(kind, 0) * number
        if tag in BELOW.get(name, ()):
            if below := _read(source, order, value, tag, None):
                tree[tag] = below
        elif 0 < size <= room and (wanted is None or tag in wanted):
            content = value[:size] if size <= 4 else _at(source, order, value, size)
            room -= size
            if len(content) == size:
                tree[tag] = Entry(kind, content)
    return tree


def _at(source: BinaryIO, order: str, place: bytes, size: int) -> bytes:
    source.seek(*struct.unpack(order + "I", place))
    return source.read(size)


def write_tree(order: str, tree: Tree, place: int) -> bytes:
    """The directory and those below it as bytes that are to stand at `place` of the file."""
    flat = {
        tag: node if isinstance(node, Entry) else Entry(LONG, bytes(4))
        for tag, node in tree.items()
    }
    below = b""
    end = place + len(_write(order, flat, place))
    for tag, node in sorted(tree.items()):
        if not isinstance(node, Entry):
            flat[tag] = Entry(LONG, struct.pack(order + "I", end + len(below)))
            below += write_tree(order, node, end + len(below))
    return _write(order, flat, place) + below


def _write(order: str, entries: dict[int, Entry], place: int) -> bytes:
    table = struct.pack(order + "H", len(entries))
    values = b""
    first = place + 2 + 12 * len(entries) + 4
    for tag, (kind, content) in sorted(entries.items()):
        value = content.ljust(4, b"\0")
        if len(content) > 4:
            value = struct.pack(order + "I", first + len(values))
            values += content + bytes(len(content) % 2)
        table += struct.pack(order + "HHI", tag, kind, len(content) // SIZES[kind]) + value
    return table + bytes(4) + values  # the four: no further directory


def header(order: str, place: int) -> bytes:
    """The eight bytes a TIFF begins with."""
    return {sign: mark for mark, sign in ORDERS.items()}[order] + struct.pack(order + "I", place)
