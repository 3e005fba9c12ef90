"""The French catalogue is complete and compiled; scripts get valid sentences in every language."""

import gettext
import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from ml import errors

ROOT = Path(__file__).parents[1]
CATALOGUE = ROOT / "locale/fr/LC_MESSAGES"
SOURCES = ("coloria", "accounts", "colorize", "ml", "templates")
READY = "Versions en couleurs prêtes\N{NO-BREAK SPACE}: {} sur {}"


def french() -> gettext.GNUTranslations:
    with (CATALOGUE / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def strings(language: str) -> dict[str, str]:
    with translation.override(language):
        page = render_to_string("_strings.html")
    found: dict[str, str] = json.loads(page[page.index("{") : page.rindex("}") + 1])
    return found


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: apt install gettext")
    return found


def sentences(catalogue: gettext.GNUTranslations) -> set[str]:
    keys = catalogue._catalog  # type: ignore[attr-defined]
    return {key if isinstance(key, str) else key[0] for key in keys}  # plurals: (sentence, form)


def test_every_sentence_of_the_site_has_a_translation(tmp_path: Path) -> None:
    """Templates and Python, as makemessages finds them in a copy."""
    program("xgettext")
    apart = shutil.ignore_patterns("weights", "__pycache__")
    for name in SOURCES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=apart)
    (tmp_path / "locale").mkdir()
    found, english = tmp_path / "locale/django.pot", tmp_path / "django.mo"
    # Without settings it writes to this folder's locale, not to the project's.
    bare = {name: value for name, value in os.environ.items() if "DJANGO" not in name}
    make = [sys.executable, "-m", "django", "makemessages", "--locale=en", "--keep-pot"]
    subprocess.run(make, cwd=tmp_path, env=bare, check=True, capture_output=True)
    blank, english_rule = "nplurals=INTEGER; plural=EXPRESSION;", "nplurals=2; plural=n != 1;"
    found.write_text(found.read_text().replace(blank, english_rule))
    subprocess.run([program("msgen"), "-o", tmp_path / "en.po", found], check=True)
    subprocess.run([program("msgfmt"), "-o", english, tmp_path / "en.po"], check=True)
    with english.open("rb") as file:
        asked = sentences(gettext.GNUTranslations(file))
    assert {"Your photos", "{title} is not installed on this server."} <= asked
    assert asked - sentences(french()) == set()


def test_every_error_has_a_translation() -> None:
    known = french()._catalog  # type: ignore[attr-defined]
    base = errors.ColorizeError
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, base)]
    assert len(kinds) > 8
    assert [kind.sentence for kind in kinds if kind.sentence not in known] == []


def test_a_translated_sentence_has_the_same_places_to_fill() -> None:
    """{name} in English is {name} in French, whatever the order."""
    places = re.compile(r"\{\w+\}|%\(\w+\)s")
    known: dict[str, str] = french()._catalog  # type: ignore[attr-defined]
    for english, text in known.items():
        if isinstance(english, str) and english:
            assert set(places.findall(english)) == set(places.findall(text)), english


def test_one_thing_has_one_name_in_french() -> None:
    """Other words for what the site calls "mettre en couleurs", "version en couleurs", hints."""
    texts = " ".join(french()._catalog.values())  # type: ignore[attr-defined]
    assert not re.findall(r"\b(?:[Cc]oloris\w+|colorer|indices|en couleur\b|un portable\b)", texts)


def test_a_count_agrees_whatever_the_total() -> None:
    """One of three: the French form follows the total, so the words must not follow the count."""
    one, many = (f"%(ready)s of %(total)s colour {word} ready" for word in ("version", "versions"))
    assert french().ngettext(one, many, 3) == READY.format("%(ready)s", "%(total)s")
    assert strings("fr")["some_ready"] == READY.format("{ready}", "{n}")


def test_the_compiled_catalogue_is_that_of_the_source(tmp_path: Path) -> None:
    compiled = tmp_path / "django.mo"
    subprocess.run(
        [program("msgfmt"), "--check-format", "-o", compiled, CATALOGUE / "django.po"], check=True
    )
    with compiled.open("rb") as file:
        fresh = gettext.GNUTranslations(file)
    assert fresh._catalog == french()._catalog  # type: ignore[attr-defined]


def test_the_scripts_get_the_same_sentences_in_both_languages() -> None:
    english, french = strings("en"), strings("fr")
    assert english.keys() == french.keys()
    assert english["too_heavy"] == '"{name}" has {megabytes} MB; the limit is {limit} MB.'
    assert french["send.one"] == "Envoyer"


def test_the_scripts_ask_for_no_sentence_that_the_page_lacks() -> None:
    """text("key") and plural("key") in static/js against templates/_strings.html."""
    known = strings("en")
    source = "\n".join(path.read_text() for path in (ROOT / "static/js").glob("*.js"))
    calls = " ".join(re.findall(r"\btext\(([^,)]*)", source))  # text(one ? "this" : "that", ...)
    asked = set(re.findall(r'"([\w.]+)"', calls))
    asked |= {
        f"{key}.{form}"
        for key in re.findall(r'\bplural\("(\w+)"', source)
        for form in ("one", "other")
    }
    assert asked == set(known)


def test_a_name_with_markup_is_escaped_on_a_page() -> None:
    """S174."""
    page = render_to_string("_error.html", {"id": '"><script>'})
    assert "<script>" not in page and html.escape('"><script>') in page
