"""Below /console/."""

from django.urls import path

from projects import pages

app_name = "projects"

urlpatterns = [
    path("project", pages.SelectProject.as_view(), name="select_project"),
    path("enterprise-project", pages.SelectEnterpriseProject.as_view(), name="select_enterprise_project"),
]
