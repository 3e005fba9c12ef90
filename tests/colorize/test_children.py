"""Children and grandchildren are found and ended, whatever became of who started them."""

import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc")

# A grandchild in a group of its own that ignores SIGTERM; its parent ends at once.
PARENT = """
import subprocess, sys
deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
deaf = subprocess.Popen([sys.executable, "-c", deaf], process_group=0, stdout=subprocess.PIPE)
deaf.stdout.readline()
"""
SUPERVISOR = f"""
import os, signal
from django.conf import settings
settings.configure(BASE_DIR=".")
from colorize.management.children import Child, adopt_orphans, descendants
adopt_orphans()
child = Child.start("parent", ["-c", {PARENT!r}])
child.process.wait()
child.kill()
found = descendants()
for pid in found:
    os.kill(pid, signal.SIGKILL)
assert len(found) == 1, found
"""


def test_a_grandchild_that_outlived_its_parent_is_found() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SUPERVISOR],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
