"""`manage.py doctor`: what is missing, and the command that mends it."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from colorize.management.commands import doctor
from ml import registry
from ml.spec import ModelSpec

REAL = {"DJANGO_SETTINGS_MODULE": "coloria.settings"}


def examined() -> str:
    out = StringIO()
    call_command("doctor", stdout=out, stderr=out, no_color=True)
    return out.getvalue()


@pytest.mark.django_db
def test_it_is_content_with_a_complete_machine() -> None:
    found = examined()
    assert "ok database" in found
    assert "ok migrations                 all applied" in found
    assert "!!" not in found


@pytest.mark.django_db
def test_it_fails_without_the_bundled_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(spec: ModelSpec, folder: Path) -> registry.State:
        return "missing"

    monkeypatch.setattr(registry, "state", missing)
    out = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("doctor", stdout=out, stderr=out, no_color=True)
    assert end.value.code == 1
    assert "!! coloria" in out.getvalue()
    assert registry.remedy(registry.get("coloria")) in out.getvalue()


def test_it_names_the_command_for_an_empty_database(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=settings.BASE_DIR,
        env={**os.environ, **REAL, "COLORIA_VAR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "!! migrations" in ran.stdout
    assert "-> python manage.py migrate" in ran.stdout


def test_it_looks_for_frameworks_without_importing_them() -> None:
    before = set(sys.modules)
    assert doctor.package("torch", "missing", "make full").state == "ok"
    assert "torch" not in set(sys.modules) - before


def test_it_offers_the_command_for_a_framework_that_is_not_there() -> None:
    found = doctor.package("no_such_framework", "missing", "make full")
    assert (found.state, found.remedy) == ("missing", "make full")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_it_says_when_the_run_time_folder_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert doctor.writable(tmp_path).state == "broken"


def test_it_says_when_the_run_time_folder_is_gone(tmp_path: Path) -> None:
    found = doctor.writable(tmp_path / "nowhere")
    assert found.state == "broken"
    assert "COLORIA_VAR" in found.remedy
