"""The selectors of the top bar: what they show, store, and refuse."""

import pytest
from django.test import Client, RequestFactory

from iam.models import User
from kmsconsole import navigation
from tests import factories
from tests.clock import FrozenClock

pytestmark = pytest.mark.django_db

HOME = "/console/kms/keys"


@pytest.fixture(autouse=True)
def clock():
    with FrozenClock() as frozen:
        yield frozen


@pytest.fixture
def staging():
    return factories.project("eu-de_staging")


@pytest.fixture
def alice_in(client, staging):
    return factories.sign_in(client, factories.alice())


def surroundings(client):
    return client.get("/console/credentials").context["console"]


def choose(client, project, **more):
    return client.post("/console/project", {"project_id": project.pk, **more})


def choose_enterprise(client, wire_id, **more):
    return client.post("/console/enterprise-project", {"enterprise_project_id": wire_id, **more})


def test_the_first_project_of_the_account_is_the_one_before_a_choice(alice_in):
    scope = surroundings(alice_in).scope

    assert (scope["project_name"], scope["label"]) == ("eu-de", "eu-de")


def test_a_choice_holds_for_the_next_page_and_leads_back_to_the_last(alice_in, staging):
    response = choose(alice_in, staging, next="/console/credentials?a=1")

    assert response["Location"] == "/console/credentials?a=1"
    shown = surroundings(alice_in)
    assert shown.scope["project_id"] == staging.pk
    assert shown.scope["label"] == "eu-de (eu-de_staging)"
    assert [project["label"] for project in shown.projects if project["current"]] == ["eu-de (eu-de_staging)"]


def test_a_choice_is_remembered_for_the_next_session(alice_in, staging):
    choose(alice_in, staging)
    surroundings(alice_in)

    later = factories.sign_in(Client(), User.objects.get(name="alice"))

    assert surroundings(later).scope["project_id"] == staging.pk


def test_two_sessions_of_one_user_can_look_at_two_projects(alice_in, staging):
    other = factories.sign_in(Client(), User.objects.get(name="alice"))
    choose(alice_in, staging)
    choose(other, factories.project())

    seen = [surroundings(client).scope["project_name"] for client in (alice_in, other, alice_in, other)]

    assert seen == ["eu-de_staging", "eu-de"] * 2


def test_rights_follow_the_chosen_project(client, staging):
    carol = factories.user("carol")
    factories.allow(carol, "KMS Administrator", in_project=staging)
    factories.sign_in(client, carol)
    may = lambda: client.get("/console/credentials").context["caller"].may("kms:cmk:create")  # noqa: E731
    assert not may()

    choose(client, staging)

    assert may()


def test_anothers_project_cannot_be_chosen(alice_in):
    foreign = factories.project(account_name="mallory-and-sons")

    assert choose(alice_in, foreign).status_code == 404
    assert surroundings(alice_in).scope["project_name"] == "eu-de"


def test_one_enterprise_project_or_all_of_them(alice_in):
    payments = factories.enterprise_project("payments")
    assert [row["name"] for row in surroundings(alice_in).enterprise_projects] == ["All", "default", "payments"]
    assert surroundings(alice_in).enterprise_current is None

    choose_enterprise(alice_in, payments.wire_id)
    assert surroundings(alice_in).enterprise_current == {"id": payments.wire_id, "name": "payments", "current": True}

    choose_enterprise(alice_in, "0")
    assert surroundings(alice_in).enterprise_current["name"] == "default"

    choose_enterprise(alice_in, "all")
    assert surroundings(alice_in).enterprise_current is None


def test_anothers_enterprise_project_cannot_be_chosen(alice_in):
    foreign = factories.enterprise_project("secret", account_name="mallory-and-sons")

    assert choose_enterprise(alice_in, foreign.wire_id).status_code == 404
    assert choose_enterprise(alice_in, foreign.account_id).status_code == 404
    assert choose_enterprise(alice_in, "").status_code == 404


@pytest.mark.parametrize(
    ("stood", "begins"),
    [
        ("/console/kms/keys?q=a%26b&after=7~x&limit=50", "/console/kms/keys?q=a%26b&limit=50"),
        ("/console/kms/keys?before=7~x&enterprise_project=0", "/console/kms/keys"),
        ("/console/kms/keys/default", "/console/kms/keys/default"),
    ],
)
def test_a_list_starts_from_its_beginning_in_the_new_scope(alice_in, staging, stood, begins):
    assert choose(alice_in, staging, next=stood)["Location"] == begins
    assert choose_enterprise(alice_in, "all", next=stood)["Location"] == begins


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_no_choice_leads_elsewhere(alice_in, staging, elsewhere):
    assert choose(alice_in, staging, next=elsewhere)["Location"] == HOME
    assert choose_enterprise(alice_in, "all", next=elsewhere)["Location"] == HOME


def test_choosing_is_no_link_and_wants_the_csrf_token(alice_in, staging):
    strict = factories.sign_in(Client(enforce_csrf_checks=True), User.objects.get(name="alice"))

    for address in ("/console/project", "/console/enterprise-project"):
        assert alice_in.get(address)["Location"] == HOME
        assert alice_in.get(f"{address}?next=/console/credentials")["Location"] == "/console/credentials"
        assert alice_in.get(f"{address}?next=https://evil.example/")["Location"] == HOME
    assert choose(strict, staging).status_code == 403


def test_who_is_not_in_chooses_nothing(client, staging):
    assert choose(client, staging)["Location"].startswith("/console/login")


def test_an_account_without_the_enterprise_function_has_no_second_selector(alice_in):
    account = factories.account()
    account.enterprise_enabled = False
    account.save()

    response = alice_in.get("/console/credentials")

    assert not response.context["console"].enterprise_enabled
    assert "menu-enterprise" not in response.content.decode()


def test_the_side_menu_marks_the_page_one_is_on(rf: RequestFactory):
    def current(path):
        request = rf.get(path)
        request.caller = factories.caller(factories.alice())
        nav = navigation.Surroundings(request).nav
        return [item["label"] for group in nav for item in group["items"] if item["current"]]

    assert current("/console/kms/keys") == ["Custom Keys"]
    assert current("/console/kms/keys/0d0466b0-e727-4d9c-b35d-f84bb474a37f/tags") == ["Custom Keys"]
    assert current("/console/credentials") == []


def test_a_page_of_nobody_shows_neither_menus_nor_scope(client):
    shown = client.get("/console/login").context["console"]

    assert (shown.user, shown.scope, shown.nav, shown.projects, shown.user_menu) == (None, None, [], [], [])
    assert shown.enterprise_projects == []
    assert shown.version


@pytest.mark.parametrize(
    ("name", "initials"), [("alice", "AL"), ("mara.lindqvist", "ML"), ("j-o k", "JO"), ("ä", "Ä"), ("...", "..")]
)
def test_initials(rf, name, initials):
    request = rf.get("/")
    request.caller = factories.caller(factories.user(name))

    assert navigation.Surroundings(request).user["initials"] == initials


def test_the_moved_clock_is_told_in_words(rf, settings, tmp_path):
    from datetime import timedelta

    from operations import clock

    settings.KMS_TEST_MODE, settings.KMS_HOME = True, tmp_path
    assert navigation.Surroundings(rf.get("/")).clock_offset == ""

    clock.set_offset(timedelta(days=1, hours=2, seconds=5))

    assert navigation.Surroundings(rf.get("/")).clock_offset == "1 d 2 h 5 s"
