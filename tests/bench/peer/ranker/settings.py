"""Settings as for production, without anything that costs a request something it does not need."""

import os
from datetime import timedelta

SECRET_KEY = "only for benchmarks on this machine, 32 bytes or more"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "ranker.urls"
MIDDLEWARE = ["ranker.views.with_length"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", "ranker"]
MIGRATION_MODULES = {"auth": None, "contenttypes": None}  # tables as they are now, not step by step
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
USE_I18N = False
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": os.environ["RANKER_SOCKETS"],
        "CONN_MAX_AGE": None,  # connections stay open
        "CONN_HEALTH_CHECKS": False,
    }
}
REDIS_SOCKET = os.environ["RANKER_SOCKETS"] + "/redis.sock"
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    # The user is taken from the token: no look-up in the database.
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
SIMPLE_JWT = {"ACCESS_TOKEN_LIFETIME": timedelta(days=1)}
LOGGING_CONFIG = None
