"""What a training step frees is there for the next one."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAULTS = """
import resource, sys
from training import memory
if sys.argv[1] == "kept":
    memory.keep()
def step():
    return [b"1" * (48 << 20) for _ in range(2)]  # 24,576 pages, touched and freed
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    command = [sys.executable, "-c", FAULTS, how]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return int(told.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc is told")
def test_kept_memory_is_not_faulted_in_again() -> None:
    assert faults("plain") > 100_000  # pages, in five steps
    assert faults("kept") < 1000
