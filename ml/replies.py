"""What a file server answers: asked for the rest of a file, and told apart from its excuses."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO, cast
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

REDIRECTS = 5
BLOCK = 1 << 20  # bytes
AGENT = "coloria-weights"
PAGE = (b"<!doctype html", b"<html", b"<head")
EXCUSES = {  # of Google Drive, by a word on the page
    b"virus scan": "Google Drive's page about its virus scan",
    b"quota": "Google Drive's page saying that too many people have fetched the file",
}


class SourceFailed(Exception):
    """One source did not give the file; another may."""


class Interrupted(SourceFailed):
    """What came so far is kept and can be gone on with."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How slow a server may be."""

    timeout: float = 30.0  # seconds to connect, and of silence
    window: float = 60.0  # seconds in which `least` bytes must come
    least: int = 64_000


USUAL = Pace()


@dataclass(frozen=True, slots=True)
class Version:
    """What a server calls one state of a file (a strong ETag, or a date), and how long it is; 0 if
    it does not say.
    """

    tag: str = ""
    total: int = 0


class Redirects(HTTPRedirectHandler):
    max_redirections = REDIRECTS
    max_repeats = 1

    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.scheme not in ("http", "https"):
            raise SourceFailed(f"sends on to {new.scheme}:, which is no web address")
        if (old.scheme, new.scheme) == ("https", "http"):
            raise SourceFailed(f"sends on to {new.hostname} without encryption")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def ask(url: str, have: int, version: Version, pace: Pace) -> tuple[HTTPResponse, int]:
    """The server's reply and the byte of the file that it starts with: `have` if the server goes on
    with the same version, else 0. Raises SourceFailed.
    """
    if have and version.tag:
        reply = opened(url, pace, {"Range": f"bytes={have}-", "If-Range": version.tag})
        if reply is not None and continues(reply, have, version):
            return reply, have
        if reply is not None and reply.status == 200:
            return reply, 0
        if reply is not None:
            reply.close()
    reply = opened(url, pace, {})
    if reply is None or reply.status != 200:
        raise SourceFailed("answers with a part of the file that was not asked for")
    return reply, 0


def opened(url: str, pace: Pace, headers: dict[str, str]) -> HTTPResponse | None:
    """The reply, at the end of all redirects; None if the range asked for is not in the file."""
    usual = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
    try:
        request = Request(url, headers=usual | headers)
        reply = cast(HTTPResponse, build_opener(Redirects).open(request, timeout=pace.timeout))
    except HTTPError as error:
        error.close()
        if error.code == 416 and headers:
            return None
        if error.code < 400:
            raise SourceFailed("sends on in a circle, too often or to no web address") from None
        raise SourceFailed(f"answers {error.code} {error.reason}".rstrip()) from None
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", "") or error or type(error).__name__
        raise SourceFailed(f"cannot be reached ({reason})") from error
    refuse_page(reply)
    return reply


def refuse_page(reply: HTTPResponse) -> None:
    """Raises SourceFailed if the server declares a web page."""
    if reply.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
        with reply:
            start = b"".join(blocks(reply, BLOCK, Pace(5, 5, 0)))
        raise page(start)


def is_page(start: bytes) -> bool:
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(PAGE)


def page(start: bytes) -> SourceFailed:
    text = start.lower()
    for word, excuse in EXCUSES.items():
        if b"google" in text and word in text:
            return SourceFailed(f"sent a web page, not the file: {excuse}")
    return SourceFailed("sent a web page, not the file")


def continues(reply: HTTPResponse, have: int, version: Version) -> bool:
    """Whether a reply is the rest, from byte `have`, of the version that was begun."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", reply.headers.get("Content-Range", "").strip())
    if reply.status != 206 or not found:
        return False
    same = tag(reply) in ("", version.tag)
    return same and (int(found[1]), int(found[2])) == (have, version.total)


def version(reply: HTTPResponse) -> Version:
    """The version that a whole reply is of."""
    return Version(tag(reply), reply.length or 0)


def tag(reply: HTTPResponse) -> str:
    """What If-Range takes: a strong ETag, else the date; a weak ETag promises too little."""
    etag = reply.headers.get("ETag", "")
    return etag if etag.startswith('"') else reply.headers.get("Last-Modified", "")


def blocks(reply: HTTPResponse, most: int, pace: Pace) -> Iterator[bytes]:
    """The body, at most `most` bytes, as it comes. Raises SourceFailed if that takes too long, and
    Interrupted if the connection is lost.
    """
    began, came = time.monotonic(), 0
    while most > 0:
        try:
            block = reply.read1(min(BLOCK, most))
        except (OSError, HTTPException) as error:
            raise Interrupted(f"broke off ({str(error) or type(error).__name__})") from error
        if not block:
            return
        yield block
        most, came, now = most - len(block), came + len(block), time.monotonic()
        if now - began >= pace.window:
            if came < pace.least:
                raise SourceFailed("sends too slowly")
            began, came = now, 0
