"""The settings of a job: the same bounds and sentences for forms and programs (S016)."""

import json
import re

from tests.base import BaseTestCase, upload
from tests.fakes import InlineHost

JSON = {"accept": "application/json"}


class SettingsTests(BaseTestCase):
    WRONG = (
        ("strength", "2.1", "The strength of the colour is a number from 0 to 2."),
        ("strength", "nan", "The strength of the colour is a number from 0 to 2."),
        ("render_factor", "6", "The render factor is a whole number from 7 to 45."),
        ("render_factor", "46", "The render factor is a whole number from 7 to 45."),
        ("render_factor", "7.5", "The render factor is a whole number from 7 to 45."),
        ("seed", "-1", "The seed is a whole number from 0 to 4294967295."),
        ("seed", "4294967296", "The seed is a whole number from 0 to 4294967295."),
        ("label", "1000", "The subject is a number from 0 to 999 or the name of"),
        ("label", "-1", "The subject is a number from 0 to 999 or the name of"),
        ("label", "my aunt", "The subject is a number from 0 to 999 or the name of"),
        ("candidates", "0", "The candidates are a whole number from 1 to 5."),
        ("candidates", "6", "The candidates are a whole number from 1 to 5."),
        ("raw", "perhaps", "The raw output is wished with true or false."),
        ("hints", "red", "Hints are a list of {x, y, rgb}."),
        ("hints", "{}", "Hints are a list of {x, y, rgb}."),
        ("hints", "[" * 100_000, "Hints are a list of {x, y, rgb}."),
    )

    def test_a_value_out_of_bounds_is_named_alike_by_page_and_api(self) -> None:
        for name, value, sentence in self.WRONG:
            for address, field in (("/api/v1/photos", "image"), ("/upload", "photos")):
                with self.subTest(f"{address} {name}={value[:9]}"):
                    fields = {field: upload(), "model": "fake", name: value}
                    answer = self.alice.post(address, fields, headers=JSON)
                    assert answer.status_code == 400
                    assert answer.json()["detail"].startswith(sentence)

    def test_a_wrong_hint_is_named_by_its_place(self) -> None:
        right = {"x": 0, "y": 0.25, "rgb": [0, 128, 255]}
        wrong = (
            right | {"x": 1.01},
            right | {"y": True},
            right | {"y": "0.5"},
            right | {"x": float("nan")},
            right | {"rgb": [0, 128, 256]},
            right | {"rgb": [0, 128]},
            right | {"rgb": [0.5, 1, 1]},
            right | {"rgb": "abc"},
            {"x": 0, "y": 0},
            [0, 0, 0],
            None,
        )
        for hint in wrong:
            with self.subTest(hint):
                fields = {"image": upload(), "model": "fake", "hints": json.dumps([right, hint])}
                answer = self.alice.post("/api/v1/photos", fields)
                assert answer.status_code == 400
                assert answer.json()["detail"].startswith("Hint 2 is not right")

    def test_five_hundred_hints_are_enough(self) -> None:
        hint = {"x": 0.5, "y": 0.5, "rgb": [1, 2, 3]}
        assert len(self.job(self.send(hints=json.dumps([hint] * 500))).settings["hints"]) == 500
        fields = {"image": upload(), "model": "fake", "hints": json.dumps([hint] * 501)}
        answer = self.alice.post("/api/v1/photos", fields)
        assert answer.json()["detail"] == "A photo takes up to 500 hints; these are 501."

    def test_hints_reach_the_model_as_hints(self) -> None:
        host = InlineHost()
        self.send(hints='[{"x": 0.25, "y": 1, "rgb": [255, 0, 7]}]', label="tabby")
        self.run_worker(host)
        (hint,) = host.orders[0].settings.hints
        assert (hint.x, hint.y, hint.rgb) == (0.25, 1.0, (255, 0, 7))
        assert host.orders[0].settings.label == 281

    def test_a_subject_is_found_by_number_and_by_name(self) -> None:
        for written, label in (("151", 151), ("chihuahua", 151), ("151 Chihuahua", 151), ("0", 0)):
            with self.subTest(written):
                assert self.job(self.send(label=written)).settings["label"] == label

    def test_the_thousand_names_are_listed_in_their_order(self) -> None:
        names = self.alice.get("/api/v1/classes").json()
        assert (len(names), names[0], names[151], names[999]) == (
            1000,
            "tench",
            "Chihuahua",
            "toilet tissue",
        )

    def test_a_program_hears_of_a_setting_that_its_model_does_not_read(self) -> None:
        fields = {"image": upload(), "model": "plain", "seed": "3"}
        answer = self.alice.post("/api/v1/photos", fields)
        assert (answer.status_code, answer.json()["code"]) == (400, "unread_option")
        assert answer.json()["detail"] == "Plain does not read the setting seed."

    def test_only_what_a_model_reads_is_offered_for_it(self) -> None:
        page = self.alice.get("/").content.decode()
        found = re.search(r'<script id="reads" type="application/json">(.*?)</script>', page)
        assert found and json.loads(found[1])["plain"] == ["strength"]
        assert {"seed", "strength", "label", "hints"} <= set(json.loads(found[1])["all"])

    def test_the_settings_are_shown_with_the_result(self) -> None:
        photo = self.coloured(
            label="281", render_factor="12", seed="77", strength="1.4", candidates="3", raw="on"
        )
        page = self.alice.get(f"/photos/{photo.pk}/").content.decode()
        text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
        for words in (
            "Colour vivid",
            "Render factor 12",
            "tabby (281)",
            "Seed 77",
            "Tries 3",
            "Raw output yes",
        ):
            assert words in text
