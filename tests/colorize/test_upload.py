"""What may come in, and what is said of the rest (S138, S139, S144, S145, S146)."""

from pathlib import Path
from unittest import mock

from django.conf import settings
from django.test import override_settings

from colorize import catalogue
from colorize.models import Photo
from ml.images import MIME
from tests.base import BaseTestCase, media, picture, upload

JSON = {"accept": "application/json"}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>'
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


class UploadTests(BaseTestCase):
    def test_one_photo_leads_to_its_page(self) -> None:
        answer = self.alice.post("/upload", {"photos": [upload()], "model": "fake"})
        self.assertRedirects(answer, f"/photos/{Photo.objects.get().pk}/")

    def test_several_photos_lead_to_the_history(self) -> None:
        photos = [upload(f"{n}.png") for n in range(5)]
        answer = self.alice.post("/upload", {"photos": photos, "model": "fake"})
        self.assertRedirects(answer, "/history/")
        assert Photo.objects.count() == 5

    def test_image_is_another_name_of_the_field(self) -> None:
        answer = self.alice.post("/upload", {"image": upload(), "model": "fake"}, headers=JSON)
        assert answer.status_code == 202

    def test_six_photos_are_refused_and_none_is_kept(self) -> None:
        photos = [upload(f"{n}.png") for n in range(6)]
        answer = self.alice.post("/upload", {"photos": photos, "model": "fake"}, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (400, "too_many_files")
        assert answer.json()["detail"].startswith("You chose 6 photos. Send up to 5 at a time")
        assert media() == [] and not Photo.objects.exists()

    def test_a_photo_beyond_the_limit_is_counted_and_not_held_open(self) -> None:
        fields = {"photos": [upload(f"{n}.png") for n in range(8)], "model": "fake"}
        held: list[int] = []
        with mock.patch(
            "colorize.forms.catalogue.chosen",
            wraps=catalogue.chosen,
            side_effect=lambda *_: held.append(len(sizes())) or mock.DEFAULT,
        ):
            answer = self.alice.post("/upload", fields, headers=JSON)
        assert answer.json()["detail"].startswith("You chose 8 photos.")
        assert held == [5]

    def test_photos_count_whatever_their_field_is_called(self) -> None:
        fields = {"other": [upload(f"{n}.png") for n in range(5)], "photos": upload()}
        answer = self.alice.post("/upload", {**fields, "model": "fake"}, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (400, "too_many_files")

    def test_a_request_of_very_many_files_is_not_read_to_its_end(self) -> None:
        photos = [upload(f"{n}.png", b"") for n in range(51)]
        for address, field in (("/upload", "photos"), ("/api/v1/photos", "image")):
            with self.subTest(address), self.assertLogs("django.security.TooManyFilesSent"):
                answer = self.alice.post(address, {field: photos}, headers=JSON)
                assert (answer.status_code, answer.json()["code"]) == (400, "too_many_files")
                assert answer.json()["detail"].startswith("You chose more than 50 photos. Send up")
        with self.assertLogs("django.security.TooManyFilesSent"):
            page = self.alice.post("/upload", {"photos": photos})
        assert page.status_code == 400 and b"You chose more than 50 photos." in page.content
        assert sizes() == []

    def test_all_models_take_one_photo(self) -> None:
        photos = [upload("1.png"), upload("2.png")]
        answer = self.alice.post("/upload", {"photos": photos, "model": "all"}, headers=JSON)
        assert answer.json()["code"] == "too_many_files"

    def test_all_models_queue_one_job_each(self) -> None:
        answer = self.alice.post("/upload", {"photos": [upload()], "model": "all"}, headers=JSON)
        (photo,) = answer.json()["photos"]
        assert "fake" in {job["model"] for job in photo["jobs"]}

    def test_one_bad_photo_does_not_cost_the_other_four(self) -> None:
        photos = [upload(f"{n}.png") for n in range(4)] + [upload("bad.png", b"\x89PNG\r\n\x1a\n")]
        answer = self.alice.post("/upload", {"photos": photos, "model": "fake"}, headers=JSON)
        assert answer.status_code == 202
        assert len(answer.json()["photos"]) == 4
        (error,) = answer.json()["errors"]
        assert (error["name"], error["code"]) == ("bad.png", "bad_image")

    def test_the_page_names_the_refused_photo_while_the_others_go_on(self) -> None:
        photos = [upload("1.png"), upload("2.png"), upload("bad.png", picture()[:50])]
        fields = {"photos": photos, "model": "fake"}
        page = self.alice.post("/upload", fields, follow=True).content.decode()
        assert "&quot;bad.png&quot; is damaged and cannot be opened." in page
        assert "1.png" in page and "2.png" in page

    def test_drawings_and_documents_are_refused_whatever_their_name(self) -> None:
        for content in (SVG, EPS, PDF, b"just text"):
            for name in ("a.jpg", "a.svg", "a.pdf"):
                with self.subTest(name=name, content=content[:8]):
                    photo = {"image": upload(name, content), "model": "fake"}
                    answer = self.alice.post("/api/v1/photos", photo)
                    found = answer.status_code, answer.json()["code"]
                    assert found == (415, "unsupported_type")

    def test_an_empty_file_is_refused(self) -> None:
        photo = {"image": upload("a.jpg", b""), "model": "fake"}
        assert self.alice.post("/api/v1/photos", photo).json()["code"] == "bad_image"

    def test_a_truncated_photo_is_refused_although_its_header_is_whole(self) -> None:
        whole = picture((200, 200), "JPEG")
        photo = {"image": upload("half.jpg", whole[: len(whole) // 2]), "model": "fake"}
        answer = self.alice.post("/api/v1/photos", photo)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_image")

    @override_settings(COLORIA_MAX_MEGAPIXELS=1)
    def test_too_many_pixels_are_refused_by_number(self) -> None:
        photo = {"image": upload("big.png", picture((1500, 1500))), "model": "fake"}
        answer = self.alice.post("/api/v1/photos", photo)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert '"big.png" has' in answer.json()["detail"]

    @override_settings(COLORIA_MAX_MEGABYTES=1)
    def test_too_many_bytes_are_refused_and_not_written(self) -> None:
        written: list[int] = []
        photo = {"image": upload("heavy.png", bytes(3 * 2**20)), "model": "fake"}
        with mock.patch(
            "colorize.forms.ceil", side_effect=lambda size: written.extend(sizes()) or 3
        ):
            answer = self.alice.post("/api/v1/photos", photo)
        assert answer.json()["detail"] == '"heavy.png" has 3 MB; the limit is 1 MB.'
        assert written == [2**20 + 1]  # while 3 MB were sent

    def test_nothing_is_left_of_a_refused_upload(self) -> None:
        self.alice.post("/api/v1/photos", {"image": upload("a.png", SVG), "model": "fake"})
        assert media() == [] and sizes() == []

    def test_the_suffix_follows_the_content_and_not_the_name(self) -> None:
        photo = self.send(image=upload("really.png", picture(form="JPEG")))
        assert photo.format == "JPEG" and (photo.file.name or "").endswith(".jpg")

    def test_a_name_loses_its_path_and_control_characters(self) -> None:
        photo = self.send(image=upload("..\\..\\a\x07\u202eunt.png"))
        assert "\x07" not in photo.name and "\u202e" not in photo.name and "/" not in photo.name

    def test_an_unknown_model_is_named_as_such(self) -> None:
        answer = self.alice.post("/api/v1/photos", {"image": upload(), "model": "nobody"})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_model")

    def test_a_strength_beyond_the_scale_is_refused(self) -> None:
        fields = {"image": upload(), "model": "fake", "strength": "3"}
        answer = self.alice.post("/api/v1/photos", fields)
        assert answer.status_code == 400 and "strength" in answer.json()["fields"]

    def test_a_full_disk_takes_no_photo(self) -> None:
        with mock.patch("colorize.health.MIN_FREE", 10**18):
            answer = self.alice.post("/upload", {"photos": upload(), "model": "fake"}, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
        assert media() == []

    def test_a_visitor_with_many_jobs_waits_for_them_and_others_do_not(self) -> None:
        photo = {"model": "fake"}
        with mock.patch("colorize.forms.MOST_ACTIVE", 2):
            for _ in range(2):
                self.send()
            for address, field in (("/upload", "photos"), ("/api/v1/photos", "image")):
                answer = self.alice.post(address, {**photo, field: upload()}, headers=JSON)
                assert (answer.status_code, answer.json()["code"]) == (429, "too_many_jobs")
                assert answer["Retry-After"] == "60"
            self.send(self.bob)
            self.run_worker()
            self.send()

    def test_settings_reach_the_job(self) -> None:
        photo = self.send(strength="0.5", seed="7", render_factor="12")
        kept = self.job(photo).settings
        assert (kept["strength"], kept["seed"], kept["render_factor"]) == (0.5, 7, 12)

    def test_an_upload_without_a_photo_is_refused_politely(self) -> None:
        answer = self.alice.post("/upload", {"model": "fake"}, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")

    def test_every_format_goes_out_as_it_came_in(self) -> None:
        for form in MIME:
            with self.subTest(form=form):
                photo = self.coloured(image=upload(f"a.{form.lower()}", picture(form=form)))
                answer = self.alice.get(f"/download/{self.job(photo).pk}")
                assert answer["Content-Type"] == MIME[form]


def sizes() -> list[int]:
    return [path.stat().st_size for path in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()]
