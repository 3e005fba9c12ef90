"""The pages of the models: what each is, how it works, where it fails, what it may be used for, and
how it is installed (S003, S009-S015, S017, S019-S021).
"""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest import mock

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import get_template
from django.test import SimpleTestCase
from django.utils import translation

from colorize import catalogue, guide
from colorize.drawings import DRAWINGS, WIDTH
from ml import records, registry
from ml.backends.bigcolor import MAX_RATIO, SIDE
from ml.evaluate import figures
from tests import fakes
from tests.base import BaseTestCase

REAL = [n for n, spec in registry.MODELS.items() if spec.backend.startswith("ml.")]
MEASURED = {
    "set": {"images": 10, "sha256": "5" * 64, "long_side": 512},
    "grey": {"de00": {"mean": 11.0, "p10": 5.0, "p90": 17.0}, "colourfulness": {"mean": 0.0}},
    "truth": {"colourfulness": 40.0},
    "de00": {"mean": 12345.678, "p10": 4.0, "p90": 16.0},
    "de00_minus_grey": {"mean": -1.0},
    "better_than_grey": 7,
    "colourfulness": 20.0,
    "seconds": {"p50": 0.5},
    "weights_sha256": fakes.SPEC.weights.sha256,
    "verdict": "beats grey",
}
CHANCE = "may be chance: the 95 % interval of the difference reaches zero"
WORSE = "does not beat leaving the photograph grey"
ELSEWHERE = "belong to other weights"


class Text(HTMLParser):
    """The words of a page, without its markup."""

    def __init__(self, page: HttpResponse) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(page.content.decode())

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def carded(**card: Any) -> Any:
    """The fake model with this card."""
    return mock.patch("colorize.catalogue.card", return_value=card)


class EveryModelTests(BaseTestCase):
    def test_every_model_has_a_page_of_its_own(self) -> None:
        """S162: no row is left with the page for models of which nothing is known."""
        for name in REAL:
            page = self.alice.get(f"/models/{name}/")
            self.assertContains(page, registry.get(name).title)
            self.assertContains(page, '<svg class="network"', 1)
            self.assertNotContains(page, "Nothing has been written")
            for heading in ("How it works", "What it does well", "Where it goes wrong"):
                self.assertContains(page, heading)

    def test_bigcolors_pages_tell_the_size_of_their_own_files(self) -> None:
        published, own = (self.alice.get(f"/models/{n}/") for n in ("bigcolor-x", "bigcolor"))
        self.assertContains(published, "each of its two files has 421 MB")
        self.assertContains(own, "its file has about 420 MB")
        for page in (published, own):
            self.assertContains(page, f"{MAX_RATIO} to 1")
            self.assertContains(page, f"shorter side at {SIDE} pixels")

    def test_strengths_and_weaknesses_are_not_empty(self) -> None:
        """S019."""
        for name in REAL:
            page = self.alice.get(f"/models/{name}/").content.decode()
            for kind in ("plus", "minus"):
                lines = page.split(f'<ul class="{kind}">')[1].split("</ul>")[0]
                assert lines.count("<li>") >= 2, (name, kind)

    def test_every_page_explains_its_architecture(self) -> None:
        """S009-S014."""
        words = {
            "artistic-x": ("encoder", "skip connections", "ResNet-34", "Residual", "NoGAN"),
            "stable-x": ("decoder", "U-Net", "ResNet-101", "Residual", "NoGAN"),
            "bigcolor-x": ("generative prior", "GAN", "not a U-Net", "256"),
            "zhang-eccv16": ("313", "not a U-Net", "choice"),
            "zhang-siggraph17": ("hints", "skip connections"),
            "cnn": ("Keras", "U-Net", "not Richard Zhang"),
            "coloria": ("EfficientNet-Lite2", "U-Net", "261"),
        }
        for name, expected in words.items():
            text = " ".join(Text(self.alice.get(f"/models/{name}/")).words)
            for word in expected:
                assert word in text, (name, word)

    def test_every_page_links_its_source(self) -> None:
        """S021."""
        sources = {
            "artistic-x": "https://github.com/jantic/DeOldify",
            "stable": "https://github.com/jantic/DeOldify",
            "bigcolor-x": "https://github.com/KIMGEONUNG/BigColor",
            "zhang-eccv16": "https://github.com/richzhang/colorization",
            "zhang-siggraph17": "https://github.com/richzhang/colorization",
        }
        for name, address in sources.items():
            self.assertContains(self.alice.get(f"/models/{name}/"), f'href="{address}"')

    def test_a_page_is_the_same_for_published_weights_and_our_own(self) -> None:
        """S017."""
        ours = self.alice.get("/models/stable/")
        self.assertContains(ours, "train_model")
        self.assertContains(ours, "ResNet-101")
        self.assertNotContains(self.alice.get("/models/stable-x/"), "train_model")

    def test_a_model_of_an_unknown_kind_has_a_plain_page(self) -> None:
        page = self.alice.get("/models/fake/")
        self.assertContains(page, "Nothing has been written about this model yet.")
        self.assertNotContains(page, "<svg class")
        self.assertContains(page, "CC0-1.0")


class InstallTests(BaseTestCase):
    def test_a_missing_model_says_so_and_names_the_one_command(self) -> None:
        page = self.alice.get("/models/stable-x/")
        self.assertContains(page, "does not have the weights of this model")
        self.assertContains(page, "python manage.py weights fetch stable-x\n")
        self.assertContains(page, "weights add stable-x ColorizeStable_gen.pth")

    def test_our_own_weights_are_trained_and_taken_in(self) -> None:
        page = self.alice.get("/models/cnn/")
        self.assertContains(page, "python manage.py train_model --list\n")
        self.assertContains(page, "python manage.py weights add cnn my_model.keras\n")
        self.assertNotContains(page, "weights fetch")

    def test_an_installed_model_needs_no_command(self) -> None:
        self.assertNotContains(self.alice.get("/models/coloria/"), "manage.py weights")

    def test_damaged_weights_get_the_command_that_mends_them(self) -> None:
        with mock.patch("colorize.catalogue.state", return_value="corrupt"):
            page = self.alice.get("/models/coloria/")
        self.assertContains(page, "are not as they were installed")
        self.assertContains(page, "git checkout -- ml/weights/coloria.onnx")

    def test_without_torch_the_full_setup_comes_first(self) -> None:
        spec = registry.get("artistic-x")
        with mock.patch("colorize.guide.find_spec", return_value=None):
            assert guide.commands(spec)[0] == "make full"
            assert len(guide.commands(registry.get("coloria"))) == 1
        with mock.patch("colorize.guide.find_spec", return_value=object()):
            assert guide.commands(spec) == ["python manage.py weights fetch artistic-x"]


class LicenceTests(BaseTestCase):
    def test_weights_without_a_statement_say_so(self) -> None:
        for name in ("bigcolor-x", "zhang-eccv16", "zhang-siggraph17"):
            self.assertContains(self.alice.get(f"/models/{name}/"), "come without a statement")
        self.assertNotContains(self.alice.get("/models/artistic-x/"), "come without a statement")

    def test_a_licence_is_explained(self) -> None:
        self.assertContains(self.alice.get("/models/stable-x/"), "under the MIT licence: use them")
        coloria = self.alice.get("/models/coloria/")
        self.assertContains(coloria, "under the Apache License 2.0: use them")
        self.assertContains(coloria, "research only")

    def test_checksums_are_those_published_or_those_noted(self) -> None:
        self.assertContains(self.alice.get("/models/zhang-eccv16/"), "<code>9b330a0b</code>")
        self.assertContains(self.alice.get("/models/stable-x/"), "No SHA-256 is published")
        noted = records.Record(
            (records.Origin("EG_011.ckpt", "ab" * 32, 421_000_000, "", False),),
            "cd" * 32,
            9,
            9,
            "2026-03-01T12:00:00+00:00",
        )
        with mock.patch("ml.records.read", return_value=noted):
            page = self.alice.get("/models/bigcolor-x/")
        self.assertContains(page, f"<code>{'ab' * 32}</code>")
        self.assertContains(page, "its publisher gives none")
        self.assertContains(page, "Taken in on March 1, 2026.")
        self.assertNotContains(page, "other weights than the published ones")

    def test_weights_that_are_not_the_published_ones_say_so(self) -> None:
        file = records.Origin("mine.pth", "ab" * 32, 129_000_000, "", False)
        noted = records.Record((file,), "cd" * 32, 9, 9, "2026-03-01T12:00:00+00:00")
        with (
            mock.patch("ml.records.read", return_value=noted),
            mock.patch("colorize.catalogue.state", return_value="installed"),
        ):
            zhang, own = (self.alice.get(f"/models/{n}/") for n in ("zhang-eccv16", "cnn"))
        self.assertContains(zhang, "other weights than the published ones")
        self.assertContains(zhang, "the published file has another")
        self.assertNotContains(zhang, "its publisher gives none")
        self.assertNotContains(own, "other weights than the published ones")
        self.assertNotContains(own, "publisher gives")

    def test_a_record_that_makes_no_sense_is_no_error(self) -> None:
        place = Path(settings.COLORIA_WEIGHTS) / "artistic"
        place.mkdir()
        self.addCleanup(place.rmdir)
        (place / records.RECORD).write_text("{")
        self.addCleanup((place / records.RECORD).unlink)
        self.assertContains(self.alice.get("/models/artistic/"), "Damaged weights")


class MeasuredTests(BaseTestCase):
    def test_a_model_is_compared_with_grey(self) -> None:
        with carded(measured=MEASURED):
            page = self.alice.get("/models/fake/")
        self.assertContains(page, "Better than grey on 7 of them")
        self.assertNotContains(page, WORSE)
        self.assertNotContains(page, CHANCE)
        self.assertNotContains(page, ELSEWHERE)

    def test_a_model_that_does_not_surely_beat_grey_is_flagged_on_both_pages(self) -> None:
        for verdict, words in (("does not beat grey", WORSE), ("may be chance", CHANCE)):
            with carded(measured=MEASURED | {"verdict": verdict}):
                for address in ("/models/fake/", "/models/"):
                    self.assertContains(self.alice.get(address), words)

    def test_a_lead_that_may_be_chance_is_said_in_french(self) -> None:
        with carded(measured=MEASURED | {"verdict": "may be chance"}):
            page = self.alice.get("/models/fake/", headers={"Accept-Language": "fr"})
        self.assertContains(page, "intervalle à 95\u00a0% de la")

    def test_every_card_has_the_verdict_of_its_figures(self) -> None:
        for path in catalogue.CARDS.glob("*.json"):
            found = json.loads(path.read_text()).get("measured")
            if found:
                assert found["verdict"] == figures.verdict(found["de00_minus_grey"]), path

    def test_figures_of_other_weights_say_so(self) -> None:
        with carded(measured=MEASURED | {"weights_sha256": "0" * 64}):
            self.assertContains(self.alice.get("/models/fake/"), ELSEWHERE)

    def test_nothing_measured_is_said(self) -> None:
        self.assertContains(self.alice.get("/models/fake/"), "Not measured here")

    def test_speed_and_memory_are_shown_where_the_card_has_them(self) -> None:
        with carded(speed={"seconds": 3.21}, memory_mb=2345):
            page = self.alice.get("/models/fake/")
        self.assertContains(page, "3.21 s")
        self.assertContains(page, "2,345 MB")
        self.assertNotContains(self.alice.get("/models/fake/"), "<dt>Memory</dt>")

    def test_numbers_follow_the_language(self) -> None:
        with carded(measured=MEASURED):
            page = self.alice.get("/models/fake/", headers={"Accept-Language": "fr"})
        self.assertContains(page, "12345,68")

    def test_cards_hold_figures_not_sentences(self) -> None:
        """What people read is in the templates, where it can be translated."""
        for path in Path("ml/cards").glob("*.json"):
            card = json.loads(path.read_text())
            assert card.keys() <= {"training", "measured", "subsets", "speed", "memory_mb"}, path

    def test_the_failures_of_the_bundled_model_are_shown(self) -> None:
        page = self.alice.get("/models/coloria/")
        self.assertContains(page, "Known failures")
        self.assertContains(page, 'alt="True colours beside the result of the model"', 2)
        self.assertNotContains(self.alice.get("/models/fake/"), "Known failures")

    def test_what_the_bundled_model_finds_hard_is_told_in_figures(self) -> None:
        row = {"photos": 38, "grey": 13.65, "de00": 7.04, "better_pct": 89}
        with carded(subsets={"faces": row}):
            page = self.alice.get("/models/coloria/")
        cells = "<td>38</td><td>13.7</td><td>7.0</td><td>89 %</td>"
        self.assertContains(page, f'<tr><th scope="row">Faces, close</th>{cells}</tr>', html=True)
        self.assertNotContains(page, "Cats and dogs")


class ListTests(BaseTestCase):
    def test_every_model_is_listed_those_installed_first(self) -> None:
        page = self.alice.get("/models/").content.decode()
        ready, _, lacking = page.partition("<h2>Not on this server</h2>")
        for spec in registry.MODELS.values():
            state = registry.state(spec, settings.COLORIA_WEIGHTS)
            place = ready if state == "installed" else lacking
            assert f'<h3><a href="/models/{spec.name}/">{spec.title}</a></h3>' in place

    def test_the_command_of_every_missing_model_is_there(self) -> None:
        page = self.alice.get("/models/")
        for name in ("artistic-x", "stable-x", "bigcolor-x", "zhang-eccv16", "zhang-siggraph17"):
            self.assertContains(page, f"python manage.py weights fetch {name}\n", 1)
        for name in ("artistic", "stable", "bigcolor", "cnn"):
            self.assertContains(page, f"python manage.py weights add {name} ", 1)

    def test_a_recommended_model_that_is_not_there_says_so(self) -> None:
        self.assertContains(self.alice.get("/models/"), "(not on this server)", 4)

    def test_programs_get_the_translation_too(self) -> None:
        rows = self.alice.get("/api/v1/models", headers={"Accept-Language": "fr"}).json()
        told = {row["name"]: row["summary"] for row in rows}
        assert told["cnn"].startswith("Le réseau le plus simple")

    def test_the_ways_that_are_not_built_are_told(self) -> None:
        """S006-S008: strokes, examples, Larsson's network, transformers."""
        page = self.alice.get("/models/")
        for way in ("strokes of colour", "similar photograph", "Larsson", "transformer"):
            self.assertContains(page, way)

    def test_a_server_without_models_says_so(self) -> None:
        with mock.patch("colorize.catalogue.state", return_value="missing"):
            self.assertContains(self.alice.get("/models/"), "No model is installed.")

    def test_the_sentences_of_the_registry_are_translated(self) -> None:
        page = self.alice.get("/models/", headers={"Accept-Language": "fr"})
        for name in REAL:
            self.assertNotContains(page, registry.get(name).summary)
            with translation.override("fr"):
                self.assertContains(page, translation.gettext(registry.get(name).summary))


class ComparisonTests(SimpleTestCase):
    """S020: the report's table, put right where it is wrong."""

    def has(self, name: str) -> dict[str, str]:
        found = guide.Row(registry.get(name), "installed", None)
        return dict(zip(guide.TRAITS, found.traits, strict=True))

    def test_every_model_has_a_line(self) -> None:
        assert [row.spec.name for row in guide.compared()] == REAL

    def test_the_networks_are_what_they_are(self) -> None:
        traits = {name: {t for t, v in self.has(name).items() if v == "yes"} for name in REAL}
        assert {n for n in REAL if "unet" not in traits[n]} == {
            "bigcolor-x",
            "bigcolor",
            "zhang-eccv16",  # not a U-Net, whatever the report says of Zhang's
        }
        assert {n for n in REAL if "resnet34" in traits[n]} == {"artistic-x", "artistic"}
        assert {n for n in REAL if "resnet101" in traits[n]} == {"stable-x", "stable"}
        assert all("cnn" in traits[n] and "supervised" in traits[n] for n in REAL)

    def test_only_a_critic_learns_without_pairs(self) -> None:
        for name in REAL:
            found = self.has(name)
            assert found["unsupervised"] == ("partly" if found["gan"] == "yes" else "no")

    def test_x_stands_for_published_weights(self) -> None:
        """S017."""
        for name in REAL:
            origin = guide.Row(registry.get(name), "installed", None).origin
            wanted = name.endswith("-x") or name.startswith("zhang")
            assert (origin == "published") == wanted, name


class DrawingTests(SimpleTestCase):
    def test_every_network_has_a_drawing_that_agrees_with_the_comparison(self) -> None:
        for kind, drawing in DRAWINGS.items():
            assert bool(drawing.across) == ("unet" in guide.HAS[kind]), kind
            assert drawing.critic == ("gan" in guide.HAS[kind]), kind
        assert DRAWINGS.keys() == guide.HAS.keys()

    def test_blocks_and_arrows_lie_within_the_drawing(self) -> None:
        for drawing in DRAWINGS.values():
            blocks = [*drawing.encoder, *drawing.decoder, drawing.neck]
            assert all(0 <= b.x < b.right <= WIDTH and b.below <= drawing.height for b in blocks)
            assert all(arrow.x1 < arrow.x2 and arrow.y1 == arrow.y2 for arrow in drawing.across)

    def test_the_decoder_mirrors_the_encoder(self) -> None:
        drawing = DRAWINGS["stable"]
        for left, right in zip(drawing.encoder, drawing.decoder, strict=True):
            assert (left.x, left.y, left.width) == (WIDTH - right.right, right.y, right.width)

    def test_a_screen_reader_hears_what_the_drawing_shows(self) -> None:
        template = get_template("models/_drawing.html")
        for kind, wanted in {"stable": "5 arrows lead", "bigcolor": "No arrow leads"}.items():
            shown = {"drawing": DRAWINGS[kind], "spec": fakes.SPEC}
            with translation.override("en"):  # whatever the test before asked for
                text = template.render(shown)
            assert "<title id=" in text and wanted in text
