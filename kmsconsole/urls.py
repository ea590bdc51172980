"""Mounts each app's API and pages; nothing else."""

from django.urls import include, path, re_path
from django.views.generic import RedirectView

from iam.api import account
from iam.api.views import Version
from imports.api import OPERATIONS as IMPORTS
from keys.api import OPERATIONS as KEYS
from keys.pages.detail import NoSuchPage
from kmsconsole import api_pages, description, front, health, middleware
from operations import rest
from projects.api import OPERATIONS as ENTERPRISE_PROJECTS
from tags.api import OPERATIONS as TAGS

IN_PROJECTS = (*KEYS, *IMPORTS, *TAGS)
OPERATIONS = (*IN_PROJECTS, *ENTERPRISE_PROJECTS)
# What the web server answers without a thread, and without what follows.
BRIEF = rest.BriefCalls(IN_PROJECTS)

urlpatterns = [
    # First what is asked most: Django tries one after another.
    *rest.routes(IN_PROJECTS),
    *rest.routes(ENTERPRISE_PROJECTS, view=account.AccountView),
    re_path(r"^v1\.0/enterprise-projects/", account.unknown_path),
    re_path(r"^v1\.0/?$", front.version),
    path("v1.0/openapi.json", description.serving(OPERATIONS)),
    path("", front.door, name="door"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("v3", Version.as_view()),
    path("v3/", include("iam.api.urls")),
    re_path(r"^console/?$", RedirectView.as_view(pattern_name="keys:list")),
    path("console/api", api_pages.ApiIndex.as_view(operations=OPERATIONS), name="api"),
    path("console/api/<slug:name>", api_pages.ApiOperation.as_view(operations=OPERATIONS), name="api_operation"),
    path("console/", include("iam.urls")),
    path("console/", include("projects.urls")),
    path("console/kms/", include("keys.urls")),
    path("console/kms/", include("imports.urls")),
    path("console/kms/", include("tags.urls")),
    path("console/kms/keys/<str:key_id>/<path:rest>", NoSuchPage.as_view()),
    re_path(rf"^(?:/*){middleware.VERSION_PATH}", rest.unknown_path),
]

handler400 = "kmsconsole.errors.bad_request"
handler403 = "kmsconsole.errors.forbidden"
handler404 = "kmsconsole.errors.not_found"
handler500 = "kmsconsole.errors.server_error"
