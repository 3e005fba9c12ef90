"""Downloads from servers that break off, lie, send on and send web pages."""

import errno
import hashlib
import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPMessage
from pathlib import Path
from typing import Any
from urllib.request import Request

import pytest

from ml import fetching, registry
from ml.errors import WeightsError
from ml.fetching import download
from ml.replies import Pace, Redirects, SourceFailed
from ml.spec import Weights
from tests.ml.fileserver import Server, running

BODY = hashlib.shake_256(b"weights").digest(1_000_000)
SHA = hashlib.sha256(BODY).hexdigest()
PAGE = b"<!DOCTYPE html><title>Oops</title>" + b" " * 600_000
PACE = Pace(timeout=5, window=60, least=0)


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as started:
        yield started


def weights(*urls: str, sha256: str = "") -> Weights:
    return Weights("net.pth", sha256, "MIT", "Nobody", urls, megabytes=1)


def fails(wanted: Weights, folder: Path, pace: Pace = PACE) -> str:
    with pytest.raises(WeightsError) as caught:
        download(wanted, folder, pace)
    return str(caught.value)


def ranges(server: Server) -> list[str]:
    return [headers.get("Range", "") for _, headers in server.asked]


def test_a_file_arrives_whole(server: Server, tmp_path: Path) -> None:
    url = server.serve("net", BODY)
    found = download(weights(url), tmp_path, PACE)
    assert found.path.read_bytes() == BODY
    assert (found.path.name, found.url, found.sha256) == ("net.pth", url, SHA)


def test_a_file_of_undeclared_length_arrives_whole(server: Server, tmp_path: Path) -> None:
    found = download(weights(server.serve("net", BODY, length=-1)), tmp_path, PACE)
    assert found.sha256 == SHA


@pytest.mark.parametrize("published", [SHA, SHA[:8]])
def test_the_published_file_is_known_by_its_first_digits(
    server: Server, tmp_path: Path, published: str
) -> None:
    assert download(weights(server.serve("net", BODY), sha256=published), tmp_path, PACE)


def test_another_file_than_the_published_one_is_refused(server: Server, tmp_path: Path) -> None:
    url = server.serve("net", BODY[::-1])
    assert "sent another file than the published one" in fails(weights(url, sha256=SHA), tmp_path)
    assert not list(tmp_path.rglob("net.pth*"))


def test_the_next_source_is_tried(server: Server, tmp_path: Path) -> None:
    urls = (
        server.at("gone"),
        server.serve("broken", status=500),
        server.serve("page", PAGE, kind="text/html; charset=utf-8"),
        server.serve("net", BODY),
    )
    assert download(weights(*urls), tmp_path, PACE).url == urls[3]


def test_what_each_source_did_is_said(server: Server, tmp_path: Path) -> None:
    said = fails(weights(server.at("gone"), server.serve("broken", status=500)), tmp_path)
    assert said.startswith("net.pth could not be fetched: 127.0.0.1 answers 404 Not Found; ")
    assert "answers 500" in said


def test_no_connection_is_said(tmp_path: Path) -> None:
    with running() as stopped:
        url = stopped.at("net")
    assert "cannot be reached" in fails(weights(url), tmp_path)


def test_a_name_that_nobody_knows_is_said(tmp_path: Path) -> None:
    assert "cannot be reached" in fails(weights("http://nowhere.invalid/net"), tmp_path)


def test_a_broken_transfer_goes_on_by_itself(server: Server, tmp_path: Path) -> None:
    url = server.serve("net", BODY, cut=400_000)
    assert download(weights(url), tmp_path, PACE).sha256 == SHA
    assert ranges(server) == ["", "bytes=400000-", "bytes=800000-"]


def test_a_broken_transfer_is_gone_on_with_by_the_next_command(
    server: Server, tmp_path: Path
) -> None:
    url = server.serve("net", BODY, ranges=False, cut=400_000)
    assert "broke off after 0.4 MB of 1.0 MB" in fails(weights(url), tmp_path)
    assert fetching.begun(weights(url), tmp_path) == 400_000
    server.serve("net", BODY)
    assert download(weights(url), tmp_path, PACE).sha256 == SHA
    assert ranges(server)[-1] == "bytes=400000-"


def test_a_server_that_ignores_ranges_starts_again(server: Server, tmp_path: Path) -> None:
    url = server.serve("net", BODY, ranges=False, cut=400_000)
    fails(weights(url), tmp_path)
    server.serve("net", BODY, ranges=False)
    assert download(weights(url), tmp_path, PACE).sha256 == SHA
    assert ranges(server)[-1] == "bytes=400000-"


@pytest.mark.parametrize("obeys", [True, False])
@pytest.mark.parametrize("size", [1_000_000, 900_000, 390_000])
def test_a_file_that_changed_meanwhile_is_not_mixed(
    server: Server, tmp_path: Path, obeys: bool, size: int
) -> None:
    url = server.serve("net", BODY, ranges=False, cut=400_000)
    fails(weights(url), tmp_path)
    other = BODY[::-1][:size]
    server.serve("net", other, etag='"two"', obeys_if_range=obeys)
    light = replace(weights(url), megabytes=0.5)  # type: ignore[arg-type]
    heavy = replace(weights(url), megabytes=1)
    found = download(light if size < 500_000 else heavy, tmp_path, PACE)
    assert found.path.read_bytes() == other


def test_a_weak_etag_is_not_gone_on_with(server: Server, tmp_path: Path) -> None:
    url = server.serve("net", BODY, etag='W/"one"', cut=400_000)
    assert "broke off" in fails(weights(url), tmp_path)
    assert set(ranges(server)) == {""}


def test_a_download_that_ended_before_its_last_step_is_not_asked_for_again(
    server: Server, tmp_path: Path
) -> None:
    url = server.serve("net", BODY)
    found = download(weights(url), tmp_path, PACE)
    found.path.rename(found.path.with_name("net.pth.part"))
    assert download(weights(url), tmp_path, PACE).sha256 == SHA
    assert len(server.asked) == 1


def test_a_declared_length_that_is_too_long_is_a_broken_transfer(
    server: Server, tmp_path: Path
) -> None:
    url = server.serve("net", BODY, length=1_100_000)
    assert "broke off after 1.0 MB of 1.1 MB" in fails(weights(url), tmp_path)


def test_a_declared_length_that_is_too_short_is_not_the_published_file(
    server: Server, tmp_path: Path
) -> None:
    url = server.serve("net", BODY, length=700_000)
    assert "sent another file" in fails(weights(url, sha256=SHA), tmp_path)


def test_a_chunked_transfer_that_breaks_off_is_said(server: Server, tmp_path: Path) -> None:
    url = server.serve("net", BODY, length=-1, cut=700_000)
    assert "broke off" in fails(weights(url), tmp_path)


def test_a_file_far_larger_than_announced_is_not_begun(server: Server, tmp_path: Path) -> None:
    url = server.serve("net", BODY, length=9_000_000_000)
    assert "offers 9000.0 MB where 1 MB were expected" in fails(weights(url), tmp_path)
    assert not list(tmp_path.rglob("*.part"))


def test_an_endless_file_is_given_up(server: Server, tmp_path: Path) -> None:
    url = server.serve("net", BODY * 3, length=-1)
    assert "sent at least 1.3 MB where 1 MB were expected" in fails(weights(url), tmp_path)
    assert not list(tmp_path.rglob("*.part"))


def test_a_file_far_smaller_than_announced_is_refused(server: Server, tmp_path: Path) -> None:
    url = server.serve("net", BODY[:300])
    assert "sent only 0.0 MB where 1 MB were expected" in fails(weights(url), tmp_path)


@pytest.mark.parametrize("kind", ["text/html", "application/octet-stream"])
@pytest.mark.parametrize("size", [100, 600_000])
def test_a_web_page_is_called_one(server: Server, tmp_path: Path, kind: str, size: int) -> None:
    url = server.serve("net", PAGE[:size], kind=kind)
    assert "127.0.0.1 sent a web page, not the file." in fails(weights(url), tmp_path)
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    ("text", "excuse"),
    [
        ("Google Drive can't scan this file: Virus scan warning", "its virus scan"),
        ("Google Drive - Quota exceeded", "too many people"),
    ],
)
def test_google_drives_pages_are_known(
    server: Server, tmp_path: Path, text: str, excuse: str
) -> None:
    url = server.serve("net", f"<html><title>{text}".encode(), kind="text/html")
    assert excuse in fails(weights(url), tmp_path)


def test_redirects_are_followed(server: Server, tmp_path: Path) -> None:
    server.serve("net", BODY, cut=600_000)
    url = server.serve("old", location="/middle")
    server.serve("middle", location=server.at("net"))
    assert download(weights(url), tmp_path, PACE).sha256 == SHA
    assert ranges(server)[-1] == "bytes=600000-"


def test_a_redirect_to_a_page_is_called_a_page(server: Server, tmp_path: Path) -> None:
    server.serve("login", PAGE, kind="text/html")
    assert "sent a web page" in fails(weights(server.serve("net", location="/login")), tmp_path)


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("/net", "in a circle"),
        ("file:///etc/passwd", "no web address"),
        ("ftp://127.0.0.1/net", "no web address"),
    ],
)
def test_a_redirect_to_nowhere_ends(
    server: Server, tmp_path: Path, location: str, says: str
) -> None:
    assert says in fails(weights(server.serve("net", location=location)), tmp_path)


def test_a_redirect_that_gives_up_encryption_is_refused() -> None:
    old = Request("https://example.org/net")
    with pytest.raises(SourceFailed, match="without encryption"):
        Redirects().redirect_request(
            old, io.BytesIO(), 302, "Found", HTTPMessage(), "http://example.org/net"
        )


def test_a_part_that_nobody_asked_for_is_refused(server: Server, tmp_path: Path) -> None:
    assert "was not asked for" in fails(weights(server.serve("net", status=206)), tmp_path)


def test_a_long_chain_of_redirects_ends(server: Server, tmp_path: Path) -> None:
    for step in range(20):
        server.serve(f"step{step}", location=f"/step{step + 1}")
    assert "too often" in fails(weights(server.at("step0")), tmp_path)
    assert len(server.asked) < 10


def test_a_silent_server_is_left(server: Server, tmp_path: Path) -> None:
    url = server.serve("net", BODY, drip=3)
    assert "broke off (timed out)" in fails(weights(url), tmp_path, Pace(0.3, 60, 0))


def test_a_dripping_server_is_left(server: Server, tmp_path: Path) -> None:
    url = server.serve("net", BODY, drip=0.05)
    assert "sends too slowly" in fails(weights(url), tmp_path, Pace(5, 0.5, 64_000))


def test_a_full_disk_is_seen_before_the_first_byte(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = shutil.disk_usage(tmp_path)._replace(free=200_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: room)
    assert "1.0 MB are to come, but only 0.2 MB are free" in fails(
        weights(server.serve("net", BODY)), tmp_path
    )


def test_a_disk_that_fills_up_is_not_taken_for_the_servers_fault(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetching, "receive", full)
    with pytest.raises(OSError, match="No space"):
        download(weights(server.serve("net", BODY)), tmp_path, PACE)


def test_every_row_that_can_be_fetched_says_how_large_it_is() -> None:
    for spec in registry.MODELS.values():
        for file in filter(None, (spec.weights, spec.more)):
            assert not file.urls or file.megabytes > 0
            assert all(url.startswith("https://") for url in file.urls)
