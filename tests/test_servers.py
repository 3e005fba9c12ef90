"""The platform on real servers; where one is not installed, the test says how to get it."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.conf import settings

REAL = {"DJANGO_SETTINGS_MODULE": "coloria.settings"}


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, **REAL, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_migrates_a_postgresql_database(postgres: str, tmp_path: Path) -> None:
    ran = manage("migrate", COLORIA_DATABASE_URL=postgres, COLORIA_VAR=str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    with psycopg.connect(postgres) as connection:
        tables = connection.execute("select tablename from pg_tables").fetchall()
    assert {("colorize_photo",), ("colorize_job",)} <= set(tables)


def test_it_finds_no_difference_between_models_and_postgresql(
    postgres: str, tmp_path: Path
) -> None:
    variables = {"COLORIA_DATABASE_URL": postgres, "COLORIA_VAR": str(tmp_path)}
    assert manage("migrate", **variables).returncode == 0
    assert manage("migrate", "--check", **variables).returncode == 0


def test_the_redis_fixture_serves_only_who_knows_the_password(redis: str) -> None:
    address = urlsplit(redis)
    with socket.create_connection(
        (str(address.hostname), int(address.port or 0)), timeout=5
    ) as line:
        line.sendall(b"PING\r\n")
        assert line.recv(64).startswith(b"-NOAUTH")
        line.sendall(f"AUTH {address.password}\r\nPING\r\n".encode())
        assert line.recv(64).startswith(b"+OK")
