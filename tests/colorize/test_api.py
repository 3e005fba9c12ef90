"""The API: the contract's JSON, and who may call it (S184)."""

from uuid import uuid4

from django.test import Client

from colorize.models import Job
from tests.base import NOON, BaseTestCase, at, media, minutes, upload

JOB_KEYS = """id photo model state position eta_s progress settings created started finished
    expires seconds download error preview"""
PHOTO_KEYS = "id name width height bytes created expires preview jobs"


class ApiTests(BaseTestCase):
    def test_an_upload_is_accepted_and_says_where_to_ask(self) -> None:
        answer = self.alice.post("/api/v1/photos", {"image": upload(), "model": "fake"})
        assert answer.status_code == 202
        assert answer["Location"] == f"/api/v1/photos/{answer.json()['id']}"
        assert answer["Retry-After"] == "1"

    def test_a_photo_has_the_fields_of_the_contract(self) -> None:
        shown = self.alice.get(f"/api/v1/photos/{self.send().pk}").json()
        assert set(PHOTO_KEYS.split()) <= set(shown)
        assert set(JOB_KEYS.split()) <= set(shown["jobs"][0])

    def test_a_queued_job_tells_its_place_and_no_deadline(self) -> None:
        self.send()
        (job,) = self.alice.get(f"/api/v1/photos/{self.send().pk}").json()["jobs"]
        assert (job["state"], job["position"], job["expires"]) == ("queued", 2, None)
        assert job["eta_s"] > 0

    def test_a_finished_job_tells_its_deadline_and_its_files(self) -> None:
        with at(NOON):
            photo = self.coloured()
            job = self.alice.get(f"/api/v1/jobs/{self.job(photo).pk}").json()
        assert (job["state"], job["progress"], job["error"]) == ("done", 1.0, None)
        assert job["expires"] == "2026-03-01T12:10:00Z"
        assert job["download"] == f"/download/{job['id']}"

    def test_after_the_deadline_a_job_reads_expired_before_any_sweep(self) -> None:
        with at(NOON):
            photo = self.coloured()
        with at(NOON + minutes(10.1)):
            shown = self.alice.get(f"/api/v1/photos/{photo.pk}").json()
        assert shown["preview"] is None
        assert (shown["jobs"][0]["state"], shown["jobs"][0]["download"]) == ("expired", None)

    def test_delete_removes_the_files_before_it_answers(self) -> None:
        photo = self.coloured()
        assert self.alice.delete(f"/api/v1/photos/{photo.pk}").status_code == 204
        assert media() == []

    def test_delete_of_a_job_cancels_it(self) -> None:
        photo = self.send()
        assert self.alice.delete(f"/api/v1/jobs/{self.job(photo).pk}").status_code == 204
        assert self.job(photo).state == Job.State.CANCELLED

    def test_upload_names_what_it_refused(self) -> None:
        files = [upload("a.png"), upload("b.png", b"text")]
        answer = self.alice.post("/api/v1/upload", {"photos": files, "model": "fake"})
        assert answer.status_code == 202
        assert [photo["name"] for photo in answer.json()["photos"]] == ["a.png"]
        assert [error["name"] for error in answer.json()["errors"]] == ["b.png"]

    def test_upload_answers_with_the_first_refusal_where_nothing_was_taken(self) -> None:
        files = [upload("a.png", b"text"), upload("b.png", b"")]
        answer = self.alice.post("/api/v1/upload", {"photos": files, "model": "fake"})
        told = answer.json()
        assert (answer.status_code, told["code"]) == (415, "unsupported_type")
        assert told["detail"] == told["errors"][0]["detail"] and "a.png" in told["detail"]
        assert told["docs"] == "/api/docs/errors/unsupported_type/" and told["photos"] == []
        assert [error["name"] for error in told["errors"]] == ["a.png", "b.png"]
        assert "Retry-After" not in answer

    def test_models_tell_what_is_installed(self) -> None:
        rows = {row["name"]: row for row in self.alice.get("/api/v1/models").json()}
        assert rows["fake"]["state"] == "installed"
        assert "coloria" in rows

    def test_two_images_in_one_photo_are_refused(self) -> None:
        answer = self.alice.post("/api/v1/photos", {"image": [upload(), upload()]})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")

    def test_refusals_are_json_with_a_code(self) -> None:
        """S147."""
        for method, address, status in (
            ("get", f"/api/v1/photos/{uuid4()}", 404),
            ("get", "/api/v1/nothing", 404),
            ("put", "/api/v1/photos", 405),
            ("post", "/api/v1/photos", 400),
        ):
            with self.subTest(address):
                answer = getattr(self.alice, method)(address)
                assert answer.status_code == status
                assert {"detail", "code"} <= set(answer.json())

    def test_an_unknown_content_type_is_refused(self) -> None:
        answer = self.alice.post("/api/v1/photos", b"x", content_type="application/x-tar")
        assert answer.status_code in (400, 415) and "code" in answer.json()

    def test_a_program_needs_no_token_although_it_keeps_cookies(self) -> None:
        client = Client(enforce_csrf_checks=True)
        self.send(client)
        photo = self.send(client)
        assert client.delete(f"/api/v1/photos/{photo.pk}").status_code == 204

    def test_a_browsers_session_needs_a_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        photo = self.send(client)
        here = "http://testserver"
        for name, value in (("origin", here), ("referer", here), ("sec-fetch-site", "none")):
            with self.subTest(name):
                answer = client.delete(f"/api/v1/photos/{photo.pk}", headers={name: value})
                assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
        assert media()

    def test_a_guest_with_a_token_may_delete(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.get("/")
        token = client.cookies["csrftoken"].value
        fields = {"image": upload(), "model": "fake"}
        headers = {"x-csrftoken": token, "sec-fetch-site": "same-origin"}
        sent = client.post("/api/v1/photos", fields, headers=headers)
        address = f"/api/v1/photos/{sent.json()['id']}"
        assert client.delete(address, headers=headers).status_code == 204

    def test_another_sites_form_is_refused_even_without_cookies(self) -> None:
        client = Client(enforce_csrf_checks=True, headers={"origin": "https://evil.example"})
        answer = client.post("/api/v1/photos", {"image": upload(), "model": "fake"})
        assert answer.status_code == 403

    def test_polling_is_cheap(self) -> None:
        for _ in range(3):
            photo = self.send()
        with self.assertNumQueries(5):  # session, photo, its jobs, the queue, what is paused
            self.alice.get(f"/api/v1/photos/{photo.pk}")
