"""Mounts each app's API and pages; nothing else."""

from django.urls import path

from kmsconsole import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

handler400 = "kmsconsole.errors.bad_request"
handler403 = "kmsconsole.errors.forbidden"
handler404 = "kmsconsole.errors.not_found"
handler500 = "kmsconsole.errors.server_error"
