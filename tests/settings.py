"""The real settings on a folder that vanishes, and two more models: fakes without a network."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

if "COLORIA_VAR" not in os.environ:  # else a process that a test has started
    os.environ["COLORIA_VAR"] = tempfile.mkdtemp(prefix="coloria-test-")
    atexit.register(shutil.rmtree, os.environ["COLORIA_VAR"], ignore_errors=True)

from coloria.settings import *  # noqa: F403
from coloria.settings import COLORIA_WEIGHTS
from ml import registry
from tests import fakes

fakes.install(Path(COLORIA_WEIGHTS))
registry.MODELS |= {spec.name: spec for spec in (fakes.SPEC, fakes.PLAIN)}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast
