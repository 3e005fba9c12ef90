"""The examples of docs/api.md and the README, as a reader would run them, on a real server."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.base import picture
from tests.browser.conftest import serve

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(sh|python|js)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = {
    "sh": ("bash", ["-euo", "pipefail"], "example.sh"),
    "python": (sys.executable, [], "example.py"),
    "js": ("node", [], "example.mjs"),
}
NEW_TOKEN = """
from accounts.models import User
from accounts.tokens.model import Token
print(Token.issue(User.objects.create_user("reader@example.org"), "examples", 1)[1])
"""


def examples() -> list[tuple[str, str, str]]:
    """Page, language and code of everything that calls the API."""
    return [
        (page, language, code)
        for page in ("README.md", "docs/api.md")
        for language, code in BLOCK.findall((ROOT / page).read_text())
        if "/api/v1/" in code
    ]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A reader's environment: the address of a server with the bundled model, and a token."""
    var = tmp_path_factory.mktemp("examples")
    real = {"DJANGO_SETTINGS_MODULE": "coloria.settings", "COLORIA_VAR": str(var)}
    with serve(var, {}) as site:
        made = subprocess.run(
            [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", NEW_TOKEN],
            cwd=ROOT,
            env=os.environ | real,
            capture_output=True,
            text=True,
            check=True,
        )
        yield os.environ | {"COLORIA": site, "COLORIA_TOKEN": made.stdout.strip()}


@pytest.mark.parametrize(
    ("page", "language", "code"), examples(), ids=lambda value: value if len(value) < 20 else ""
)
def test_an_example_colours_a_photo(
    page: str, language: str, code: str, reader: dict[str, str], tmp_path: Path
) -> None:
    program, options, name = RUN[language]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: apt install nodejs")
    (tmp_path / "photo.jpg").write_bytes(picture((96, 64), "JPEG"))
    (tmp_path / name).write_text(code)
    ran = subprocess.run(
        [program, *options, name],
        cwd=tmp_path,
        env=reader,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (result,) = tmp_path.glob("colour*.jpg")
    with Image.open(result) as image:
        assert (image.size, image.mode) == ((96, 64), "RGB")


def test_there_are_examples_in_three_languages() -> None:
    assert {language for page, language, _ in examples() if page == "docs/api.md"} == set(RUN)
