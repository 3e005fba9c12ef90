"""Follow /api/docs/ literally in a clean shell and write down what happened:
`.venv/bin/python docs/first_three_minutes.py` writes docs/first-three-minutes.md.

The site is a fresh one with an empty database; the shell has no variable but PATH, and its folder
is empty. Each command is taken from the page as it is served.
"""

import argparse
import html
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "first-three-minutes.md"
COMMAND = re.compile(r'<pre class="command"[^>]*><code>(.*?)</code></pre>', re.DOTALL)
END = "--- that was all ---"
MOST = 180  # seconds

HEAD = """# The first three minutes

A transcript, not a text: `docs/first_three_minutes.py` started a fresh site, opened `/api/docs/`,
and typed what the page says into a shell with an empty environment in an empty folder. {machine}.

"""


@contextmanager
def site(port: int) -> Iterator[str]:
    """`manage.py up` on an empty folder."""
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="coloria-minutes-") as var:
        command = [sys.executable, "manage.py", "up", "--port", str(port)]
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"COLORIA_VAR": var}, stdout=subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            while line := process.stdout.readline():
                if b"Ctrl-C stops both" in line:
                    break
            yield address
        finally:
            process.terminate()
            process.wait(30)


def commands(address: str) -> list[str]:
    with urllib.request.urlopen(f"{address}/api/docs/") as answer:
        page = answer.read().decode()
    return [html.unescape(found) for found in COMMAND.findall(page)]


class Shell:
    """One bash that keeps its variables between commands."""

    def __init__(self, folder: str) -> None:
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, command: str) -> str:
        """What it prints. Raises SystemExit if the command failed."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f'{command}\necho "{END} $?"\n')
        self.process.stdin.flush()
        printed: list[str] = []
        for line in self.process.stdout:
            if END in line:
                before, _, status = line.partition(END)
                printed.append(before)
                if int(status):
                    raise SystemExit(f"failed ({status.strip()}): {command}\n{''.join(printed)}")
                return "".join(printed)
            printed.append(line)
        raise SystemExit(f"the shell ended: {command}")


def prompt(command: str) -> str:
    first, *rest = command.splitlines()
    return "\n".join([f"$ {first}", *(f"$ {line}" for line in rest)])


def follow(address: str, folder: str) -> str:
    started, parts = time.monotonic(), []
    shell = Shell(folder)
    for command in commands(address):
        printed = shell.type(command).rstrip()
        seconds = time.monotonic() - started
        shown = "\n".join(filter(None, [prompt(command), printed]))
        parts.append(f"After {seconds:.1f} s:\n\n```console\n{shown}\n```\n")
    with Image.open(Path(folder) / "colour.jpg") as image:
        facts = f"{image.format}, {image.width} x {image.height} pixels, {image.mode}"
    seconds = time.monotonic() - started
    if seconds > MOST:
        raise SystemExit(f"took {seconds:.0f} s; {MOST} are promised")
    parts.append(
        f"`colour.jpg` is the first result: {facts}. All of it took {seconds:.1f} seconds of the "
        "machine's time; the rest of the three minutes is for reading.\n"
    )
    return "\n".join(parts)


def machine() -> str:
    curl = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True)
    return (
        f"{os.cpu_count()} processors, {platform.system()}, {' '.join(curl.stdout.split()[:2])}, "
        f"Python {platform.python_version()}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    port = parser.parse_args().port
    if shutil.which("curl") is None:
        raise SystemExit("curl is not installed: apt install curl")
    with site(port) as address, tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(HEAD.format(machine=machine()) + follow(address, folder))


if __name__ == "__main__":
    main()
