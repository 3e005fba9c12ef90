"""The rules of the house that a machine can check (S131, S191, S192)."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
OURS = {"coloria", "accounts", "colorize", "ml", "training"}
MAY_IMPORT = {
    "coloria": {"accounts", "colorize", "ml"},
    "accounts": set(),
    "colorize": {"ml"},
    "ml": set(),
    "ml/management": {"ml", "training"},
    "training": {"ml"},
}
DJANGO = {"django", "rest_framework", "django_q"}
FRAMEWORKS = {"torch", "torchvision", "tensorflow", "keras", "fastai", "openvino"}
FRAMEWORK_PLACES = ("ml/backends/", "ml/nets/", "training/")
TRAINING_PLACES = ("training/", "ml/nets/")
LONGEST = 300  # lines
HEAVIEST = 25 * 1024 * 1024  # bytes
VENDORED = ("vendor", "examples", "data", "fonts")  # folders of things made by others
LICENCE = re.compile(r"MIT|BSD|Apache-2\.0|MPL-2\.0|ISC|OFL|CC0|CC BY|public domain", re.IGNORECASE)
# Written in halves, so that this file does not find itself.
UNFINISHED = re.compile(
    "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error"])
)
ONE_MACHINE = re.compile(r"(?<![\w.$~}-])/" + r"(?:root|work|home/\w+|Users/\w+)(?:/|\b(?!\w))")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command as a person would run it: with the real settings, not those of the tests."""
    real = {**os.environ, "DJANGO_SETTINGS_MODULE": "coloria.settings"}
    return subprocess.run(
        arguments, cwd=ROOT, env=real, capture_output=True, text=True, check=False
    )


@cache
def files() -> list[Path]:
    """Every file that git tracks or would track, relative to the root."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    assert listed.returncode == 0, listed.stderr
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def modules(*packages: str) -> list[Path]:
    return [path for path in files() if path.suffix == ".py" and path.parts[0] in packages]


@cache
def text(path: Path) -> str:
    """A file's text, or "" if it is no text."""
    raw = (ROOT / path).read_bytes()
    return "" if b"\0" in raw[:4096] else raw.decode("utf-8", errors="ignore")


@cache
def imported(path: Path) -> list[str]:
    """The dotted names that a module imports, wherever in it they are imported."""
    found: list[str] = []
    for node in ast.walk(ast.parse(text(path))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.append(node.module)
        elif isinstance(node, ast.ImportFrom):
            found.append(path.parts[0])  # relative: its own package
    return found


def top(name: str) -> str:
    return name.partition(".")[0]


def owner(path: Path) -> str:
    """The row of MAY_IMPORT that a module belongs to."""
    return "ml/management" if path.as_posix().startswith("ml/management/") else path.parts[0]


def below(path: Path, places: tuple[str, ...]) -> bool:
    return path.as_posix().startswith(places)


def offences(paths: list[Path], forbidden: set[str]) -> list[str]:
    return [
        f"{path}: {name}" for path in paths for name in imported(path) if top(name) in forbidden
    ]


def test_ruff_finds_nothing() -> None:
    ran = run(sys.executable, "-m", "ruff", "check", "--output-format=concise", ".")
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.timeout(900)
def test_mypy_finds_nothing() -> None:
    ran = run(sys.executable, "-m", "mypy")
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("package", sorted(OURS))
def test_a_package_imports_only_what_it_may(package: str) -> None:
    found = [
        f"{path} imports {name}"
        for path in modules(package)
        for name in imported(path)
        if top(name) in OURS - {package} - MAY_IMPORT[owner(path)]
    ]
    assert not found


def test_models_and_training_know_no_django() -> None:
    shell = [path for path in modules("ml") if owner(path) == "ml/management"]
    plain = [path for path in modules("ml", "training") if path not in [*shell, Path("ml/apps.py")]]
    assert plain
    assert not offences(plain, DJANGO)


def test_frameworks_are_imported_only_where_networks_live() -> None:
    elsewhere = [path for path in modules(*OURS) if not below(path, FRAMEWORK_PLACES)]
    assert elsewhere
    assert not offences(elsewhere, FRAMEWORKS)


@cache
def declared(name: str) -> set[str]:
    """The packages that a requirements file names, in normal form (PEP 503)."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    names = [re.split(r"[<>=\[~! ]", line)[0] for line in lines if line and line[0] not in "#-"]
    return {normal(name) for name in names}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def undeclared(paths: list[Path], allowed: set[str]) -> Iterator[str]:
    known = packages_distributions()
    for path in paths:
        for name in {top(name) for name in imported(path)} - OURS - set(sys.stdlib_module_names):
            packages = {normal(package) for package in known.get(name, [name])}
            if name != "tests" and not packages & allowed:
                yield f"{path}: {name}"


def test_what_the_site_imports_is_in_the_base_requirements() -> None:
    asked_for = ("coloria/counters.py",)  # by COLORIA_CACHE_URL, which names the missing package
    site = [path for path in modules(*OURS) if not below(path, (*FRAMEWORK_PLACES, *asked_for))]
    assert not list(undeclared(site, declared("base")))


def test_what_networks_and_training_import_is_required() -> None:
    networks = [path for path in modules("ml", "training") if below(path, FRAMEWORK_PLACES)]
    assert not list(undeclared(networks, declared("base") | declared("ml") | declared("train")))


def test_the_clients_packages_are_in_the_full_requirements() -> None:
    """S191: the packages of the client's card."""
    card = "django djangorestframework django-q2 torch torchvision tensorflow fastai pillow"
    full = declared("base") | declared("ml") | declared("train")
    assert {*card.split(), "django-cleanup", "whitenoise"} <= full
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    parts = {line for line in lines if line.startswith("-r")}
    assert parts == {f"-r requirements/{name}.txt" for name in ("base", "ml", "train")}


def test_no_migration_is_missing() -> None:
    ran = run(sys.executable, "manage.py", "makemigrations", "--check", "--dry-run")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_clients_top_level_is_complete() -> None:
    """S192: the tree of the client's card."""
    folders = {*OURS, "templates", "static", "tests"}
    there = {path.parts[0] for path in files()}
    assert {*folders, "manage.py", "requirements.txt"} <= there


def test_no_file_is_too_heavy_for_a_clone() -> None:
    assert not [str(path) for path in files() if (ROOT / path).stat().st_size > HEAVIEST]


def test_no_module_is_too_long_to_be_read() -> None:
    ours = [path for path in modules(*OURS) if "migrations" not in path.parts]
    long = {str(path): len(text(path).splitlines()) for path in ours}
    assert not {path: lines for path, lines in long.items() if lines > LONGEST}


def test_nothing_is_left_unfinished() -> None:
    assert not [str(path) for path in modules(*OURS, "tests") if UNFINISHED.search(text(path))]


def test_no_path_of_one_machine_is_written_down() -> None:
    found = {str(path): ONE_MACHINE.findall(text(path)) for path in files()}
    assert not {path: matches for path, matches in found.items() if matches}


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Whether it catches everything and keeps it: one that tidies up and raises again does not."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    kinds = ast.walk(handler.type) if handler.type else []
    named = {node.id for node in kinds if isinstance(node, ast.Name)}
    return handler.type is None or bool(named & {"Exception", "BaseException"})


def test_one_place_alone_catches_every_exception() -> None:
    broad = [
        str(path)
        for path in modules(*OURS)
        for node in ast.walk(ast.parse(text(path)))
        if isinstance(node, ast.ExceptHandler) and is_broad(node)
    ]
    assert broad == ["colorize/tasks.py"]


@pytest.mark.parametrize("kinds", ["", " Exception", " BaseException", " (KeyError, Exception)"])
def test_a_broad_handler_is_known_however_it_is_written(kinds: str) -> None:
    for body, broad in (("pass", True), ("tidy(); raise", False)):
        (statement,) = ast.parse(f"try: run()\nexcept{kinds}: {body}").body
        assert isinstance(statement, ast.Try)
        assert is_broad(statement.handlers[0]) is broad


def strangers() -> list[Path]:
    """Files made by others or drawn from their work: they lie in folders with telling names."""
    apart = [path for path in files() if set(path.parts[:-1]) & set(VENDORED)]
    return [path for path in apart if path.suffix not in {".md", ".py", ".csv"}]


def credited(path: Path) -> bool:
    """Whether a note beside the file names it (or its picture: NAME-after.jpg) with a licence."""
    notes = "\n".join(
        text(note) for note in files() if note.parent == path.parent and note.suffix == ".md"
    )
    slug = re.sub(r"-(before|after|truth-and-result)$", "", path.stem)
    lines = [line for line in notes.splitlines() if path.name in line or f"| {slug} |" in line]
    return any(LICENCE.search(line) for line in lines)


def test_vendored_files_are_credited_with_a_licence() -> None:
    assert strangers()
    assert not [str(path) for path in strangers() if not credited(path)]


def test_ci_runs_make_test_and_nothing_else() -> None:
    script = (ROOT / ".ci/run").read_text().splitlines()
    commands = [line for line in script if line and not line.startswith("#")]
    assert commands == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "exec make test"]


def test_the_readmes_table_of_models_is_fresh() -> None:
    ran = run(sys.executable, "manage.py", "models_table", "--check")
    assert ran.returncode == 0, ran.stderr
