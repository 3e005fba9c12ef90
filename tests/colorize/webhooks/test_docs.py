"""docs/webhooks.md does what it says."""

import base64
import json
import re
import secrets
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from colorize.webhooks import signing
from colorize.webhooks.models import SECONDS, Webhook
from tests.servers import program

PAGE = (Path(settings.BASE_DIR) / "docs/webhooks.md").read_text()
BODY = '{"type":"test","data":"é"}'
Verify = Callable[[str, dict[str, str], bytes], bool]


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def python() -> Verify:
    names: dict[str, Any] = {}
    exec(block("python"), names)
    verify: Verify = names["is_genuine"]
    return verify


def javascript() -> Verify:
    node = program("node")

    def verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
        given = json.dumps([secret, headers, base64.b64encode(body).decode()])
        script = f"{block('javascript')}\nconst [secret, headers, body] = {given};"
        script += 'console.log(isGenuine(secret, headers, Buffer.from(body, "base64")))'
        ran = subprocess.run([node, "-e", script], capture_output=True, text=True, check=True)
        return {"true": True, "false": False}[ran.stdout.strip()]

    return verify


@pytest.mark.parametrize("example", [python, javascript])
def test_the_examples_know_our_messages_and_no_others(example: Callable[[], Verify]) -> None:
    verify = example()
    salt, old, now = signing.new_salt(), signing.new_salt(), int(time.time())
    secret, body = signing.secret(salt), BODY.encode()
    good = signing.headers([salt], "an-id", now, BODY)
    assert verify(secret, good, body)
    assert verify(signing.secret(old), signing.headers([salt, old], "an-id", now, BODY), body)
    assert not verify(secret, good, body + b" ")
    assert not verify(secret, good | {"webhook-id": "another"}, body)
    assert not verify(secret, good | {"webhook-timestamp": str(now + 1)}, body)
    assert not verify(secret, good | {"webhook-signature": "v1,"}, body)
    assert not verify(secret, good | {"webhook-signature": secrets.token_hex()}, body)
    assert not verify(secret, signing.headers([salt], "an-id", now - 400, BODY), body)
    assert not verify(secret, signing.headers([old], "an-id", now, BODY), body)


def test_every_event_is_listed() -> None:
    listed = re.findall(r"^\| `([\w.]+)` \|", PAGE.partition("## Check")[0], re.MULTILINE)
    listed.remove("type")  # the heading of the table
    assert sorted(listed) == sorted([*Webhook.Event.values, "test"])


def test_the_table_of_tries_is_that_of_the_program() -> None:
    units = {"second": 1, "minute": 60, "hour": 3600}
    rows = re.findall(r"^\| \d \| (\d+) (second|minute|hour)s? \|$", PAGE, re.MULTILINE)
    assert tuple(int(number) * units[unit] for number, unit in rows) == SECONDS


def test_the_example_of_a_message_has_the_fields_of_one() -> None:
    from colorize.models import Job
    from colorize.webhooks.events import job_told

    assert json.loads(block("json"))["data"].keys() == job_told(Job(), "").keys()
