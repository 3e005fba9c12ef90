"""Keep the memory of one training step for the next."""

import ctypes
import platform

# Parameters of mallopt, glibc's malloc.h
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX, M_ARENA_MAX = -1, -2, -4, -8
GROWTH = 256 << 20  # bytes that the heap grows by at a time


def keep() -> None:
    """Tell glibc's malloc to give nothing back to the system; without effect on other systems.

    A step allocates the same large tensors as the one before. By default each is mapped anew, and
    its pages are faulted in one by one: up to four tenths of the time of a light network on a CPU
    (`benchmarks/allocation.py`). Settings as of mallopt(3).
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    for parameter, value in (
        (M_MMAP_MAX, 0),
        (M_TRIM_THRESHOLD, -1),  # never
        (M_TOP_PAD, GROWTH),
        (M_ARENA_MAX, 1),  # the other arenas map what is large whatever is set here
    ):
        libc.mallopt(parameter, value)
