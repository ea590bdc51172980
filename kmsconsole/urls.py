"""Mounts each app's API and pages; nothing else."""

from django.urls import include, path, re_path

from iam.api.views import Version
from imports.api import OPERATIONS as IMPORTS
from keys.api import OPERATIONS as KEYS
from kmsconsole import health
from operations import rest

OPERATIONS = (*KEYS, *IMPORTS)

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("v3", Version.as_view()),
    path("v3/", include("iam.api.urls")),
    path("console/", include("iam.urls")),
    path("console/", include("projects.urls")),
    path("console/kms/", include("keys.urls")),
    path("console/kms/", include("imports.urls")),
    path("v1.0/", include(rest.routes(OPERATIONS))),
    re_path(r"^v1\.0(/|$)", rest.unknown_path),
]

handler400 = "kmsconsole.errors.bad_request"
handler403 = "kmsconsole.errors.forbidden"
handler404 = "kmsconsole.errors.not_found"
handler500 = "kmsconsole.errors.server_error"
