"""The console pages of keys, below /console/kms/."""

from django.urls import path

from keys.pages import aliases, creation, detail, dialogs, grants, listing, rotation, tool

app_name = "keys"

urlpatterns = [
    path("keys", listing.KeyList.as_view(), name="list"),
    path("keys/default", listing.DefaultKeys.as_view(), name="defaults"),
    path("keys/columns", listing.ChooseColumns.as_view(), name="columns"),
    path("keys/create", creation.CreateKey.as_view(), name="create"),
    path("keys/check-alias", creation.CheckAlias.as_view(), name="check_alias"),
    path("keys/enable", dialogs.Enable.as_view(), name="enable"),
    path("keys/disable", dialogs.Disable.as_view(), name="disable"),
    path("keys/delete", dialogs.Delete.as_view(), name="delete"),
    path("keys/cancel-deletion", dialogs.CancelDeletion.as_view(), name="cancel_deletion"),
    path("keys/<str:key_id>", detail.BasicInformation.as_view(), name="detail"),
    path("keys/<str:key_id>/tool", tool.Tool.as_view(), name="tool"),
    path("keys/<str:key_id>/public-key", tool.PublicKeyFile.as_view(), name="public_key"),
    path("keys/<str:key_id>/grants", grants.Grants.as_view(), name="grants"),
    path("keys/<str:key_id>/grants/create", grants.CreateGrant.as_view(), name="create_grant"),
    path("keys/<str:key_id>/grants/<str:grant_id>", grants.GrantDetails.as_view(), name="grant"),
    path("keys/<str:key_id>/grants/<str:grant_id>/revoke", grants.RevokeGrant.as_view(), name="revoke_grant"),
    path("keys/<str:key_id>/aliases", aliases.Aliases.as_view(), name="aliases"),
    path("keys/<str:key_id>/aliases/create", aliases.CreateAlias.as_view(), name="create_alias"),
    path("keys/<str:key_id>/aliases/delete", aliases.DeleteAlias.as_view(), name="delete_alias"),
    path("keys/<str:key_id>/rotation", rotation.RotationPolicy.as_view(), name="rotation"),
    path("keys/<str:key_id>/rotation/enable", rotation.EnableRotation.as_view(), name="enable_rotation"),
    path("keys/<str:key_id>/rotation/period", rotation.EditRotation.as_view(), name="edit_rotation"),
    path("keys/<str:key_id>/rotation/disable", rotation.DisableRotation.as_view(), name="disable_rotation"),
    path("keys/<str:key_id>/material", detail.Material.as_view(), name="material"),
    path("keys/<str:key_id>/alias", dialogs.EditAlias.as_view(), name="edit_alias"),
    path("keys/<str:key_id>/description", dialogs.EditDescription.as_view(), name="edit_description"),
]
