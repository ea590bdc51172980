"""Below /console/kms/."""

from django.urls import path

from imports import pages

app_name = "imports"

urlpatterns = [
    path("import", pages.ImportKey.as_view(), name="wizard"),
    path("import/<str:key_id>", pages.ImportMaterial.as_view(), name="import_material"),
    path("import/<str:key_id>/download", pages.Download.as_view(), name="download"),
    path("import/<str:key_id>/wrapping-key/<uuid:offer_id>", pages.SaveWrappingKey.as_view(), name="wrapping_key"),
    path("import/<str:key_id>/check", pages.Check.as_view(), name="check"),
    path("import/<str:key_id>/finish", pages.Finish.as_view(), name="finish"),
    path("import/<str:key_id>/revoke", pages.Revoke.as_view(), name="revoke"),
    path("import/<str:key_id>/delete-material", pages.DeleteMaterial.as_view(), name="delete_material"),
]
