"""Below /console/."""

from django.urls import path

from iam import pages

app_name = "iam"

urlpatterns = [
    path("login", pages.SignIn.as_view(), name="login"),
    path("logout", pages.SignOut.as_view(), name="logout"),
    path("logout-everywhere", pages.SignOut.as_view(everywhere=True), name="logout_everywhere"),
    path("sessions/<slug:session_id>/end", pages.EndSession.as_view(), name="end_session"),
    path("password", pages.ChangePassword.as_view(), name="password"),
    path("credentials", pages.Credentials.as_view(), name="credentials"),
]
