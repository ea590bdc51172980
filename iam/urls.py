"""Below /console/."""

from django.urls import path

from iam import access_key_pages, pages

app_name = "iam"

urlpatterns = [
    path("login", pages.SignIn.as_view(), name="login"),
    path("logout", pages.SignOut.as_view(), name="logout"),
    path("logout-everywhere", pages.SignOut.as_view(everywhere=True), name="logout_everywhere"),
    path("sessions/<slug:session_id>/end", pages.EndSession.as_view(), name="end_session"),
    path("session", pages.Session.as_view(), name="session"),
    path("session/again", pages.SignedInAgain.as_view(), name="signed_in_again"),
    path("password", pages.ChangePassword.as_view(), name="password"),
    path("credentials", pages.Credentials.as_view(), name="credentials"),
    path("credentials/access-keys", access_key_pages.AccessKeys.as_view(), name="access_keys"),
    path("credentials/access-keys/create", access_key_pages.Create.as_view(), name="create_access_key"),
    path("credentials/access-keys/<slug:ak>/enable", access_key_pages.Enable.as_view(), name="enable_access_key"),
    path("credentials/access-keys/<slug:ak>/disable", access_key_pages.Disable.as_view(), name="disable_access_key"),
    path("credentials/access-keys/<slug:ak>/delete", access_key_pages.Delete.as_view(), name="delete_access_key"),
]
