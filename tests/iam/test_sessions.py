"""Signing in to the console, and what ends a session (SEC-043)."""

import json

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client

from iam.agents import browser
from iam.models import ConsoleSession, User
from iam.services import passwords
from operations.models import Trace
from tests import factories
from tests.clock import FrozenClock
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

LOGIN = "/console/login"
HOME = "/console/kms/keys"
CREDENTIALS = "/console/credentials"


@pytest.fixture
def clock():
    with FrozenClock() as frozen:
        yield frozen


@pytest.fixture
def alice_in(client, cast, clock):
    return factories.sign_in(client, cast.alice)


def log_in(client, *, account="acme", name="alice", password=PASSWORD, query="", **more):
    return client.post(LOGIN + query, {"account": account, "name": name, "password": password, **more})


def is_in(client):
    return client.get(CREDENTIALS).status_code == 200


def test_account_name_and_password_open_the_console(client, cast):
    response = log_in(client)

    assert response.status_code == 302
    assert response["Location"] == HOME
    assert is_in(client)


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "wrong harbour altogether"},
        {"password": "x" * 5000},
        {"name": "nobody"},
        {"account": "nowhere"},
        {"account": "mallory-and-sons"},
        {"name": "alice\x00"},
    ],
    ids=["password", "long password", "user", "account", "another account", "NUL"],
)
def test_whatever_is_wrong_is_answered_alike(client, cast, hashes, wrong):
    response = log_in(client, **wrong)

    assert response.status_code == 422
    assert not is_in(client)
    if "\x00" not in wrong.get("name", ""):
        assert "The user name or password is incorrect." in response.content.decode()
        assert len(hashes) == 1


def test_a_password_is_never_sent_back(client, cast):
    response = log_in(client, password="wrong harbour altogether")

    assert "wrong harbour" not in response.content.decode()


def test_an_address_too_long_for_the_way_back_is_forgotten(client):
    assert client.get(f"{CREDENTIALS}?search={'x' * 5000}")["Location"] == "/console/login"


def test_a_disabled_user_is_not_let_in(client, cast):
    User.objects.filter(pk=cast.alice.pk).update(enabled=False)

    assert log_in(client).status_code == 422


def test_one_who_is_not_in_is_sent_to_sign_in_and_back_again(client, cast):
    away = client.get(f"{CREDENTIALS}?tab=1")

    assert away.status_code == 302
    assert away["Location"] == "/console/login?next=%2Fconsole%2Fcredentials%3Ftab%3D1"
    page = client.get(away["Location"]).content.decode()
    assert 'name="next" value="/console/credentials?tab=1"' in page
    assert log_in(client, next="/console/credentials?tab=1")["Location"] == "/console/credentials?tab=1"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "evil",
        "http:///evil.example",
        "/console/kms/keys\r\nX-Evil: 1",
        "/console/kms/k\u2028\xe9y",
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(client, cast, elsewhere):
    assert log_in(client, next=elsewhere)["Location"] == HOME


def test_who_is_in_does_not_sign_in_again(alice_in):
    assert alice_in.get(f"{LOGIN}?next=/console/credentials")["Location"] == CREDENTIALS


def test_signing_in_gives_a_new_session_id_and_keeps_nothing_of_the_old_session(client, cast):
    session = client.session
    session["planted"] = "by somebody"
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = planted = session.session_key

    log_in(client)

    assert client.session.session_key != planted
    assert "planted" not in client.session
    assert not client.session.exists(planted)
    assert Session.objects.count() == 1


def test_the_session_cookie_is_closed_to_scripts_and_other_sites(client, cast):
    cookie = log_in(client).cookies[settings.SESSION_COOKIE_NAME]

    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_signing_in_wants_the_csrf_token(cast):
    strict = Client(enforce_csrf_checks=True)

    assert log_in(strict).status_code == 403
    assert not is_in(strict)


def test_30_idle_minutes_end_a_session(alice_in, clock):
    clock.advance(minutes=29, seconds=59)
    assert is_in(alice_in)

    clock.advance(minutes=29, seconds=59)
    assert is_in(alice_in)

    clock.advance(minutes=30)
    assert not is_in(alice_in)


def test_12_hours_end_a_session_that_is_never_idle(alice_in, clock):
    for _ in range(36):
        clock.advance(minutes=19, seconds=59)
        assert is_in(alice_in)

    clock.advance(minutes=1)

    assert not is_in(alice_in)


def test_being_seen_is_written_once_a_minute_at_most(alice_in, clock):
    clock.advance(seconds=59)
    is_in(alice_in)
    assert alice_in.session["iam"]["seen_at"] == alice_in.session["iam"]["issued_at"]

    clock.advance(seconds=1)
    is_in(alice_in)

    assert alice_in.session["iam"]["seen_at"] == alice_in.session["iam"]["issued_at"] + 60


def test_a_dead_session_leaves_nothing_in_the_database(alice_in, clock):
    clock.advance(hours=12)

    is_in(alice_in)

    assert not Session.objects.exists()


def test_a_disabled_user_is_out_at_the_next_click(alice_in, cast):
    User.objects.filter(pk=cast.alice.pk).update(enabled=False)

    assert not is_in(alice_in)


def test_logging_out_ends_this_session_and_no_other(alice_in, cast):
    other = factories.sign_in(Client(), cast.alice)

    response = alice_in.post("/console/logout")

    assert response["Location"] == LOGIN
    assert not is_in(alice_in)
    assert is_in(other)


def test_logging_out_is_no_link(alice_in):
    for address in ("/console/logout", "/console/logout-everywhere"):
        assert alice_in.get(address)["Location"] == HOME
        assert alice_in.put(address).status_code == 405
    assert is_in(alice_in)


def test_logging_out_everywhere_ends_all_sessions_of_this_user(alice_in, cast):
    other, bob = factories.sign_in(Client(), cast.alice), factories.sign_in(Client(), cast.bob)

    alice_in.post("/console/logout-everywhere")

    assert not is_in(alice_in)
    assert not is_in(other)
    assert is_in(bob)


def test_an_api_token_does_not_open_the_console(client, cast):
    response = client.get(CREDENTIALS, headers=factories.headers(cast.alice))

    assert response.status_code == 302


@pytest.mark.parametrize("headers", [{"HX-Request": "true"}, {"Accept": "application/json"}])
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("address", ["/console/session", "/console/kms/keys/create", "/console/kms/keys/columns"])
def test_a_script_is_told_that_the_session_has_ended_and_leaves_the_page_as_it_is(client, address, method, headers):
    response = getattr(client, method)(address, headers=headers)

    assert response.status_code == 401
    assert response["X-Sign-In"] == LOGIN
    assert "HX-Redirect" not in response.headers


def test_an_open_page_learns_who_is_signed_in_and_a_token_that_holds(cast):
    strict = factories.sign_in(Client(enforce_csrf_checks=True), cast.alice)

    answer = strict.get("/console/session").json()

    assert answer["user"] == "acme/alice"
    token = {"csrfmiddlewaretoken": answer["csrf_token"], "column": "status"}
    assert strict.post("/console/kms/keys/columns", token).status_code == 302


def test_asking_who_is_signed_in_keeps_nobody_signed_in(alice_in, clock):
    for _ in range(2):
        clock.advance(minutes=20)
        status = alice_in.get("/console/session", headers={"Accept": "application/json"}).status_code

    assert status == 401


def test_the_sign_in_page_says_that_a_session_has_ended_and_only_then(client, alice_in, clock):
    clock.advance(minutes=31)
    ended = alice_in.get(CREDENTIALS)["Location"]

    assert "Your session has ended. Log in to go on." in client.get(ended).content.decode()
    assert "ended" not in Client().get(CREDENTIALS)["Location"]
    assert "Your session has ended" not in client.get(LOGIN).content.decode()


def test_who_signs_in_for_an_open_page_is_sent_back_to_it(client, cast):
    again = log_in(client, next="/console/session/again")["Location"]

    assert "Close this tab and go on in the one you came from" in client.get(again).content.decode()


def test_what_is_sent_too_late_leads_back_to_where_it_would_have_led(client, cast):
    response = client.post("/console/kms/keys/create", {"next": "/console/kms/keys?q=a"})

    assert response["Location"] == f"{LOGIN}?next=%2Fconsole%2Fkms%2Fkeys%3Fq%3Da"


@pytest.mark.parametrize(
    ("before", "back"),
    [
        ("http://testserver/console/kms/import?a=1", "?next=%2Fconsole%2Fkms%2Fimport%3Fa%3D1"),
        ("https://evil.example/console/kms/import", ""),
        ("http://[", ""),
    ],
)
def test_what_names_no_way_back_leads_to_the_page_it_was_sent_from(client, cast, before, back):
    assert client.post("/console/kms/import", headers={"Referer": before})["Location"] == LOGIN + back


def change(client, *, old=PASSWORD, new="another long and quiet harbour", again=None, **more):
    return client.post("/console/password", {"old": old, "new": new, "again": again or new, **more})


def test_changing_the_password_ends_all_other_sessions_and_moves_this_one_to_a_new_id(alice_in, cast):
    other, before = factories.sign_in(Client(), cast.alice), alice_in.session.session_key

    response = change(alice_in)

    assert response["Location"] == HOME
    assert is_in(alice_in)
    assert alice_in.session.session_key != before
    assert not is_in(other)
    assert User.objects.get(pk=cast.alice.pk).check_password("another long and quiet harbour")


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"old": "wrong harbour altogether"}, "old", "The current password is incorrect."),
        ({"new": "short"}, "new", "This password is too short. It must contain at least 12 characters."),
        ({"new": "x" * 129}, "new", "This password is too long. It must contain at most 128 characters."),
        ({"new": "1qaz2wsx3edc"}, "new", "This password is too common."),
        ({"new": PASSWORD}, "new", "The new password must differ from the current one."),
        ({"again": "something else entirely"}, "again", "The two new passwords are not the same."),
    ],
    ids=["old", "short", "long", "common", "same", "again"],
)
def test_a_password_is_refused_at_its_field(alice_in, cast, given, field, message):
    response = change(alice_in, **given)

    assert response.status_code == 422
    assert response.context["form"].errors[field] == [message]
    assert User.objects.get(pk=cast.alice.pk).check_password(PASSWORD)


def test_any_unicode_is_welcome_in_a_password(alice_in, cast):
    assert change(alice_in, new="ein leiser Hafen für Öltanker 🛳").status_code == 302


def test_guessing_at_the_old_password_is_slowed_down_too(alice_in, clock):
    for _ in range(5):
        change(alice_in, old="wrong harbour altogether")

    assert change(alice_in).status_code == 429


def test_one_time_password_opens_nothing_but_the_page_that_changes_it(client, cast):
    passwords.put(cast.alice, PASSWORD, must_change=True)
    response = log_in(client, next=HOME)
    assert response["Location"] == HOME

    assert client.post("/console/project", {"project_id": factories.project().pk})["Location"] == "/console/password"
    assert client.get(CREDENTIALS)["Location"] == "/console/password?next=%2Fconsole%2Fcredentials"
    page = client.get("/console/password")
    assert "one-time password" in page.content.decode()

    assert change(client, next=HOME)["Location"] == HOME
    assert client.post("/console/project", {"project_id": factories.project().pk})["Location"] == HOME


def test_a_one_time_password_must_give_way_to_another(client, cast):
    passwords.put(cast.alice, PASSWORD, must_change=True)
    log_in(client)

    assert change(client, new=PASSWORD).status_code == 422


def test_the_only_account_is_filled_in(client, db):
    factories.alice()

    assert 'value="acme"' in client.get(LOGIN).content.decode()


def test_one_of_several_accounts_is_not_given_away_before_it_was_used_here(client, cast):
    assert "acme" not in client.get(LOGIN).content.decode()

    client.cookies["kms-account"] = cast.alice.account_id  # an ID is no secret
    assert "acme" not in client.get(LOGIN).content.decode()

    log_in(client)
    client.post("/console/logout")

    assert 'value="acme"' in client.get(LOGIN).content.decode()


def test_my_credentials_name_what_a_program_needs(alice_in, cast):
    factories.project("eu-de_staging")

    page = alice_in.get(CREDENTIALS).content.decode()

    for value in ("alice", cast.alice.pk, "acme", cast.alice.account_id, factories.project().pk, "eu-de_staging"):
        assert value in page
    assert factories.project(account_name="mallory-and-sons").pk not in page


def test_coming_going_and_changing_leave_traces_without_secrets(client, cast):
    log_in(client, password="wrong harbour altogether")
    log_in(client)
    change(client)
    client.post("/console/logout")

    traces = list(Trace.objects.order_by("time"))
    assert [(trace.name, trace.rating, trace.user_name) for trace in traces] == [
        ("login", "warning", "alice"),
        ("login", "normal", "alice"),
        ("changePassword", "normal", "alice"),
        ("logout", "normal", "alice"),
    ]
    assert {trace.kind for trace in traces} == {"ConsoleAction"}
    written = json.dumps([{f.attname: str(getattr(t, f.attname)) for f in Trace._meta.fields} for t in traces])
    assert "harbour" not in written


def test_a_page_costs_a_bounded_number_of_queries(alice_in, django_assert_max_num_queries):
    for number in range(10):
        factories.project(f"eu-de_{number}")
        factories.enterprise_project(f"team-{number}")

    # session, user, rights, projects of page, sessions, projects of selector, enterprise projects
    with django_assert_max_num_queries(8):
        alice_in.get(CREDENTIALS)


def test_hostile_names_are_shown_as_text(client, db):
    evil = factories.user("<script>alert(1)</script>", account_name='"><img src=x onerror=alert(1)>')
    factories.sign_in(client, evil)

    page = client.get(CREDENTIALS).content.decode()

    assert "<script>alert" not in page
    assert "<img" not in page


# --- sessions listed and ended one by one


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def ending(session):
    return f"/console/sessions/{session.pk}/end"


def row_of(client):
    return ConsoleSession.objects.get(pk=client.session["iam"]["id"])


def listed(client):
    return {session.pk: (name, is_this) for session, name, is_this in client.get(CREDENTIALS).context["sessions"]}


def test_every_session_is_listed_with_its_browser_address_and_times(cast, clock):
    phone = Client(REMOTE_ADDR="192.0.2.44", headers={"User-Agent": FIREFOX})
    log_in(phone)
    signed_in_at = clock.at
    clock.advance(minutes=5)
    here = factories.sign_in(Client(), cast.alice)

    page = here.get(CREDENTIALS).content.decode()

    assert listed(here) == {row_of(here).pk: ("tests", True), row_of(phone).pk: ("Firefox 128 on Linux", False)}
    assert "Firefox 128 on Linux" in page
    assert "192.0.2.44" in page
    assert f"{signed_in_at:%Y-%m-%d %H:%M:%S}" in page


def test_only_the_session_that_looks_is_marked_and_has_no_button_of_its_own(alice_in, cast):
    other = factories.sign_in(Client(), cast.alice)

    page = alice_in.get(CREDENTIALS).content.decode()

    assert page.count("This session") == 1
    assert f'action="{ending(row_of(other))}"' in page
    assert ending(row_of(alice_in)) not in page


def test_a_session_that_is_ended_is_out_at_its_next_request_and_no_other_is(alice_in, cast):
    other, third = factories.sign_in(Client(), cast.alice), factories.sign_in(Client(), cast.alice)
    gone = row_of(other)

    response = alice_in.post(ending(gone))

    assert response["Location"] == CREDENTIALS
    assert not is_in(other)
    assert is_in(alice_in)
    assert is_in(third)
    trace = Trace.objects.get(name="logout")
    assert (trace.user_name, trace.kind, trace.request) == ("alice", "ConsoleAction", {"session_id": gone.pk})


def test_a_strangers_session_answers_like_one_that_never_was(alice_in, cast):
    bob, mallory = factories.sign_in(Client(), cast.bob), factories.sign_in(Client(), cast.mallory)
    never_was = alice_in.post("/console/sessions/0123456789abcdef0123456789abcdef/end")
    assert alice_in.post("/console/sessions/%00/end").status_code == 400

    for stranger in (bob, mallory):
        answer = alice_in.post(ending(row_of(stranger)))
        assert answer.status_code == never_was.status_code == 404
        assert is_in(stranger)
        assert row_of(stranger).pk not in listed(alice_in)
    assert not Trace.objects.filter(name="logout").exists()


def test_ending_a_session_wants_the_csrf_token_and_is_no_link(alice_in, cast):
    other = factories.sign_in(Client(), cast.alice)
    strict = factories.sign_in(Client(enforce_csrf_checks=True), cast.alice)

    assert strict.post(ending(row_of(other))).status_code == 403
    assert alice_in.get(ending(row_of(other)))["Location"] == CREDENTIALS
    assert is_in(other)


def test_nobody_ends_a_session_without_being_in(client, cast):
    other = factories.sign_in(Client(), cast.alice)

    assert client.post(ending(row_of(other)))["Location"].startswith(LOGIN)
    assert is_in(other)


def test_what_the_cookie_holds_is_not_in_the_row(client, cast):
    log_in(client)

    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    row = ConsoleSession.objects.values().get()
    assert cookie
    assert cookie not in json.dumps(row, default=str)
    assert row["id"] not in cookie


def test_whoever_reads_the_sessions_in_the_database_gets_into_none(alice_in):
    cookie = alice_in.cookies[settings.SESSION_COOKIE_NAME].value
    stored = Session.objects.values().get()
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = stored["session_key"]

    assert cookie not in json.dumps(stored, default=str)
    assert not is_in(thief)
    assert is_in(alice_in)


def test_the_id_by_which_a_session_is_listed_does_not_open_the_console(alice_in):
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = row_of(alice_in).pk

    assert not is_in(thief)


def test_last_seen_is_written_together_with_the_session(alice_in, clock):
    began = clock.at
    clock.advance(seconds=59)
    is_in(alice_in)
    assert row_of(alice_in).seen_at == began.replace(microsecond=0)

    clock.advance(seconds=1)
    is_in(alice_in)

    assert row_of(alice_in).seen_at == clock.at.replace(microsecond=0)


def test_a_session_that_has_run_out_is_not_listed(alice_in, cast, clock):
    factories.sign_in(Client(), cast.alice)
    clock.advance(minutes=20)
    is_in(alice_in)
    clock.advance(minutes=10)

    assert list(listed(alice_in)) == [row_of(alice_in).pk]


def test_leaving_takes_a_session_off_the_list(alice_in, cast):
    other = factories.sign_in(Client(), cast.alice)

    other.post("/console/logout")

    assert list(listed(alice_in)) == [row_of(alice_in).pk]


def test_leaving_everywhere_empties_the_list_of_this_user_alone(alice_in, cast):
    factories.sign_in(Client(), cast.alice)
    bob = factories.sign_in(Client(), cast.bob)

    alice_in.post("/console/logout-everywhere")

    assert list(ConsoleSession.objects.all()) == [row_of(bob)]


def test_after_a_change_of_the_password_this_session_alone_is_listed_since_it_began(alice_in, cast, clock):
    factories.sign_in(Client(), cast.alice)
    began = row_of(alice_in).signed_in_at
    clock.advance(minutes=10)

    change(alice_in)

    assert list(listed(alice_in)) == [row_of(alice_in).pk]
    assert row_of(alice_in).signed_in_at == began


def test_signing_in_again_leaves_no_session_behind(client, cast):
    log_in(client)
    log_in(client)

    assert list(ConsoleSession.objects.all()) == [row_of(client)]


def test_a_hostile_browser_name_is_shown_as_text(alice_in, cast):
    log_in(Client(headers={"User-Agent": "<script>alert(1)</script>" + "x" * 5000}))

    page = alice_in.get(CREDENTIALS).content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox 128 on Linux"),
        (
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0"
            ),
            "Edge 131 on Windows",
        ),
        (
            (
                "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/131.0.0.0 Mobile Safari/537.36"
            ),
            "Chrome 131 on Android",
        ),
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                "Version/17.5 Mobile/15E148 Safari/604.1"
            ),
            "Safari 17 on iOS",
        ),
        ("curl/8.5.0", "curl/8.5.0"),
        ("z" * 41, "z" * 39 + "…"),
        ("", ""),
    ],
)
def test_a_browser_is_named_in_a_few_words(agent, name):
    assert browser(agent) == name
