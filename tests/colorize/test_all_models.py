"""One photo through every installed model, and once more with another (S016-S018, S139)."""

import json
import re
from collections.abc import Callable
from typing import Any
from unittest import mock

from colorize.models import Job, Photo
from ml.errors import OutOfMemory
from ml.host import Order, Painted
from tests.base import NOON, BaseTestCase, at, minutes, upload
from tests.fakes import SLEEP, InlineHost

JSON = {"accept": "application/json"}


class Choosy(InlineHost):
    """A host that one model brings down."""

    def colorize(
        self, order: Order, timeout: float, stop: Callable[[], bool] = lambda: False
    ) -> Painted:
        if order.model == "plain":
            raise OutOfMemory("the fake was told so")
        return super().colorize(order, timeout, stop)


class AllModelsTests(BaseTestCase):
    def everything(self, **fields: Any) -> Photo:
        return self.send(model="all", **fields)

    def page(self, photo: Photo) -> str:
        return self.alice.get(f"/photos/{photo.pk}/").content.decode()

    def shown(self, photo: Photo) -> dict[str, dict[str, Any]]:
        jobs = self.alice.get(f"/api/v1/photos/{photo.pk}").json()["jobs"]
        return {job["model"]: job for job in jobs}

    def test_every_installed_model_gets_a_job_of_its_own(self) -> None:
        """S018."""
        models = self.everything().jobs.values_list("model", flat=True)
        assert list(models) == ["coloria", "fake", "plain"]

    def test_each_model_keeps_only_the_settings_that_it_reads(self) -> None:
        kept = self.everything(strength="0.5", seed="7").jobs.values_list("model", "settings")
        assert dict(kept) == {
            "coloria": {"strength": 0.5},
            "fake": {"strength": 0.5, "seed": 7, "candidates": 1, "raw": False},
            "plain": {"strength": 0.5},
        }

    def test_one_failing_model_does_not_hide_the_others(self) -> None:
        photo = self.everything()
        self.run_worker(Choosy())
        jobs = self.shown(photo)
        assert {name: job["state"] for name, job in jobs.items()} == {
            "coloria": "done",
            "fake": "done",
            "plain": "failed",
        }
        page = self.page(photo)
        assert page.count("data-download") == 2 and "needs more memory" in page

    def test_each_version_tells_its_model_its_time_and_its_size(self) -> None:
        """S158."""
        photo = self.everything()
        self.run_worker()
        page, (job, *_) = self.page(photo), self.shown(photo).values()
        assert (job["width"], job["height"]) == (24, 16)
        assert job["bytes"] == len(b"".join(self.alice.get(job["download"]).streaming_content))
        for model in ("coloria", "fake", "plain"):
            assert f'href="/models/{model}/"' in page
        assert len(re.findall("24 . 16 px", page)) == 4 and page.count("Colour ready in") == 3

    def test_the_order_is_that_of_sending_whoever_is_ready_first(self) -> None:
        """S158."""
        photo = self.everything()
        self.finish_last_first(photo)
        titles = re.findall(r'<a href="/models/[a-z]+/">(\w+)</a>', self.page(photo))
        assert titles == ["Coloria", "Fake", "Plain"]

    def finish_last_first(self, photo: Photo) -> None:
        waiting = list(photo.jobs.values_list("pk", flat=True))
        for keep in reversed(waiting):
            others = photo.jobs.filter(state=Job.State.QUEUED).exclude(pk=keep)
            held = list(others.values_list("pk", flat=True))
            others.update(state=Job.State.CANCELLED)
            self.run_worker()
            Job.objects.filter(pk__in=held).update(state=Job.State.QUEUED)

    def test_the_original_stands_beside_several_versions_and_not_beside_one(self) -> None:
        """S159."""
        several, single = self.everything(), self.send()
        self.run_worker()
        assert 'id="version-original"' in self.page(several)
        assert 'id="version-original"' not in self.page(single)

    def test_the_history_counts_the_versions_and_leads_to_them(self) -> None:
        photo = self.everything()
        self.run_worker(Choosy())
        page = self.alice.get("/history/").content.decode()
        assert "2 of 3 colour versions ready" in page
        assert f'class="button primary" href="/photos/{photo.pk}/"' in page

    def test_all_files_go_together_ten_minutes_after_the_last_version(self) -> None:
        with at(NOON):
            photo = self.everything()
            self.run_worker()
            addresses = [job["download"] for job in self.shown(photo).values()]
        for moment, status in ((NOON + minutes(9.9), 200), (NOON + minutes(10.1), 410)):
            with at(moment):
                found = {self.alice.get(str(address)).status_code for address in addresses}
                assert found == {status}

    def test_where_none_is_installed_the_missing_one_is_named(self) -> None:
        with mock.patch("ml.registry.state", return_value="missing"):
            photo = {"image": upload(), "model": "all"}
            answer = self.alice.post("/api/v1/photos", photo)
        assert (answer.status_code, answer.json()["code"]) == (503, "model_unavailable")
        assert not Photo.objects.exists()

    def test_all_models_are_offered_where_there_are_several(self) -> None:
        """S001, S018."""
        assert '<option value="all">All models</option>' in self.alice.get("/").content.decode()


class AgainTests(BaseTestCase):
    def again(self, photo: Photo, **fields: Any) -> Any:
        fields = {"model": "plain"} | fields
        return self.alice.post(f"/api/v1/photos/{photo.pk}/jobs", fields)

    def test_a_photo_is_coloured_again_without_being_sent_again(self) -> None:
        photo = self.coloured()
        answer = self.again(photo)
        assert (answer.status_code, answer["Location"]) == (202, f"/api/v1/photos/{photo.pk}")
        assert [job["model"] for job in answer.json()["jobs"]] == ["fake", "plain"]
        self.run_worker()
        assert set(photo.jobs.values_list("state", flat=True)) == {Job.State.DONE}

    def test_a_program_may_send_json(self) -> None:
        photo, hints = self.coloured(), [{"x": 0.5, "y": 1, "rgb": [255, 0, 7]}]
        body = {"model": "fake", "seed": 3, "label": 151, "raw": True, "hints": hints}
        address = f"/api/v1/photos/{photo.pk}/jobs"
        answer = self.alice.post(address, json.dumps(body), content_type="application/json")
        assert answer.status_code == 202
        settings = answer.json()["jobs"][-1]["settings"]
        assert settings["hints"] == hints
        assert (settings["seed"], settings["label"], settings["raw"]) == (3, 151, True)
        assert answer.json()["jobs"][-1]["subject"] == "Chihuahua"

    def test_json_that_is_no_object_is_refused(self) -> None:
        address = f"/api/v1/photos/{self.coloured().pk}/jobs"
        for body in ("[]", "7", "{", "[" * 100_000):
            with self.subTest(body[:3]):
                answer = self.alice.post(address, body, content_type="application/json")
                assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")

    def test_the_page_leads_back_to_the_new_version(self) -> None:
        photo = self.coloured()
        answer = self.alice.post(f"/photos/{photo.pk}/jobs", {"model": "plain", "seed": "3"})
        new = photo.jobs.get(model="plain")
        assert answer["Location"] == f"/photos/{photo.pk}/#version-{new.pk}"
        assert new.settings == {"strength": 1.0}  # a form without scripts sends every field

    def test_a_setting_out_of_bounds_is_told_on_the_page(self) -> None:
        photo = self.coloured()
        answer = self.alice.post(f"/photos/{photo.pk}/jobs", {"model": "fake", "label": "1000"})
        assert answer.status_code == 400 and "from 0 to 999" in answer.content.decode()

    def test_another_version_differs_by_its_seed_alone(self) -> None:
        photo = self.coloured(label="7", strength="0.6", seed="4")
        page = self.alice.get(f"/photos/{photo.pk}/").content.decode()
        form = page[page.index('name="model" value="fake"') : page.index("Another version")]
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
        assert fields == {
            "model": "fake",
            "label": "7",
            "strength": "0.6",
            "seed": "5",
            "candidates": "1",
            "raw": "false",
        }

    def test_a_model_without_chance_offers_no_other_version(self) -> None:
        photo = self.coloured(model="plain")
        assert "Another version" not in self.alice.get(f"/photos/{photo.pk}/").content.decode()

    def test_the_ten_minutes_begin_again_with_the_new_colours(self) -> None:
        with at(NOON):
            photo = self.coloured()
        with at(NOON + minutes(9)):
            self.again(photo)
            self.run_worker()
        for moment, status in ((NOON + minutes(18.9), 200), (NOON + minutes(19.1), 410)):
            with at(moment):
                assert self.alice.get(f"/photos/{photo.pk}/").status_code == status

    def test_an_expired_photo_is_not_coloured_again(self) -> None:
        with at(NOON):
            photo = self.coloured()
        with at(NOON + minutes(10.1)):
            assert self.again(photo).status_code == 410
            assert self.alice.post(f"/photos/{photo.pk}/jobs").status_code == 410
        assert photo.jobs.count() == 1

    def test_a_deleted_photo_is_not_coloured_again(self) -> None:
        photo = self.coloured()
        photo.purge()
        assert self.again(photo).status_code == 410

    def test_a_visitor_with_many_jobs_waits_for_them(self) -> None:
        photo = self.coloured()
        with mock.patch("colorize.forms.MOST_ACTIVE", 0):
            answer = self.again(photo)
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_jobs")

    def test_a_failed_photo_can_be_tried_with_another_model(self) -> None:
        photo = self.coloured(seed=str(SLEEP))
        self.again(photo)
        self.run_worker()
        assert list(photo.jobs.values_list("state", flat=True)) == ["failed", "done"]

    def test_the_form_proposes_a_model_that_was_not_tried(self) -> None:
        photo = self.coloured(model="coloria")
        page = self.alice.get(f"/photos/{photo.pk}/").content.decode()
        assert '<option value="fake" selected>' in page

    def test_bob_cannot_colour_alices_photo_again(self) -> None:
        photo = self.coloured()
        for address in (f"/photos/{photo.pk}/jobs", f"/api/v1/photos/{photo.pk}/jobs"):
            assert self.bob.post(address, {"model": "plain"}).status_code == 404
        assert photo.jobs.count() == 1
