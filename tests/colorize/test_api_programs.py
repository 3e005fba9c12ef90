"""What programs rely on: waiting, keys against doing things twice, lists, ETags, CORS."""

import threading
import time
from datetime import timedelta
from unittest import mock
from uuid import uuid4

from django.test import Client, override_settings

from accounts.models import User
from colorize.api import wait
from colorize.api.idempotency import fingerprint
from colorize.models import Job, Photo
from colorize.once import Once
from colorize.sweep import forget
from tests.base import NOON, BaseTestCase, at, media, minutes, picture, upload

KEY = {"Idempotency-Key": "7f3b"}


class WaitTests(BaseTestCase):
    def meanwhile(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.run_worker()

    def setUp(self) -> None:
        super().setUp()
        self.slept: list[float] = []

    def test_the_answer_comes_with_the_colours(self) -> None:
        fields = {"image": upload(), "model": "fake"}
        with mock.patch("colorize.api.wait.time.sleep", self.meanwhile):
            answer = self.alice.post("/api/v1/photos?wait=20", fields)
        assert answer.status_code == 200 and len(self.slept) == 1
        assert answer.json()["jobs"][0]["state"] == "done"
        assert "Retry-After" not in answer and "Location" in answer

    def test_a_photo_and_a_job_can_be_waited_for(self) -> None:
        for kind in ("photos", "jobs"):
            photo = self.send()
            pk = photo.pk if kind == "photos" else self.job(photo).pk
            with mock.patch("colorize.api.wait.time.sleep", self.meanwhile):
                shown = self.alice.get(f"/api/v1/{kind}/{pk}?wait=5").json()
            assert shown.get("jobs", [shown])[0]["state"] == "done"

    def test_when_the_time_is_up_the_answer_is_what_there_is(self) -> None:
        started = time.monotonic()
        answer = self.alice.post("/api/v1/photos?wait=0.5", {"image": upload(), "model": "fake"})
        assert 0.4 < time.monotonic() - started < 5
        assert (answer.status_code, answer["Retry-After"]) == (202, "1")

    def test_what_has_ended_is_not_waited_for(self) -> None:
        photo = self.coloured()
        with mock.patch("colorize.api.wait.time.sleep", self.meanwhile):
            self.alice.get(f"/api/v1/photos/{photo.pk}?wait=20")
        assert self.slept == []

    def test_where_enough_wait_already_the_answer_comes_at_once(self) -> None:
        photo = self.send()
        full = threading.BoundedSemaphore(1)
        full.acquire()
        with mock.patch.object(wait, "slots", full):
            started = time.monotonic()
            answer = self.alice.get(f"/api/v1/photos/{photo.pk}?wait=20")
        assert answer.status_code == 200 and time.monotonic() - started < 5

    def test_a_place_is_given_back(self) -> None:
        with mock.patch.object(wait, "slots", threading.BoundedSemaphore(1)):
            for _ in range(2):
                self.alice.post("/api/v1/photos?wait=0.01", {"image": upload(), "model": "fake"})
            assert wait.slots.acquire(blocking=False)

    def test_a_stranger_waits_for_nothing(self) -> None:
        photo = self.send()
        with mock.patch("colorize.api.wait.time.sleep", self.meanwhile):
            assert self.bob.get(f"/api/v1/photos/{photo.pk}?wait=20").status_code == 404
        assert self.slept == []

    def test_nobody_waits_for_ever_or_for_nonsense(self) -> None:
        for seconds in ("1e9", "-1", "soon", "nan", "inf"):
            answer = self.alice.post(f"/api/v1/photos?wait={seconds}", {"image": upload()})
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
        assert not Photo.objects.exists()


class KeyTests(BaseTestCase):
    def post(self, client: Client | None = None, **fields: object) -> object:
        fields = {"image": upload(), "model": "fake"} | fields
        return (client or self.alice).post("/api/v1/photos", fields, headers=KEY)

    def setUp(self) -> None:
        super().setUp()
        self.send()  # Alice and Bob are known by their cookies
        self.send(self.bob)
        Photo.objects.all().delete()

    def test_the_same_again_is_the_same_photo(self) -> None:
        first, second = self.post(), self.post()
        assert first.json()["id"] == second.json()["id"] and Job.objects.count() == 1
        assert "Idempotent-Replayed" not in first and second["Idempotent-Replayed"] == "true"
        assert second["Location"] == first["Location"]

    def test_another_picture_name_or_setting_is_a_conflict(self) -> None:
        self.post()
        for fields in (
            {"image": upload(content=picture((30, 20)))},
            {"image": upload("other.png")},
            {"seed": 2},
        ):
            answer = self.post(**fields)
            assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")
        assert Photo.objects.count() == 1

    def test_the_key_of_another_address_is_a_conflict(self) -> None:
        self.post()
        answer = self.alice.post(
            "/api/v1/upload", {"photos": upload(), "model": "fake"}, headers=KEY
        )
        assert answer.status_code == 409

    def test_the_key_with_more_files_than_are_read_is_a_conflict(self) -> None:
        photo = self.post().json()
        photos = [upload(f"{n}.png") for n in range(6)]
        for address, field in (
            ("/api/v1/photos", "image"),
            ("/api/v1/upload", "photos"),
            (f"/api/v1/photos/{photo['id']}/jobs", "image"),
        ):
            answer = self.alice.post(address, {field: photos, "model": "fake"}, headers=KEY)
            assert answer.status_code in (400, 409) and answer.json()["code"], address
        assert Photo.objects.count() == 1

    def test_everybody_has_their_own_keys(self) -> None:
        assert self.post().json()["id"] != self.post(self.bob).json()["id"]

    def test_an_account_has_its_keys_wherever_it_signs_in(self) -> None:
        user = User.objects.create_user("alice@example.org")
        ids = set()
        for _ in range(2):
            client = Client()
            client.force_login(user)
            ids.add(self.post(client).json()["id"])
        assert len(ids) == 1

    def test_a_refusal_is_not_remembered(self) -> None:
        assert self.post(image=upload(content=b"text")).status_code == 415
        assert self.post().status_code == 202

    def test_a_repetition_costs_nothing(self) -> None:
        left = [self.post()["RateLimit"].split("versions")[1].split(";")[1] for _ in range(3)]
        assert left == ["r=197"] * 3  # two were sent before

    def test_a_key_ends_with_its_photo(self) -> None:
        first = self.post().json()["id"]
        Photo.objects.get(pk=first).purge()
        assert self.post().json()["id"] != first

    def test_a_key_ends_after_a_day(self) -> None:
        with at(NOON):
            self.post()
        with at(NOON + timedelta(hours=25)):
            forget()
        assert not Once.objects.exists()

    def test_several_photos_come_again_with_what_was_refused(self) -> None:
        answers = [
            self.alice.post(
                "/api/v1/upload",
                {"photos": [upload("a.png"), upload("b.png", b"text")], "model": "fake"},
                headers=KEY,
            ).json()
            for _ in range(2)
        ]
        assert answers[0]["photos"][0]["id"] == answers[1]["photos"][0]["id"]
        assert answers[0]["errors"] == answers[1]["errors"] != []

    def test_colouring_once_more_happens_once(self) -> None:
        photo = self.send()
        for _ in range(2):
            answer = self.alice.post(
                f"/api/v1/photos/{photo.pk}/jobs",
                {"model": "fake", "hints": [{"x": 0.5, "y": 0.5, "rgb": [1, 2, 3]}]},
                content_type="application/json",
                headers=KEY,
            )
        assert answer.status_code == 202 and photo.jobs.count() == 2

    def test_a_strange_key_is_refused(self) -> None:
        for key in ("a b", "é", "x" * 256):
            answer = self.alice.post(
                "/api/v1/photos",
                {"image": upload(), "model": "fake"},
                headers={"Idempotency-Key": key},
            )
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")

    def test_the_database_cannot_tell_which_picture_it_was(self) -> None:
        request = mock.Mock(path="/api/v1/photos", data={"image": upload()})
        ours = fingerprint(request)
        with override_settings(SECRET_KEY="another"):
            assert fingerprint(request) != ours


class ListTests(BaseTestCase):
    def names(self, query: str = "", client: Client | None = None) -> list[str]:
        answer = (client or self.alice).get(f"/api/v1/photos{query}")
        assert answer.status_code == 200, answer.content
        return [photo["name"] for photo in answer.json()["results"]]

    def test_pages_follow_one_another_without_a_gap(self) -> None:
        for number in range(5):
            self.send(name=f"{number}.png")
        address, seen = "/api/v1/photos?page_size=2", []
        while address:
            page = self.alice.get(address).json()
            seen += [photo["name"] for photo in page["results"]]
            address = page["next"]
        assert seen == ["4.png", "3.png", "2.png", "1.png", "0.png"]

    def test_photos_are_found_by_state_model_and_date(self) -> None:
        with at(NOON):
            self.coloured(name="old.png")
        with at(NOON + minutes(30)):
            self.coloured(name="done.png")
        with at(NOON + minutes(31)):
            self.send(name="new.png", model="plain")
            assert self.names("?state=expired") == ["old.png"]
            assert self.names("?state=done") == ["done.png"]
            assert self.names("?model=plain") == ["new.png"]
            assert self.names("?created_before=2026-03-01T12:10:00Z") == ["old.png"]
            assert self.names("?created_after=2026-03-01T12:10:00Z") == ["new.png", "done.png"]

    def test_a_photo_with_two_such_jobs_is_listed_once(self) -> None:
        photo = self.coloured()
        self.alice.post(f"/api/v1/photos/{photo.pk}/jobs", {"model": "fake", "seed": 2})
        assert len(self.names("?model=fake")) == 1

    def test_jobs_are_found_by_photo_and_state(self) -> None:
        photo = self.coloured()
        self.send()
        rows = self.alice.get(f"/api/v1/jobs?photo={photo.pk}").json()["results"]
        assert [row["photo"] for row in rows] == [str(photo.pk)]
        rows = self.alice.get("/api/v1/jobs?state=queued").json()["results"]
        assert [row["state"] for row in rows] == ["queued"]

    def test_a_stranger_lists_nothing(self) -> None:
        photo = self.send()
        assert self.names(client=self.bob) == []
        for query in ("", f"?photo={photo.pk}"):
            assert self.bob.get(f"/api/v1/jobs{query}").json()["results"] == []

    def test_nonsense_is_refused(self) -> None:
        for query, status in (
            ("?state=lost", 400),
            ("?created_after=yesterday", 400),
            ("?created_after=0001-01-01T00:00:00%2B14:00", 400),
            ("?model=%00", 400),
            ("?cursor=nonsense", 404),
            ("?cursor=cD1ub25zZW5zZQ==", 404),  # p=nonsense
        ):
            with self.subTest(query):
                assert self.alice.get(f"/api/v1/photos{query}").status_code == status
        assert self.alice.get("/api/v1/jobs?photo=1").status_code == 400

    def test_a_long_list_takes_few_queries(self) -> None:
        for _ in range(4):
            self.send()
        with self.assertNumQueries(5):  # session, photos, jobs, queue, pauses
            self.alice.get("/api/v1/photos")


class AnswerTests(BaseTestCase):
    def test_what_has_not_changed_is_not_sent_again(self) -> None:
        photo = self.coloured()
        for address in (f"/api/v1/photos/{photo.pk}", f"/api/v1/jobs/{self.job(photo).pk}"):
            etag = self.alice.get(address)["ETag"]
            answer = self.alice.get(address, headers={"if-none-match": etag})
            assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)
            assert "RateLimit" in answer

    def test_what_has_changed_is_sent(self) -> None:
        photo = self.send()
        address = f"/api/v1/jobs/{self.job(photo).pk}"
        etag = self.alice.get(address)["ETag"]
        self.run_worker()
        answer = self.alice.get(address, headers={"if-none-match": etag})
        assert answer.status_code == 200 and answer["ETag"] != etag

    def test_a_stranger_learns_nothing_by_an_etag(self) -> None:
        photo = self.send()
        answer = self.bob.get(f"/api/v1/photos/{photo.pk}", headers={"if-none-match": "*"})
        assert answer.status_code == 404

    def test_fetching_may_delete(self) -> None:
        job = self.job(self.coloured())
        answer = self.alice.get(f"/api/v1/jobs/{job.pk}/download?delete=1")
        assert answer.status_code == 200 and len(answer.getvalue()) > 50
        assert media() == []
        assert self.alice.get(f"/api/v1/jobs/{job.pk}/download").status_code == 410

    def test_asking_for_the_headers_alone_deletes_nothing(self) -> None:
        job = self.job(self.coloured())
        self.alice.head(f"/api/v1/jobs/{job.pk}/download?delete=1")
        assert self.alice.get(f"/api/v1/jobs/{job.pk}/download").status_code == 200

    def test_a_link_on_another_site_deletes_nothing(self) -> None:
        job = self.job(self.coloured())
        for address in (f"/api/v1/jobs/{job.pk}/download", f"/download/{job.pk}"):
            answer = self.alice.get(f"{address}?delete=1", headers={"sec-fetch-site": "cross-site"})
            assert answer.status_code == 403 and media() != []

    def test_a_stranger_deletes_nothing(self) -> None:
        job = self.job(self.coloured())
        assert self.bob.get(f"/api/v1/jobs/{job.pk}/download?delete=1").status_code == 404
        assert media() != []

    def test_gone_says_since_when(self) -> None:
        with at(NOON):
            job = self.job(self.coloured())
        with at(NOON + minutes(11)):
            answer = self.alice.get(f"/api/v1/jobs/{job.pk}/download")
        assert (answer.status_code, answer.json()["code"]) == (410, "expired")
        assert answer.json()["deleted"] == "2026-03-01T12:10:00Z"
        assert "12:10 UTC" in answer.json()["detail"]

    def test_all_is_every_installed_model(self) -> None:
        answer = self.alice.post("/api/v1/photos", {"image": upload(), "model": "all"}).json()
        installed = [
            row["name"]
            for row in self.alice.get("/api/v1/models").json()
            if row["state"] == "installed"
        ]
        assert [job["model"] for job in answer["jobs"]] == installed

    def test_the_reports_upload_works_for_a_program(self) -> None:
        client = Client(enforce_csrf_checks=True, headers={"accept": "application/json"})
        answer = client.post("/upload", {"photos": upload(), "model": "fake"})
        assert answer.status_code == 202 and len(answer.json()["photos"]) == 1

    def test_the_reports_upload_guards_a_browsers_session(self) -> None:
        for headers in ({}, {"accept": "application/json", "origin": "https://evil.example"}):
            client = Client(enforce_csrf_checks=True, headers=headers)
            answer = client.post("/upload", {"photos": upload(), "model": "fake"})
            assert answer.status_code == 403
        assert not Photo.objects.exists()


class CorsTests(BaseTestCase):
    HERE = {"origin": "https://archive.example"}

    def test_no_origin_is_allowed_by_itself(self) -> None:
        answer = self.alice.get("/api/v1/models", headers=self.HERE)
        assert "Access-Control-Allow-Origin" not in answer

    @override_settings(CORS_ALLOWED_ORIGINS=["https://archive.example"])
    def test_a_listed_origin_may_read_without_cookies(self) -> None:
        """S134."""
        for address in ("/api/v1/models", f"/api/v1/photos/{uuid4()}"):
            answer = self.alice.get(address, headers=self.HERE)
            assert answer["Access-Control-Allow-Origin"] == "https://archive.example"
            assert "ratelimit" in answer["Access-Control-Expose-Headers"]
            assert "Access-Control-Allow-Credentials" not in answer

    @override_settings(CORS_ALLOWED_ORIGINS=["https://archive.example"], COLORIA_GUEST_CALLS=1)
    def test_a_listed_origin_may_read_that_it_called_too_often(self) -> None:
        answers = [self.alice.get("/api/v1/models", headers=self.HERE) for _ in range(2)]
        assert answers[1].status_code == 429
        assert answers[1]["Access-Control-Allow-Origin"] == "https://archive.example"

    @override_settings(CORS_ALLOWED_ORIGINS=["https://archive.example"])
    def test_a_listed_origin_may_send_a_token_and_a_key(self) -> None:
        answer = self.alice.options(
            "/api/v1/photos",
            headers=self.HERE
            | {
                "access-control-request-method": "POST",
                "access-control-request-headers": "authorization,idempotency-key",
            },
        )
        assert "authorization" in answer["Access-Control-Allow-Headers"]
        assert "idempotency-key" in answer["Access-Control-Allow-Headers"]
        assert "RateLimit" in answer

    @override_settings(CORS_ALLOWED_ORIGINS=["https://archive.example"])
    def test_pages_are_for_nobody_elses_scripts(self) -> None:
        assert "Access-Control-Allow-Origin" not in self.alice.get("/", headers=self.HERE)
