"""The WSGI application."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coloria.settings")
application = get_wsgi_application()
get_resolver().url_patterns  # noqa: B018 (imports every page now, not at the first request)
gc.collect()
gc.freeze()  # the code stays: the collector need not walk it, which took 70 ms of some requests
