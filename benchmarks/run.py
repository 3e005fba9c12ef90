"""Run every benchmark of this folder, one after the other, and print their tables."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def commands() -> list[list[str]]:
    """Scripts by name: *.sh by bash, *.py (but this one) by this Python."""
    shell = [["bash", str(path)] for path in sorted(HERE.glob("*.sh"))]
    python = [[sys.executable, str(path)] for path in sorted(HERE.glob("*.py"))]
    return [
        *shell,
        *(command for command in python if Path(command[1]).name != Path(__file__).name),
    ]


def main(wanted: list[str]) -> int:
    """`wanted` are stems, all without any; the exit status counts the benchmarks that failed."""
    failed = 0
    for command in commands():
        name = Path(command[-1]).stem
        if not wanted or name in wanted:
            sys.stdout.write(f"\n{name}\n")
            sys.stdout.flush()
            failed += subprocess.run(command, check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
