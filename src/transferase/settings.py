"""Settings of the platform, read from the environment; `docs/reference/settings.md` explains each."""

from __future__ import annotations

import os
from pathlib import Path

import pghistory
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from transferase.foundation.postgres import database_settings, replica_settings
from transferase.foundation.secret import secret_key

PACKAGE = Path(__file__).resolve().parent
HOME = Path(os.environ.get("TRANSFERASE_HOME", "var")).resolve()
DATA = Path(os.environ.get("TRANSFERASE_DATA", "../shared/data")).resolve()
DEBUG = os.environ.get("TRANSFERASE_DEBUG") == "1"
DEMO = os.environ.get("TRANSFERASE_DEMO") == "1"

SECRET_KEY = secret_key(os.environ, HOME)
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",") if o]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "django_cotton.apps.SimpleAppConfig",
    "template_partials.apps.SimpleAppConfig",
    "csp",
    "pgtrigger",
    "pghistory",
    "procrastinate.contrib.django",
    "allauth",
    "allauth.account",
    "transferase.foundation",
    "transferase.directory",
    "transferase.catalogue",
    "transferase.matching",
    "transferase.interchange",
    "transferase.web",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "transferase.web.middleware.viewer",
]
ROOT_URLCONF = "transferase.urls"
WSGI_APPLICATION = "transferase.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "web" / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django_cotton.cotton_loader.Loader",
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": ["django_cotton.templatetags.cotton", "template_partials.templatetags.partials"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "transferase.web.context.frame",
            ],
        },
    }
]
COTTON_DIR = "components"

DATABASES = {"default": database_settings(os.environ)}
DATABASES |= replica_settings(os.environ, DATABASES["default"])
DATABASE_ROUTERS = ["transferase.foundation.replicas.ReplicaRouter"]
# Seconds that a replica may be behind, and for which somebody who wrote reads from the primary.
DATABASE_REPLICA_LAG = float(os.environ.get("DATABASE_REPLICA_LAG", "10"))
PGHISTORY_DEFAULT_TRACKERS = (pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "directory.Person"
AUTHENTICATION_BACKENDS = ["transferase.web.backends.PersonBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
ACCOUNT_ADAPTER = "transferase.web.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = os.environ.get("ACCOUNT_EMAIL_VERIFICATION", "optional" if DEMO else "mandatory")
ACCOUNT_FORMS = {
    "login": "transferase.web.forms.accounts.LoginForm",
    "signup": "transferase.web.forms.accounts.SignupForm",
    "reset_password": "transferase.web.forms.accounts.ResetPasswordForm",
    "reset_password_from_key": "transferase.web.forms.accounts.ResetPasswordKeyForm",
    "change_password": "transferase.web.forms.accounts.ChangePasswordForm",
    "reauthenticate": "transferase.web.forms.accounts.ReauthenticateForm",
}
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
# Behind the proxy that ends TLS the reader's address is the last one that the proxy names.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if os.environ.get("TRANSFERASE_HTTPS") == "1" else 0
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "desk"
EMAIL_BACKEND = os.environ.get("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("EMAIL_USE_TLS") == "1"
EMAIL_TIMEOUT = int(os.environ.get("EMAIL_TIMEOUT", "20"))
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "transferase@localhost")

# Where readers reach the platform: letters link there.
PUBLIC_URL = os.environ.get("TRANSFERASE_URL", "http://127.0.0.1:8000").rstrip("/")

LANGUAGE_CODE = "en"
LANGUAGES = [("ko", _("Korean")), ("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [PACKAGE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = os.environ.get("TIME_ZONE", "Asia/Seoul")

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [PACKAGE / "web" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = HOME / "media"
WHITENOISE_USE_FINDERS = DEBUG
DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024 * 1024
# The page for imports chooses another one; every other form takes no file.
FILE_UPLOAD_HANDLERS = ["transferase.web.uploads.NoUpload"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
IMPORT_MAX_BYTES = int(os.environ.get("TRANSFERASE_IMPORT_MAX_MB", "150")) * 1024 * 1024

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "foundation_cache",
        # Attempts to sign in are counted here: a few entries more must not push them out.
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "transferase.web.errors.out_of_date"
SESSION_COOKIE_SAMESITE = "Lax"
IS_SECURE = os.environ.get("TRANSFERASE_HTTPS") == "1"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_SECURE
SECURE_HSTS_SECONDS = 31_536_000 if IS_SECURE else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_SECURE else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

TRANSLATION_ENDPOINT = os.environ.get("TRANSFERASE_TRANSLATION_ENDPOINT", "")
TRANSLATION_MODEL = os.environ.get("TRANSFERASE_TRANSLATION_MODEL", "")
TRANSLATION_KEY = os.environ.get("TRANSFERASE_TRANSLATION_KEY", "")
EMBEDDING = os.environ.get("TRANSFERASE_EMBEDDING", "")
EMBEDDING_KEY = os.environ.get("TRANSFERASE_EMBEDDING_KEY", "")
EMBEDDING_CACHE = HOME / "models"
EMBEDDING_PREFIXES = os.environ.get("TRANSFERASE_EMBEDDING_PREFIXES", "")
EMBEDDING_DIMENSION = int(os.environ.get("TRANSFERASE_EMBEDDING_DIMENSION") or 0) or None
# How many requests a minute the API answers: for an address without a token, for a person with tokens.
API_ANONYMOUS_PER_MINUTE = int(os.environ.get("TRANSFERASE_API_ANONYMOUS_PER_MINUTE", "120"))
API_TOKEN_PER_MINUTE = int(os.environ.get("TRANSFERASE_API_TOKEN_PER_MINUTE", "600"))
# How many costly pages (search, lists, matches) a minute one reader gets: a visitor by address, where an office or a
# university stands behind one; a person who signed in. 0: as many as they like.
WEB_ANONYMOUS_PER_MINUTE = int(os.environ.get("TRANSFERASE_WEB_ANONYMOUS_PER_MINUTE", "240"))
WEB_PERSON_PER_MINUTE = int(os.environ.get("TRANSFERASE_WEB_PERSON_PER_MINUTE", "240"))
# "unverified": listings of organisations that the operator has verified are published without waiting.
REVIEW = os.environ.get("TRANSFERASE_REVIEW", "unverified")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
}
# An e-mail address is unique whatever its case, by a constraint on its lower form that this check does not see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
