"""The console pages of tags, below /console/kms/."""

from django.urls import path

from tags import pages

app_name = "tags"

urlpatterns = [
    path("keys/<str:key_id>/tags", pages.Tags.as_view(), name="list"),
    path("keys/<str:key_id>/tags/add", pages.AddTag.as_view(), name="add"),
    path("keys/<str:key_id>/tags/edit", pages.EditTag.as_view(), name="edit"),
    path("keys/<str:key_id>/tags/delete", pages.DeleteTag.as_view(), name="delete"),
]
