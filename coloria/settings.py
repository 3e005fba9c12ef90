"""All settings. What differs between machines comes from COLORIA_* variables; the defaults run on a
laptop.
"""

import sys
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from coloria.environment import Environment, counters, database, mail, secret_key
from coloria.logs import configuration

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
COLORIA_DEVICE = env.device("COLORIA_DEVICE")
COLORIA_WORKERS = env.number("COLORIA_WORKERS", 1, 1, 64)  # one per GPU, or one per CPU host
COLORIA_CONTACT = env.text("COLORIA_CONTACT")  # e-mail address on the page About
# Hosts that webhooks may call by plain http, on any port and at any address: for development, or
# receivers inside a network of one's own. Everything else must be https at a public address.
COLORIA_WEBHOOK_HOSTS = env.words("COLORIA_WEBHOOK_HOSTS")
COLORIA_WEIGHTS = VAR / "weights"
COLORIA_KEEP_MAX = env.number("COLORIA_KEEP_MAX", 30, 0, 3650)  # days, if an owner asks; 0: never
COLORIA_HISTORY_DAYS = env.number("COLORIA_HISTORY_DAYS", 365, 1, 3650)  # then rows are forgotten

# Fair use. Calls are counted per minute; a colour version is one photo through one model, and they
# are counted per day (UTC). A guest is counted by address, since a cookie costs nothing to drop.
COLORIA_GUEST_CALLS = env.number("COLORIA_GUEST_CALLS", 600, 1, 1_000_000)
COLORIA_ACCOUNT_CALLS = env.number("COLORIA_ACCOUNT_CALLS", 1200, 1, 1_000_000)
COLORIA_GUEST_VERSIONS = env.number("COLORIA_GUEST_VERSIONS", 200, 1, 1_000_000)
COLORIA_ACCOUNT_VERSIONS = env.number("COLORIA_ACCOUNT_VERSIONS", 2000, 1, 1_000_000)
COLORIA_WAITERS = env.number("COLORIA_WAITERS", 3, 0, 1000)  # calls with ?wait= per web process

INSTALLED_APPS = [
    "whitenoise.runserver_nostatic",
    "colorize.apps.AdministrationConfig",  # django.contrib.admin with a first page of our own
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "allauth",
    "allauth.account",
    "accounts",
    "colorize",
    "ml",
    "django_cleanup.apps.CleanupConfig",  # last, as its manual asks
]
MIDDLEWARE = [
    "coloria.middleware.ProxyAddress",
    "coloria.middleware.RequestLog",
    "coloria.middleware.Headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "colorize.api.limits.RateLimits",  # around all that answers, but must know who asks
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
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
                "colorize.pauses.page",
                "colorize.context.page",
            ]
        },
    }
]

# What is counted and remembered for minutes. All processes must see the same: a file on one
# machine, Redis (pip install redis) where several machines serve the site.
CACHES = {"default": counters(env.text("COLORIA_CACHE_URL"), VAR / "cache")}

# Who you are
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
PASSWORD_RESET_TIMEOUT = 3600  # seconds
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "history"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.Adapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"  # else sign-up would have to say whom it knows
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up, nowhere else
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # other sessions end all the same
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_RATE_LIMITS = {  # the others are django-allauth's; "key" is the e-mail address
    "login_failed": "10/m/ip,5/300s/key",
    "signup": "20/h/ip",
    "reset_password": "20/h/ip,5/h/key",
}
ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "signup": "accounts.forms.SignUpForm",
    "reset_password": "accounts.forms.AskResetForm",
    "reset_password_from_key": "accounts.forms.ResetForm",
    "set_password": "accounts.forms.SetForm",
    "change_password": "accounts.forms.ChangeForm",
    "add_email": "accounts.forms.NewEmailForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
}
# What other apps show on the account page: template -> function(request) that makes its context
ACCOUNT_PANELS = {
    "account/_keeping.html": "colorize.history.panel",
    "account/_quota.html": "colorize.quotas.panel",
    "account/_tokens.html": "accounts.tokens.views.panel",
    "account/_webhooks.html": "colorize.webhooks.views.panel",
}

# E-mail: printed by the web server until an SMTP server is named
globals().update(mail(env.text("COLORIA_MAIL_URL")))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("COLORIA_MAIL_FROM", "COLORIA <coloria@localhost>")

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
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "colorize.api.guests.Tokens",
        "colorize.api.guests.SessionOrGuest",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.MultiPartParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.JSONParser",
    ],
    "EXCEPTION_HANDLER": "colorize.api.errors.answer",
    "DEFAULT_SCHEMA_CLASS": "colorize.api.schema.Schema",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

KNOX_TOKEN_MODEL = "accounts.Token"
MIGRATION_MODULES = {"knox": None}  # else it makes a table that nobody uses
REST_KNOX = {"AUTH_HEADER_PREFIX": "Bearer", "TOKEN_PREFIX": "coloria_", "TOKEN_TTL": None}
SPECTACULAR_SETTINGS = {
    "TITLE": "COLORIA",
    "VERSION": "1",
    "DESCRIPTION": "Black-and-white photographs in colour: the same photos and jobs as the pages.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SCHEMA_COERCE_PATH_PK": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["colorize.api.schema.finish"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "defaultModelsExpandDepth": -1},
}
# Scripts of other sites may call the API with a token, never with a visitor's cookies.
CORS_ALLOWED_ORIGINS = env.words("COLORIA_CORS_ORIGINS")
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = ("accept", "authorization", "content-type", "idempotency-key", "if-none-match")
CORS_EXPOSE_HEADERS = (
    "etag", "idempotent-replayed", "location", "ratelimit", "ratelimit-policy", "retry-after"
)  # fmt: skip

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

LOGGING = configuration(VAR / "log")

env.refuse_unknown()
