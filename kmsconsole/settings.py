"""All settings, read top to bottom.

What differs between installations is a KMS_* variable; docs/operate/settings.md lists them, and a test compares.
"""

from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from kmsconsole import database, env, logs

BASE_DIR = Path(__file__).resolve().parent.parent

# --- What it is -------------------------------------------------------------------------------------------------------

KMS_PRODUCTION = env.flag("KMS_PRODUCTION", default=False)
KMS_TEST_MODE = env.flag("KMS_TEST_MODE", default=False)
KMS_HOME = env.path("KMS_HOME", default=BASE_DIR / "var")
KMS_REGION = env.text("KMS_REGION", default="eu-de")
KMS_ACCOUNT = env.text("KMS_ACCOUNT", default="default-account")
KMS_ADMIN_USER = env.text("KMS_ADMIN_USER", default="admin")
KMS_ADMIN_PASSWORD = env.secret("KMS_ADMIN_PASSWORD", default=None)

if KMS_PRODUCTION and KMS_TEST_MODE:
    raise ImproperlyConfigured(
        "KMS_TEST_MODE moves the product's clock and must not be set together with KMS_PRODUCTION."
    )

# A variable that production must set and the embedded product does without.
_required = env.REQUIRED if KMS_PRODUCTION else None

DEBUG = False
ROOT_URLCONF = "kmsconsole.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "operations",
    "vault",
    "projects",
    "iam",
    "keys",
    "tags",
    "imports",
    "kmsconsole",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",  # so that templates/django/forms/ overrides the form templates
    "rest_framework",
    "django_htmx",
]

# --- Where it listens -------------------------------------------------------------------------------------------------

KMS_HOST = env.text("KMS_HOST", default="127.0.0.1")
PORT = env.number("PORT", default=8000, least=1, most=65535)
KMS_PORT = env.number("KMS_PORT", default=PORT, least=1, most=65535)
KMS_WEB_WORKERS = env.number("KMS_WEB_WORKERS", default=2, least=1, most=64)
KMS_TRUSTED_PROXY = env.flag("KMS_TRUSTED_PROXY", default=False)

_public_url = env.url("KMS_PUBLIC_URL", default=_required, schemes=("https",) if KMS_PRODUCTION else ("http", "https"))
KMS_PUBLIC_URL = _public_url.geturl().rstrip("/") if _public_url else ""
# What people and commands are told; behind a proxy that has not been named, only the host itself finds it.
KMS_ADDRESS = KMS_PUBLIC_URL or f"http://{KMS_HOST}:{KMS_PORT}"
_https = KMS_PUBLIC_URL.startswith("https://")

ALLOWED_HOSTS = env.words("KMS_ALLOWED_HOSTS", default=_required)
if ALLOWED_HOSTS is None:
    ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *([_public_url.hostname] if _public_url else [])]
if KMS_TRUSTED_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True

# --- Database ---------------------------------------------------------------------------------------------------------

_database_url = env.url(
    "KMS_DATABASE_URL", default=_required, schemes=("postgres", "postgresql", "sqlite"), from_file=True
)
DATABASES = {
    "default": database.from_url(_database_url) if _database_url else database.sqlite(KMS_HOME / "kms.sqlite3")
}

# --- Jobs -------------------------------------------------------------------------------------------------------------

_redis_url = env.url("KMS_REDIS_URL", default=_required, schemes=("redis", "rediss"), from_file=True)
KMS_REDIS_URL = _redis_url.geturl() if _redis_url else None
KMS_JOB_INTERVAL = env.number("KMS_JOB_INTERVAL", default=60, least=1, most=3600)

KMS_MAX_CLOCK_JUMP = env.duration("KMS_MAX_CLOCK_JUMP", default=timedelta(hours=24), least=timedelta(hours=2))
KMS_KEEP_TOKENS = env.duration("KMS_KEEP_TOKENS", default=timedelta(days=1))
KMS_KEEP_IMPORT_SESSIONS = env.duration("KMS_KEEP_IMPORT_SESSIONS", default=timedelta(days=30))
KMS_KEEP_TRACES = env.duration("KMS_KEEP_TRACES", default=None, least=timedelta(days=1))

# --- Secrets ----------------------------------------------------------------------------------------------------------

KMS_SECRET_KEY = env.secret("KMS_SECRET_KEY", default=_required)
OWN_SECRET_KEY_FILE = KMS_HOME / "secret-key"  # what `serve` makes for an embedded product
if KMS_SECRET_KEY is None:
    KMS_SECRET_KEY = env.own_secret(OWN_SECRET_KEY_FILE)
# Without one, Django itself refuses whatever would sign something; `check`, `migrate` and `serve` need none.
SECRET_KEY = KMS_SECRET_KEY or ""

KMS_ROOT_KEY_PROVIDER = env.text("KMS_ROOT_KEY_PROVIDER", default="file", choices=("file", "env", "command", "pkcs11"))
KMS_ROOT_KEY_FILE = env.path(
    "KMS_ROOT_KEY_FILE",
    default=env.REQUIRED if KMS_PRODUCTION and KMS_ROOT_KEY_PROVIDER == "file" else KMS_HOME / "root.key",
)
KMS_ROOT_KEY_COMMAND = env.text("KMS_ROOT_KEY_COMMAND", default=None)
# The vault takes these two out of the environment itself; no setting keeps them.
env.declare("KMS_ROOT_KEY", kind="secret")
env.declare("KMS_ROOT_KEY_NEW", kind="secret")
_with_token = env.REQUIRED if KMS_ROOT_KEY_PROVIDER == "pkcs11" else None
KMS_PKCS11_LIBRARY = env.text("KMS_PKCS11_LIBRARY", default=_with_token)
KMS_PKCS11_TOKEN = env.text("KMS_PKCS11_TOKEN", default=_with_token)
KMS_PKCS11_PIN_FILE = env.path("KMS_PKCS11_PIN_FILE", default=_with_token)
KMS_PKCS11_KEY = env.text("KMS_PKCS11_KEY", default="kms-console-root")
if KMS_ROOT_KEY_PROVIDER == "command" and not KMS_ROOT_KEY_COMMAND:
    raise ImproperlyConfigured("KMS_ROOT_KEY_COMMAND must be set when KMS_ROOT_KEY_PROVIDER is command.")

# --- Limits -----------------------------------------------------------------------------------------------------------

KMS_QUOTA_KEYS = env.number("KMS_QUOTA_KEYS", default=100, least=0, most=10_000_000)
KMS_CALLS_PER_SECOND = env.number("KMS_CALLS_PER_SECOND", default=1000, least=1, most=1_000_000)
KMS_RATE_LIMITS = env.flag("KMS_RATE_LIMITS", default=True)
KMS_LEGACY_WRAPPING = env.flag("KMS_LEGACY_WRAPPING", default=False)
KMS_TRACE_JOURNAL = env.flag("KMS_TRACE_JOURNAL", default=True)
if not KMS_RATE_LIMITS and not KMS_TEST_MODE:
    raise ImproperlyConfigured(
        "KMS_RATE_LIMITS can be off in test mode only: set KMS_TEST_MODE=1 as well, or leave it on."
    )

DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024  # SEC-075
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 4
# Files are read in memory only: Django's other handler would leave key material in a temporary file.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

# --- Who signs in -----------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "iam.User"
LOGIN_URL = "iam:login"
LOGIN_REDIRECT_URL = "/console/kms/keys"
PASSWORD_HASHERS = [  # SEC-040
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("name", "email")},
    },
]

SESSION_ENGINE = "iam.session_store"
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())  # SEC-043; the idle limit is iam's
SESSION_COOKIE_NAME = "__Host-kms-session" if _https else "kms-session"
CSRF_COOKIE_NAME = "__Host-kms-csrf" if _https else "kms-csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [KMS_PUBLIC_URL] if KMS_PUBLIC_URL else []
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # the fallback storage would set a cookie

# --- Requests ---------------------------------------------------------------------------------------------------------

MIDDLEWARE = [
    "kmsconsole.middleware.RequestId",
    "kmsconsole.middleware.SecurityHeaders",
    "kmsconsole.middleware.TrustedProxy",
    "kmsconsole.middleware.CleanPath",
    "kmsconsole.middleware.KnownHost",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "kmsconsole.middleware.ConsoleOnly",
]
CONSOLE_MIDDLEWARE = [  # the API pays for none of these
    "kmsconsole.middleware.BoundedBody",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "iam.console.SignedIn",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if _https else 0
CSRF_FAILURE_VIEW = "kmsconsole.errors.csrf_failure"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "iam.authentication.SignatureAuthentication",
        "iam.authentication.TokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}

# --- Pages ------------------------------------------------------------------------------------------------------------

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "kmsconsole.navigation.console",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

STATIC_URL = "/static/"
STATIC_ROOT = KMS_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # no upload is ever kept
    "staticfiles": {"BACKEND": "kmsconsole.assets.NamedByContent"},
}
WHITENOISE_ALLOW_ALL_ORIGINS = False

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Logging ----------------------------------------------------------------------------------------------------------

KMS_LOG_LEVEL = env.text("KMS_LOG_LEVEL", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = logs.configuration(KMS_LOG_LEVEL)

# Three of Django's deployment checks look for middlewares of its own in MIDDLEWARE. Ours set the same headers and more,
# and its CSRF protection stands behind ConsoleOnly; kmsconsole.checks holds that.
SILENCED_SYSTEM_CHECKS = ["security.W001", "security.W002", "security.W003"]
