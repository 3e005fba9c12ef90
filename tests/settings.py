"""The real settings on a folder that vanishes, and one more model: a fake without a network."""

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
registry.MODELS[fakes.SPEC.name] = fakes.SPEC
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast
