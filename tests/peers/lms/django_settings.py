"""The least Django in which the classes of ``lti_consumer`` can be used: no database, no accounts, no templates."""

import secrets

SECRET_KEY = secrets.token_hex(32)
ALLOWED_HOSTS = ["*"]
DEBUG = False
USE_TZ = True
TIME_ZONE = "UTC"
APPEND_SLASH = False
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "lti_consumer"]
MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",
    "wire.observed",
    "edx_django_utils.cache.middleware.RequestCacheMiddleware",
]
ROOT_URLCONF = "urls"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
LOGGING_CONFIG = None

# Read by lti_consumer.
PLATFORM_NAME = "Peer LMS"
OPENEDX_TELEMETRY: list[str] = []
