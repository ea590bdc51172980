"""Below /v3/; `/v3` itself is `views.Version`. A slash at the end is not asked for and does no harm."""

from django.urls import path, re_path

from iam.api import views

urlpatterns = [
    re_path(r"^$", views.Version.as_view()),
    re_path(r"^auth/tokens/?$", views.Tokens.as_view()),
    re_path(r"^auth/catalog/?$", views.Catalog.as_view()),
    re_path(r"^(?:auth/)?projects/?$", views.Projects.as_view()),
    re_path(r"^(?:auth/)?domains/?$", views.Domains.as_view()),
    re_path(r"^regions/?$", views.Regions.as_view()),
    path("regions/<str:region_id>", views.OneRegion.as_view()),
    path("domains/<str:domain_id>", views.OneDomain.as_view()),
    path("projects/<str:project_id>", views.OneProject.as_view()),
    path("users/<str:user_id>", views.Users.as_view()),
    path("users/<str:user_id>/projects", views.Projects.as_view()),
    re_path(r"", views.Unknown.as_view()),
]
