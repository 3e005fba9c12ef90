"""Settings fail loudly: nonsense ends the start with a sentence."""

import os
import re
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from coloria.environment import Environment, counters, database, mail, secret_key


def start(tmp_path: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Load the settings in a fresh process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COLORIA_")}
    environment = {**kept, "COLORIA_VAR": str(tmp_path), **variables}
    environment["DJANGO_SETTINGS_MODULE"] = "coloria.settings"
    script = "from django.conf import settings as s; print(s.DEBUG, s.ALLOWED_HOSTS, s.DATABASES)"
    return subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )


def test_it_starts_on_a_laptop_without_any_variable(tmp_path: Path) -> None:
    ran = start(tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("False ['localhost', '127.0.0.1', '[::1]']")
    assert "IMMEDIATE" in ran.stdout and "journal_mode=WAL" in ran.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COLORIA_DEBUG", "yes"),
        ("COLORIA_DEBUG", ""),
        ("COLORIA_MAX_FILES", "ten"),
        ("COLORIA_MAX_FILES", "0"),
        ("COLORIA_MAX_FILES", "-1"),
        ("COLORIA_MAX_MEGAPIXELS", "1e3"),
        ("COLORIA_MINUTES", "10"),
        ("COLORIA_DATABASE_URL", "mysql://localhost/coloria"),
        ("COLORIA_DATABASE_URL", "sqlite:///"),
        ("COLORIA_MAIL_URL", "mail.example.org"),
        ("COLORIA_DEVICE", "gpu"),
        ("COLORIA_DEVICE", ""),
        ("COLORIA_CACHE_URL", "memcached://localhost"),
    ],
)
def test_it_refuses_nonsense_at_start(tmp_path: Path, name: str, value: str) -> None:
    ran = start(tmp_path, **{name: value})
    assert ran.returncode == 1
    assert "ImproperlyConfigured" in ran.stderr and name in ran.stderr


def test_a_mistyped_name_is_answered_with_the_known_ones() -> None:
    environment = Environment({"COLORIA_DEBUGG": "true"})
    environment.flag("COLORIA_DEBUG")
    with pytest.raises(ImproperlyConfigured, match=r"COLORIA_DEBUGG\. Known: COLORIA_DEBUG"):
        environment.refuse_unknown()


def test_the_readme_lists_every_variable_with_its_default() -> None:
    from coloria.settings import env

    readme = (Path(settings.BASE_DIR) / "README.md").read_text()
    rows = re.findall(r"^\| `(COLORIA_\w+)` \| (?:`(.+?)`)? ?\| [\w`]", readme, re.MULTILINE)
    assert dict(rows) == env.known and len(rows) == len(env.known)


def test_no_variable_is_read_past_the_settings() -> None:
    """Else neither the README nor the refusal of mistyped names would know it."""
    read = re.compile(r"(?:environ|getenv)\b[^\n]*[\"']COLORIA_")
    for package in ("coloria", "colorize", "accounts", "ml"):
        for path in (Path(settings.BASE_DIR) / package).rglob("*.py"):
            assert not read.search(path.read_text()), path


def test_numbers_have_bounds() -> None:
    assert Environment({"N": " 7 "}).number("N", 1, 1, 9) == 7
    with pytest.raises(ImproperlyConfigured, match="from 1 to 9"):
        Environment({"N": "10"}).number("N", 1, 1, 9)


def test_choices_are_named() -> None:
    with pytest.raises(ImproperlyConfigured, match="write one of a, b"):
        Environment({"C": "c"}).choice("C", "a", ("a", "b"))


def test_a_device_is_one_that_torch_knows() -> None:
    for written in ("auto", "cpu", "cuda", "cuda:1"):
        assert Environment({"D": written}).device("D") == written
    assert Environment({}).device("D") == "auto"
    for written in ("CUDA", "cuda1", "cuda:", "cpu:x", "auto\ncpu"):
        with pytest.raises(ImproperlyConfigured, match="write auto, cpu, cuda, or cuda:1"):
            Environment({"D": written}).device("D")


def test_a_postgres_url_is_taken_apart() -> None:
    found = database("postgres://user%40home:p%2Fw@db.example:5433/coloria")
    keys = ("USER", "PASSWORD", "HOST", "PORT", "NAME")
    assert [found[key] for key in keys] == ["user@home", "p/w", "db.example", "5433", "coloria"]


def test_an_absolute_sqlite_path_is_kept() -> None:
    assert database("sqlite:////srv/a%20b.sqlite3")["NAME"] == "/srv/a b.sqlite3"


def test_the_secret_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    first = secret_key(path)
    assert len(first) > 50 and secret_key(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["secret_key"]


def test_two_first_starts_agree_on_one_key(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from coloria.environment import secret_key;"
        "print(secret_key(Path(sys.argv[1])))"
    )
    arguments = [sys.executable, "-c", script, str(tmp_path / "key")]
    starts = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert len({start.communicate()[0] for start in starts}) == 1


def test_redis_needs_its_package(tmp_path: Path) -> None:
    with (
        mock.patch("coloria.environment.find_spec", return_value=None),
        pytest.raises(ImproperlyConfigured, match="pip install redis"),
    ):
        counters("redis://localhost", tmp_path)


def test_mail_is_printed_until_a_server_is_named() -> None:
    assert mail("")["EMAIL_BACKEND"].endswith("console.EmailBackend")


def test_a_mail_server_is_a_url() -> None:
    found = mail("smtp://me%40example.org:p%3Aw@mail.example.org")
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example.org", 587)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("me@example.org", "p:w")
    assert found["EMAIL_USE_TLS"] and not found["EMAIL_USE_SSL"]
    found = mail("smtps://mail.example.org:4650")
    assert found["EMAIL_PORT"] == 4650 and found["EMAIL_USE_SSL"] and not found["EMAIL_USE_TLS"]
