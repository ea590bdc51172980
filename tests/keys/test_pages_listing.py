"""Custom Keys and Default Keys, as somebody sees them who is signed in (console.md A, B1, B2, F)."""

from datetime import timedelta
from html import escape

import pytest

from keys.models import Key, Tag
from keys.states import State
from tests import factories
from tests.keys.console import address, query_of, read, signed_in, toasts
from tests.keys.test_pages_paging import some_keys
from tests.operations import stage

LIST = address("list")

pytestmark = pytest.mark.usefixtures("the_clock")


@pytest.fixture
def alice_sees(alice):
    """What alice's browser shows at an address, signed in at this moment."""
    return lambda url=LIST, **query: read(signed_in(factories.alice()).get(url, query))


# --- who may see it


def test_somebody_who_is_not_signed_in_is_sent_to_sign_in_and_back(client, db):
    answer = client.get(LIST, {"status": "enabled"})

    assert answer.status_code == 302
    assert answer.url.startswith("/console/login?")
    assert query_of(answer.url)["next"] == [f"{LIST}?status=enabled"]


def test_who_may_not_list_keys_is_told_which_permission_is_missing(strong_room):
    carol = factories.user("carol", policies=("CTS Auditor",))

    answer = signed_in(carol).get(LIST)

    assert answer.status_code == 403
    page = read(answer)
    assert "You do not have the permission to perform this operation." in page.text
    assert "kms:cmk:list" in page.text
    assert "eu-de" in page.text


def test_the_keys_of_another_account_are_not_there(alice, mallory, alice_sees):
    stage.a_key(mallory, alias="mallorys")
    stage.a_key(alice, alias="mine")

    assert alice_sees().aliases() == ["mine"]


def test_a_policy_for_one_enterprise_project_shows_the_keys_of_that_one(alice):
    payments = factories.enterprise_project("payments")
    stage.a_key(alice, alias="elsewhere")
    stage.a_key(alice, alias="inside", enterprise_project_id=payments.wire_id)
    carol = factories.user("carol")
    factories.allow(carol, "KMS CMKReadOnlyAccess", in_enterprise_project=payments)

    assert read(signed_in(carol).get(LIST)).aliases() == ["inside"]


# --- what stands there


def test_an_empty_project_shows_how_to_begin(alice_sees):
    page = alice_sees()

    assert "No keys found." in page.texts("h2")
    assert page.texts("h1") == ["Custom Keys"]
    assert page.texts("a", href=address("create")) == ["Create Key", "Create Key"]
    assert len([text for text in page.texts("a") if text == "Import Key"]) == 2


def test_the_list_has_the_columns_of_the_original(alice, alice_sees):
    stage.a_key(alice)

    heads = alice_sees().texts("th", scope="col")

    assert heads == [
        "Alias/ID",
        "Status",
        "Created",
        "Expiration Time",
        "Key Algorithm and Usage",
        "Origin",
        "Enterprise Project",
        "Operation",
    ]


def test_an_account_without_enterprise_projects_has_no_such_column(alice, alice_sees):
    stage.a_key(alice)
    account = factories.account()
    account.enterprise_enabled = False
    account.save()

    page = alice_sees()

    assert "Enterprise Project" not in page.texts("th", scope="col")
    assert page.all("select", name="enterprise_project") == []


def test_a_row_says_what_a_key_is(alice, alice_sees):
    key = stage.a_key(alice, "RSA_2048", alias="ledger/signing", key_usage="SIGN_VERIFY")

    page = alice_sees()

    row = page.texts("tr", role="row")[1]
    for word in (
        "ledger/signing",
        key.key_id,
        "Enabled",
        "RSA_2048",
        "SIGN_VERIFY",
        "Key Management Service",
        "default",
    ):
        assert word in row
    assert "2026-03-01" in row
    assert "12:00:00 GMT+00:00" in row
    assert page.link("ledger/signing") == address("detail", key.key_id)


@pytest.mark.parametrize(
    ("make", "links"),
    [
        (lambda a: stage.a_key(a), ["Disable", "Delete"]),
        (lambda a: stage.disable(a, stage.a_key(a)), ["Enable", "Delete"]),
        (lambda a: stage.an_empty_key(a), ["Import Key Material", "Delete"]),
        (lambda a: stage.an_imported_key(a), ["Disable", "Delete", "Delete Key Material"]),
        (lambda a: stage.disable(a, stage.an_imported_key(a)), ["Enable", "Delete", "Delete Key Material"]),
        (lambda a: stage.an_imported_key(a, "EC_P256"), ["Disable", "Delete"]),
        (lambda a: stage.schedule_deletion(a, stage.a_key(a)), ["Cancel Deletion"]),
        (lambda a: stage.schedule_deletion(a, stage.an_imported_key(a)), ["Cancel Deletion"]),
    ],
    ids=["enabled", "disabled", "pending", "imported", "imported-off", "imported-ec", "deletion", "imported-deletion"],
)
def test_a_row_offers_what_its_state_allows(alice, alice_sees, make, links):
    make(alice)

    assert alice_sees().operations() == [links]


def test_who_may_only_read_sees_what_is_missing_for_each_operation(alice):
    stage.a_key(alice)

    page = read(signed_in(factories.bob()).get(LIST))

    denied = {e["attrs"]["title"]: e["text"] for e in page.all("span", aria_disabled="true")}
    reasons = " ".join(denied)
    for missing in ("kms:cmk:create", "kms:cmk:disable", "kms:cmk:update", "kms:cmk:importMaterial"):
        assert missing in reasons
    assert page.texts("a", class_="linkbtn") == []
    bulk = page.all("button", data_denied="true")
    assert [e["attrs"]["data-act"] for e in bulk] == ["enable", "disable", "delete", "cancel-deletion"]


def test_a_row_names_the_bulk_buttons_it_does_not_stand_against(alice, alice_sees):
    stage.a_key(alice, alias="on")
    stage.schedule_deletion(alice, stage.a_key(alice, alias="going"))

    boxes = {e["attrs"]["data-name"]: e["attrs"]["data-allows"] for e in alice_sees().all("input", name="key")}

    assert boxes == {"on": "disable delete", "going": "cancel-deletion"}


# --- time


def test_an_end_in_less_than_a_week_is_amber_and_in_words(alice, alice_sees, the_clock):
    stage.an_imported_key(alice, expiration_time=the_clock.seconds() + 6 * 86400)

    assert alice_sees().texts("strong", class_="warnc") == ["in 6 days"]


def test_an_end_in_less_than_a_day_is_red_and_in_words(alice, alice_sees, the_clock):
    stage.an_imported_key(alice, expiration_time=the_clock.seconds() + 86400 - 1)

    assert alice_sees().texts("strong", class_="badc") == ["in 23 hours"]


def test_an_end_far_away_is_a_date(alice, alice_sees, the_clock):
    stage.an_imported_key(alice, expiration_time=the_clock.seconds() + 30 * 86400)

    page = alice_sees()

    assert page.texts("strong", class_="warnc") == []
    assert "2026-03-31" in page.text


def test_expired_material_shows_as_pending_import_before_any_job_has_run(alice, alice_sees, the_clock):
    stage.an_imported_key(alice, expiration_time=the_clock.seconds() + 60)
    the_clock.advance(seconds=60)

    page = alice_sees()

    assert "Pending import" in page.texts("span", class_="status pending-import")
    assert page.operations() == [["Import Key Material", "Delete"]]
    assert Key.objects.get().state == State.ENABLED


def test_a_key_whose_waiting_period_is_over_is_gone(alice, alice_sees, the_clock):
    stage.schedule_deletion(alice, stage.a_key(alice), days=7)
    the_clock.advance(days=7)

    assert "No keys found." in alice_sees().text


# --- filters


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "enabled"}, {"orders", "signing"}),
        ({"status": "disabled"}, {"old"}),
        ({"status": "pending-import"}, {"empty"}),
        ({"status": "pending-deletion"}, {"going"}),
        ({"status": "nonsense"}, {"orders", "signing", "old", "empty", "going"}),
        ({"algorithm": "EC_P256"}, {"signing"}),
        ({"q": "ORD"}, {"orders"}),
        ({"q": "  sign "}, {"signing"}),
        ({"q": "%"}, set()),
        ({"q": "in", "status": "enabled"}, {"signing"}),
        ({"enterprise_project": "0"}, {"orders", "old", "empty", "going"}),
        ({"enterprise_project": "nobody's"}, set()),
        ({"tag": "env=prod"}, {"orders", "old"}),
        ({"tag": ["env=prod", "owner=mara"]}, {"orders"}),
        ({"tag": "env="}, {"orders", "old", "signing"}),
        ({"tag_key": ["env", "owner", ""], "tag_value": ["prod", "", ""]}, {"orders"}),
        ({"tag": "env=nothing"}, set()),
    ],
)
def test_filters_narrow_the_list(alice, alice_sees, query, expected):
    payments = factories.enterprise_project("payments")
    stage.a_key(alice, alias="orders", tags=[{"key": "env", "value": "prod"}, {"key": "owner", "value": "mara"}])
    stage.a_key(
        alice,
        "EC_P256",
        alias="signing",
        enterprise_project_id=payments.wire_id,
        tags=[{"key": "env", "value": "test"}],
    )
    stage.disable(alice, stage.a_key(alice, alias="old", tags=[{"key": "env", "value": "prod"}]))
    stage.an_empty_key(alice, alias="empty")
    stage.schedule_deletion(alice, stage.a_key(alice, alias="going"))

    page = alice_sees(LIST, **query)

    assert set(page.aliases()) == expected
    if not expected:
        assert "No matching keys." in page.texts("h2")
        assert "1–0" not in page.text
        assert LIST in [e["attrs"]["href"] for e in page.all("a") if e["text"].strip() == "Reset"]


def test_the_day_of_a_deletion_is_given_for_the_readers_zone(alice, alice_sees):
    stage.schedule_deletion(alice, stage.a_key(alice))

    (day,) = alice_sees().all("time", data_local="day")

    assert (day["text"], day["attrs"]["datetime"]) == ("2026-03-08", "2026-03-08T12:00:00+00:00")


def test_a_key_is_found_by_its_id(alice, alice_sees):
    key = stage.a_key(alice, alias="wanted")
    stage.a_key(alice)

    assert alice_sees(LIST, q=key.key_id).aliases() == ["wanted"]
    assert alice_sees(LIST, q=key.key_id[:13].upper()).aliases() == ["wanted"]


def test_each_tag_that_is_searched_for_is_a_chip_that_can_be_taken_away(alice, alice_sees):
    stage.a_key(alice, tags=[{"key": "env", "value": "prod"}, {"key": "owner", "value": ""}])

    page = alice_sees(LIST, tag=["env=prod", "owner="], status="enabled")

    assert page.texts("b") == ["env = prod", "owner"]
    without = page.all("a", aria_label="Remove filter env = prod")[0]["attrs"]["href"]
    assert query_of(without) == {"status": ["enabled"], "tag": ["owner="]}


def test_at_most_twenty_tags_are_searched_for(alice, alice_sees):
    page = alice_sees(LIST, tag=[f"t{n}=v" for n in range(25)])

    assert len(page.texts("b")) == 20


def test_the_enterprise_project_chosen_above_narrows_the_list(alice):
    payments = factories.enterprise_project("payments")
    stage.a_key(alice, alias="elsewhere")
    stage.a_key(alice, alias="inside", enterprise_project_id=payments.wire_id)
    browser = signed_in(factories.alice())

    browser.post("/console/enterprise-project", {"enterprise_project_id": payments.wire_id})
    page = read(browser.get(LIST))

    assert page.aliases() == ["inside"]
    assert page.all("select", name="enterprise_project") == []


@pytest.mark.parametrize("value", ['"><script>alert(1)</script>', "' onfocus='x", "a&b", "\x00", "🔑"])
def test_what_stands_in_the_address_is_text_on_the_page(alice, value):
    stage.a_key(alice)

    answer = signed_in(factories.alice()).get(LIST, {"q": value, "tag": f"{value}={value}", "after": value})

    source = answer.content.decode()
    assert answer.status_code == 200
    assert "<script>alert" not in source
    assert f'value="{escape(value.replace(chr(0), ""))}"' in source


# --- order, pages, columns


def test_the_newest_key_comes_first(alice, alice_sees, the_clock):
    for name in ("one", "two", "three"):
        stage.a_key(alice, alias=name)
        the_clock.advance(minutes=1)

    page = alice_sees()

    assert page.aliases() == ["three", "two", "one"]
    assert [e["text"].strip() for e in page.all("th", aria_sort="descending")] == ["Created"]


def test_a_click_on_a_head_sorts_and_a_second_turns_the_order(alice, alice_sees):
    for name in ("b", "a", "c"):
        stage.a_key(alice, alias=name)

    upwards = alice_sees(alice_sees().link("Alias/ID"))
    downwards = alice_sees(upwards.link("Alias/ID"))

    assert upwards.aliases() == ["a", "b", "c"]
    assert upwards.all("th", aria_sort="ascending")[0]["text"].strip() == "Alias/ID"
    assert downwards.aliases() == ["c", "b", "a"]


def test_every_head_but_two_sorts(alice, alice_sees):
    stage.a_key(alice)

    heads = [e for e in alice_sees().all("a") if "sort=" in e["attrs"]["href"] or "th" in e["within"]]

    labels = [e["text"].strip() for e in heads if "thead" in e["within"]]
    assert labels == ["Alias/ID", "Status", "Created", "Expiration Time", "Key Algorithm and Usage", "Origin"]


def test_the_pages_of_a_long_list_are_links(strong_room, alice_sees):
    some_keys(factories.project(), 23)

    first = alice_sees(LIST, limit="10")
    second = alice_sees(first.all("a", rel="next")[0]["attrs"]["href"])
    back = alice_sees(second.all("a", rel="prev")[0]["attrs"]["href"])

    assert "23 keys" in first.text
    assert "1–10" in first.text
    assert "11–20" in second.text
    assert set(first.aliases()).isdisjoint(second.aliases())
    assert back.aliases() == first.aliases()
    assert [e["text"] for e in first.all("option") if e["text"] in {"10", "20", "50", "100"}] == [
        "10",
        "20",
        "50",
        "100",
    ]


@pytest.mark.parametrize("limit", ["0", "-1", "1000", "x", ""])
def test_another_number_of_rows_than_is_offered_gives_the_usual(strong_room, alice_sees, limit):
    some_keys(factories.project(), 23)

    assert len(alice_sees(LIST, limit=limit).aliases()) == 20


def test_the_table_alone_answers_htmx_and_says_its_address(alice):
    stage.a_key(alice, alias="mine")

    answer = signed_in(factories.alice(), htmx="keys").get(
        LIST, {"q": "mi", "status": "", "sort": "-created", "limit": "20"}
    )

    assert answer.headers["HX-Push-Url"] == f"{LIST}?q=mi"
    assert "<html" not in answer.content.decode()
    assert read(answer).aliases() == ["mine"]


def test_a_refreshed_list_is_no_new_place_in_the_history(alice):
    browser = signed_in(factories.alice(), htmx="keys")

    answer = browser.get(f"{LIST}?q=mi", headers={"HX-Current-URL": f"http://testserver{LIST}?q=mi"})

    assert "HX-Push-Url" not in answer.headers


def test_a_list_is_refreshed_from_a_page_whose_address_cannot_be_read(alice):
    answer = signed_in(factories.alice(), htmx="keys").get(LIST, headers={"HX-Current-URL": "http://["})

    assert answer.status_code == 200
    assert answer.headers["HX-Push-Url"] == LIST


def test_going_back_in_history_gets_the_whole_page(alice):
    stage.a_key(alice)

    answer = signed_in(factories.alice(), htmx="keys").get(LIST, headers={"HX-History-Restore-Request": "true"})

    assert "<html" in answer.content.decode()


def test_the_address_that_saves_columns_leads_back_to_the_list(alice):
    assert signed_in(factories.alice()).get(address("columns"))["Location"] == LIST


def test_columns_that_were_unticked_stay_hidden(alice):
    stage.a_key(alice)
    browser = signed_in(factories.alice())

    answer = browser.post(address("columns"), {"column": ["status", "created"], "next": f"{LIST}?sort=alias"})
    page = read(browser.get(LIST))

    assert answer.url == f"{LIST}?sort=alias"
    shown = [e["text"].strip() for e in page.all("th", scope="col") if "hidden" not in e["attrs"]]
    assert shown == ["Alias/ID", "Status", "Created", "Operation"]


def shown_columns(browser):
    return [e["text"].strip() for e in read(browser.get(LIST)).all("th", scope="col") if "hidden" not in e["attrs"]]


def test_columns_stay_chosen_in_every_browser_of_their_person_and_in_nobody_else_s(alice, bob):
    stage.a_key(alice)
    signed_in(factories.alice()).post(address("columns"), {"column": ["status"]})

    assert shown_columns(signed_in(factories.alice())) == ["Alias/ID", "Status", "Operation"]
    assert "Created" in shown_columns(signed_in(factories.bob()))


def test_what_one_keeps_leaves_other_choices_as_they_are(alice):
    user = factories.alice()
    user.preferences = {"something_else": True}
    user.save()

    signed_in(user).post(address("columns"), {"column": ["status"]})

    user.refresh_from_db()
    assert user.preferences["something_else"] is True


@pytest.mark.parametrize("stored", ["status", 7, {"status": True}, [["status"], "no such column"]])
def test_a_choice_that_is_not_understood_hides_nothing(alice, stored):
    stage.a_key(alice)
    user = factories.alice()
    user.preferences = {"hidden_key_columns": stored}
    user.save()

    assert "Status" in shown_columns(signed_in(user))


def test_saving_columns_by_script_answers_without_a_page(alice):
    answer = signed_in(factories.alice()).post(
        address("columns"), {"column": "status"}, headers={"Accept": "application/json"}
    )

    assert answer.json() == {"ok": True}


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil"])
def test_a_way_back_never_leads_to_another_site(alice, target):
    answer = signed_in(factories.alice()).post(address("columns"), {"next": target})

    assert answer.url == LIST


# --- cost


def test_a_hundred_rows_cost_as_many_queries_as_ten(strong_room, django_assert_num_queries, alice):
    browser = signed_in(factories.alice())
    some_keys(factories.project(), 120)
    Tag.objects.bulk_create([Tag(key=key, name="env", value="prod") for key in Key.objects.all()])

    for limit in ("10", "100"):
        with django_assert_num_queries(10):
            assert len(read(browser.get(LIST, {"limit": limit, "tag": "env=prod"})).aliases()) == int(limit)


# --- default keys


def test_default_keys_are_listed_by_themselves_and_cannot_be_changed(alice, alice_sees):
    key = stage.a_key(alice, alias="made-by-obs")
    Key.objects.filter(pk=key.pk).update(alias="obs/default", is_default=True)
    stage.a_key(alice, alias="mine")

    page = alice_sees(address("defaults"))

    assert page.aliases() == ["obs/default"]
    assert page.texts("th", scope="col") == ["Alias/ID", "Status", "Created", "Key Algorithm and Usage", "Origin"]
    assert page.operations() == []
    assert alice_sees().aliases() == ["mine"]


def test_a_project_without_default_keys_explains_what_they_are(alice_sees):
    page = alice_sees(address("defaults"))

    assert "when it first uses KMS" in page.text


def test_who_may_not_list_keys_sees_no_default_keys(strong_room):
    carol = factories.user("carol", policies=("CTS Auditor",))

    answer = signed_in(carol).get(address("defaults"))

    assert answer.status_code == 403
    assert "kms:cmk:list" in read(answer).text


def test_no_toast_is_shown_without_a_reason(alice):
    assert toasts(signed_in(factories.alice()).get(LIST)) == []


def test_time_left_is_never_promised_too_long():
    from keys.pages.expiry import in_words

    assert in_words(timedelta(days=1, hours=23)) == "in 1 day"
    assert in_words(timedelta(hours=1, minutes=59)) == "in 1 hour"
    assert in_words(timedelta(minutes=59, seconds=59)) == "in 59 minutes"
    assert in_words(timedelta(seconds=59)) == "in less than a minute"
