"""A session that ends under an open page: said in one dialog whatever asked, and what was typed stays."""
# ruff: noqa: E501 - markup stands on one line

import json

import pytest
from playwright.sync_api import expect

from tests.frontend.accessibility import violations
from tests.frontend.site import Answer

PAGE = '{% extends "base.html" %}{% block title %}Try{% endblock %}{% block content %}<h1>Try</h1>'
FORMS = """<form method="post" action="/plain" enctype="multipart/form-data"><input type="hidden" name="csrfmiddlewaretoken" value="old"><label>Name <input name="name"></label><button name="by" value="plain">Send</button></form>
<form hx-post="/htmx" hx-target="#dialog-host" hx-encoding="multipart/form-data"><input type="hidden" name="csrfmiddlewaretoken" value="old"><label>Text <input name="text"></label><button>Swap</button></form>
<button type="button" hx-get="/part" hx-target="#dialog-host">Look</button>"""
ALICE = {"name": "alice", "account": "acme", "initials": "A"}


@pytest.fixture
def session(page, site):
    """What the service says of the session; None for one that has ended."""
    said = {"user": "acme/alice", "csrf_token": "fresh"}

    def answer(route):
        if said["user"] is None:
            route.fulfill(status=401, headers={"X-Sign-In": "/console/login"})
        else:
            route.fulfill(body=json.dumps(said), content_type="application/json")

    page.route("**/console/session", answer)
    page.route("**/part", lambda route: route.fulfill(status=401 if said["user"] is None else 200, body="part"))
    for address in ("/plain", "/htmx"):
        site.answers[address] = lambda form: Answer(b"done", content_type="text/html")
    page.goto(site.page("/", f"{PAGE}{FORMS}{{% endblock %}}", console={"user": ALICE}))
    return said


def ended(page):
    return page.get_by_role("alertdialog", name="Your session has ended")


def come_back(page):
    """As a browser says that somebody turned to this tab."""
    page.evaluate("dispatchEvent(new Event('focus'))")


def test_while_the_session_lasts_forms_are_sent_with_a_token_that_holds(page, site, session):
    page.get_by_label("Text").fill("a")
    page.get_by_role("button", name="Swap").click()
    expect(page.get_by_text("done")).to_be_visible()
    page.get_by_label("Name").fill("b")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/plain")

    assert site.posted("/htmx")[0].fields == {"csrfmiddlewaretoken": "fresh", "text": "a"}
    assert site.posted("/plain")[0].fields == {"csrfmiddlewaretoken": "fresh", "name": "b", "by": "plain"}


@pytest.mark.parametrize("button", ["Send", "Swap", "Look"])
def test_a_session_that_ended_is_told_alike_and_work_goes_on_after_a_sign_in(
    page, site, session, expected_errors, button
):
    expected_errors += ["401"]
    page.get_by_label("Name").fill("typed here")
    page.get_by_label("Text").fill("typed there")
    session["user"] = None

    page.get_by_role("button", name=button).click()

    expect(ended(page)).to_be_visible()
    expect(page.locator("#toasts .strip")).to_have_count(0)
    link = ended(page).get_by_role("link", name="Log In")
    expect(link).to_have_attribute("href", "/console/login?next=%2Fconsole%2Fsession%2Fagain")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_be_focused()
    assert violations(page) == []
    assert site.posts == []
    come_back(page)
    expect(ended(page)).to_be_visible()

    session["user"] = "acme/alice"
    come_back(page)

    expect(page.locator("#session-ended")).to_be_hidden()
    expect(page.get_by_text("You are logged in again.")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("typed here")
    expect(page.get_by_label("Text")).to_have_value("typed there")
    page.get_by_role("button", name=button).click()
    expect(page.get_by_text("part" if button == "Look" else "done")).to_be_visible()


def test_a_page_of_one_user_sends_nothing_as_another(page, site, session):
    page.get_by_label("Name").fill("mine")
    session["user"] = "acme/bob"

    page.get_by_role("button", name="Send").click()

    expect(ended(page)).to_contain_text("You are logged in as acme/bob now, but this page was opened by alice of acme.")
    assert site.posts == []
    ended(page).get_by_role("button", name="Close").last.click()
    expect(page.get_by_label("Name")).to_have_value("mine")


def test_a_service_that_says_nothing_of_the_session_gets_the_form_all_the_same(page, site, session, expected_errors):
    expected_errors += ["net::ERR_FAILED"]
    page.route("**/console/session", lambda route: route.abort())

    page.get_by_role("button", name="Send").click()

    page.wait_for_url("**/plain")
    assert len(site.posted("/plain")) == 1
