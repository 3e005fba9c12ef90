"""All settings. What differs between machines comes from COLORIA_* variables; the defaults run on a
laptop.
"""

import sys
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from coloria.environment import Environment, database, secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

DEBUG = env.flag("COLORIA_DEBUG")
HTTPS = env.flag("COLORIA_HTTPS")  # behind a proxy that ends TLS and sets X-Forwarded-Proto
PROXY = env.text("COLORIA_PROXY", "127.0.0.1")  # its address: nobody else may set that header
VAR = Path(env.text("COLORIA_VAR") or BASE_DIR / "var").resolve()
for folder in (VAR, VAR / "media", VAR / "incoming", VAR / "weights", VAR / "log", VAR / "static"):
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)

SECRET_KEY = env.text("COLORIA_SECRET_KEY") or secret_key(VAR / "secret_key")
ALLOWED_HOSTS = env.words("COLORIA_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
DATABASES = {
    "default": database(env.text("COLORIA_DATABASE_URL") or f"sqlite:///{VAR / 'coloria.sqlite3'}")
}

# The limits and the model host
COLORIA_MAX_FILES = env.number("COLORIA_MAX_FILES", 5, 1, 50)
COLORIA_MAX_MEGAPIXELS = env.number("COLORIA_MAX_MEGAPIXELS", 100, 1, 1000)
COLORIA_MAX_MEGABYTES = env.number("COLORIA_MAX_MEGABYTES", 50, 1, 2000)
COLORIA_JOB_TIMEOUT = env.number("COLORIA_JOB_TIMEOUT", 300, 1, 3000)  # seconds for one photo
COLORIA_HOST_CACHE_MB = env.number("COLORIA_HOST_CACHE_MB", 2048, 1, 1_000_000)
COLORIA_DEVICE = env.text("COLORIA_DEVICE", "auto")
COLORIA_WORKERS = env.number("COLORIA_WORKERS", 1, 1, 64)  # one per GPU, or one per CPU host
COLORIA_CONTACT = env.text("COLORIA_CONTACT")  # e-mail address on the page About
COLORIA_WEIGHTS = VAR / "weights"

INSTALLED_APPS = [
    "whitenoise.runserver_nostatic",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_q",
    "accounts",
    "colorize",
    "ml",
    "django_cleanup.apps.CleanupConfig",  # last, as its manual asks
]
MIDDLEWARE = [
    "coloria.middleware.RequestLog",
    "coloria.middleware.Headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "colorize.errors.Failures",
]
ROOT_URLCONF = "coloria.urls"
WSGI_APPLICATION = "coloria.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Who you are
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Languages and time
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.text("COLORIA_TIME_ZONE", "UTC")
USE_TZ = True

# Files: photos lie outside every public folder and leave only through owner-checked views
STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
COLLECTING = "collectstatic" in sys.argv  # writes the hashed names that are used from then on
COLLECTED = COLLECTING or (STATIC_ROOT / "staticfiles.json").exists()
WHITENOISE_USE_FINDERS = not COLLECTED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
MEDIA_ROOT = VAR / "media"
FILE_UPLOAD_TEMP_DIR = VAR / "incoming"
FILE_UPLOAD_HANDLERS = ["colorize.uploads.BoundedUpload"]
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
DATA_UPLOAD_MAX_NUMBER_FILES = 50  # above COLORIA_MAX_FILES: "you chose 8 photos" can be said

# Browser security; nosniff, Referrer-Policy and COOP are Django's defaults
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "colorize.errors.csrf_failure"
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 31_536_000

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["colorize.api.guests.SessionOrGuest"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.MultiPartParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.JSONParser",
    ],
    "EXCEPTION_HANDLER": "colorize.api.errors.answer",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

# The queue. The Job row is the truth and a task only a doorbell, so nothing is retried by django-q:
# `timeout` is a backstop behind the model host's own, and `retry` counts from prefetch, not from
# start.
TASK_TIMEOUT = COLORIA_JOB_TIMEOUT + 60
Q_CLUSTER = {
    "name": "coloria",
    "orm": "default",
    "workers": COLORIA_WORKERS,
    "queue_limit": 1,
    "bulk": 1,
    "poll": 0.2,
    "timeout": TASK_TIMEOUT,
    "retry": 4 * TASK_TIMEOUT,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "guard_cycle": 0.5,
    "daemonize_workers": False,  # a worker starts the model host
    "save_limit": -1,  # the Job row is the record
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "bare": {"format": "{message}", "style": "{"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "requests": {
            "class": "coloria.logs.DailyFile",
            "folder": VAR / "log",
            "formatter": "bare",
        },
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "coloria.requests": {"handlers": ["requests"], "propagate": False},
        "django-q": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}

env.refuse_unknown()
