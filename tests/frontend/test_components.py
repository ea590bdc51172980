"""Every component as a page includes it: what it says, that it is accessible, that it fits a phone, in both themes."""
# ruff: noqa: E501 - markup and sentences stand on one line

from datetime import UTC, datetime

import pytest
from django import forms
from playwright.sync_api import expect

from tests.frontend.accessibility import violations

CONSOLE = {
    "user": {"name": "Mara Lindqvist", "account": "Nordhafen Bank", "initials": "ML"},
    "scope": {"region": "eu-de", "project_name": "production", "project_id": "p1", "label": "eu-de (production)"},
    "projects": [{"id": "p1", "label": "eu-de (production)", "current": True}, {"id": "p2", "label": "eu-nl", "current": False}],
    "enterprise_enabled": True,
    "enterprise_projects": [{"id": "all", "name": "All", "current": True}, {"id": "0", "name": "default", "current": False}],
    "enterprise_current": {"id": "all", "name": "All"},
    "nav": [{"heading": "Key Management", "items": [
        {"label": "Custom Keys", "url": "/keys", "icon": "key", "current": True},
        {"label": "Default Keys", "url": "/default", "icon": "lock", "current": False},
    ]}],
    "user_menu": [{"label": "My Credentials", "url": "/me", "icon": "key"}],
    "test_mode": True,
    "clock_offset": "25 hours",
    "version": "0.1",
}  # fmt: skip


class KeyForm(forms.Form):
    alias = forms.CharField(
        help_text="1 to 255 digits, letters, and _ - : /", widget=forms.TextInput(attrs={"data-alias": True})
    )
    key_spec = forms.ChoiceField(label="Key Algorithm", choices=[("AES_256", "AES_256"), ("RSA_2048", "RSA_2048")])
    origin = forms.ChoiceField(choices=[("kms", "Key Management Service"), ("external", "External")],
                               widget=forms.RadioSelect(attrs={"class": "segmented"}), initial="kms")  # fmt: skip
    mode = forms.ChoiceField(
        choices=[("a", "First"), ("b", "Second")], widget=forms.RadioSelect, help_text="One of two."
    )
    operations = forms.MultipleChoiceField(
        choices=[("c", "Encrypt Data"), ("d", "Decrypt Data")], widget=forms.CheckboxSelectMultiple
    )
    description = forms.CharField(label="Description (Optional)", required=False, max_length=255,
                                  widget=forms.Textarea(attrs={"data-counter": True}))  # fmt: skip
    ack = forms.BooleanField(label="I understand the impact of disabling keys")


GALLERY = """{% extends "base.html" %}{% block title %}Components{% endblock %}
{% block crumbs %}{% include "components/crumbs.html" with trail=trail only %}{% endblock %}
{% block heading %}<div class="page-head"><h1>Components</h1><div class="actions"><a class="btn" href="#a">Import Key</a><button class="btn primary">Create Key</button></div></div>{% endblock %}
{% block content %}
{% include "components/tabs.html" with tabs=tabs only %}
<section class="card"><header><h2>Status</h2></header><div class="body"><div class="row">
{% for state, label in states %}{% include "components/status.html" with state=state label=label only %}{% endfor %}
<span class="badge info">AES_256</span><span class="chip plain">Encrypt Data</span></div>
<div class="row"><button class="btn danger">Delete</button><button class="btn" disabled>Off</button><button class="btn small">Small</button><button class="linkbtn">Link</button></div>
{% include "components/strip.html" with kind="info" text="An information." only %}
{% include "components/strip.html" with kind="ok" text="Done." only %}
{% include "components/strip.html" with kind="warn" title="Deleted keys cannot be restored." text="For ever." only %}
{% include "components/strip.html" with kind="bad" code="KMS.2601" title="Token expired." text="Your files are kept." hint="Download again." only %}
{% include "components/stepper.html" with steps=steps only %}
<dl class="facts"><div><dt>Created</dt><dd>{% include "components/time.html" with at=at only %}</dd></div><div><dt>Expiration Time</dt><dd>{% include "components/time.html" with at=None only %}</dd></div><div><dt>ID</dt><dd>{% include "components/id_line.html" with value="43f1ffd7-18fb-4568-9575-602e009b7ee8" only %}</dd></div></dl>
{% include "components/code_block.html" with id="cmd" caption="OpenSSL 3" code="openssl rand -out PlaintextKeyMaterial.bin 32" only %}
</div></section>
<section class="card"><header><h2>Form</h2></header><div class="body"><form class="form" method="post" action="#">{% for field in form %}{{ field.as_field_group }}{% endfor %}
{% include "components/tag_rows.html" with rows=rows limit=20 left=19 only %}
{% include "components/key_id_field.html" with key_id="43f1ffd7" only %}
{% include "components/material_field.html" with name="material" label="Key material" bytes=256 only %}
{% include "components/expiry_field.html" only %}
{% include "components/browser_wrap.html" with spec="RSA_2048" temporary="material" private_key="material" only %}
{% include "components/confirm_delete.html" with error="Enter DELETE." only %}<button class="btn primary">OK</button></form></div></section>
<section class="card">{% include "components/empty.html" with heading="No keys found." text="Bring your own." art=True only %}{% include "components/pager.html" with total=23 noun="keys" sizes=sizes size=20 action="/keys" target="#keys" next_url="?after=x" here="1-20" only %}</section>
{% endblock %}"""


@pytest.fixture
def gallery(site):
    steps = [("Create Key", "done"), ("Download", "failed"), ("Material", "current"), ("Token", "todo")]
    return site.page(
        "/gallery",
        GALLERY,
        console=CONSOLE,
        trail=[{"label": "Custom Keys", "url": "/keys"}, {"label": "payments-prod-kek"}],
        tabs=[{"label": "Basic Information", "url": "#b", "current": True}, {"label": "Tags", "url": "#t", "count": 4}],
        states=[("enabled", "Enabled"), ("disabled", "Disabled"), ("pending-import", "Pending import"),
                ("pending-deletion", "Pending deletion"), ("normal", "normal"), ("warning", "warning"), ("incident", "incident")],
        steps=[{"label": label, "state": state} for label, state in steps],
        at=datetime(2026, 11, 24, 7, 31, 42, tzinfo=UTC),
        form=KeyForm({"alias": "", "key_spec": "AES_256", "origin": "kms", "operations": ["c"]}),
        rows=[{"key": "env", "value": "prod"}],
        sizes=[10, 20, 50, 100],
    )  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_component_is_accessible_and_fits(page, gallery, width, theme):
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.goto(gallery)
    expect(page.locator("time[data-local]").first).to_have_text("2026-11-24 08:31:42 GMT+01:00")

    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_icon_that_is_used_is_in_the_sprite(page, gallery):
    page.goto(gallery)

    missing = page.evaluate("""async () => {
      const sprite = new DOMParser().parseFromString(await (await fetch("/static/icons/sprite.svg")).text(), "image/svg+xml");
      const used = [...document.querySelectorAll("use")].map((use) => use.getAttribute("href").split("#")[1]);
      return used.filter((id) => !sprite.getElementById(id));
    }""")

    assert missing == []


def test_icons_of_the_sprite_are_drawn_under_the_policy(page, gallery):
    page.goto(gallery)

    box = page.evaluate("document.querySelector('.brand use').getBBox().width")

    assert box > 8


def test_a_field_ties_its_hint_and_its_error_to_the_control(page, gallery):
    page.goto(gallery)
    alias = page.get_by_label("Alias")

    expect(alias).to_have_attribute("aria-invalid", "true")
    assert alias.get_attribute("aria-describedby").split() == ["id_alias_helptext", "id_alias_error"]
    expect(page.locator("#id_alias_error")).to_have_text("This field is required.")
    expect(page.locator("#id_alias_helptext")).to_be_visible()
    expect(alias).to_be_focused()
    expect(page.get_by_role("group", name="Origin")).to_be_visible()


def test_the_counter_of_a_textarea_counts_letters_as_the_service_does(page, gallery):
    page.goto(gallery)

    page.get_by_label("Description").fill("Schlüssel 🔑")

    expect(page.locator("output[for=id_description]")).to_have_text("11/255")


def test_the_navigation_is_a_column_and_on_a_phone_a_popover(page, gallery):
    page.goto(gallery)
    expect(page.locator("#nav").get_by_role("link", name="Custom Keys")).to_have_attribute("aria-current", "page")

    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("#nav")).to_be_hidden()
    page.get_by_role("button", name="Open navigation").click()
    expect(page.locator("#nav").get_by_role("link", name="Custom Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#nav")).to_be_hidden()


def test_a_menu_opens_beneath_its_button_by_keyboard(page, gallery):
    page.goto(gallery)
    button = page.get_by_role("button", name="Region and project: eu-de (production)")

    button.focus()
    page.keyboard.press("Enter")

    item = page.get_by_role("button", name="eu-nl")
    expect(item).to_be_visible()
    below, left = item.bounding_box(), button.bounding_box()
    assert below["y"] > left["y"] + left["height"] - 1
    assert abs(below["x"] - left["x"]) < 24


def test_test_mode_is_told_on_every_page(page, gallery):
    page.goto(gallery)

    strip = page.get_by_role("complementary", name="Test mode")
    expect(strip).to_contain_text("Test mode: the clock can be moved. Never use these keys for real data.")
    expect(strip).to_contain_text("The clock is moved by 25 hours.")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "template", ["errors/400.html", "errors/403.html", "errors/404.html", "errors/500.html", "errors/csrf.html",
                 "errors/sealed.html", "door.html"],
)  # fmt: skip
def test_pages_that_stand_alone_are_accessible_with_nothing_given(page, site, template, theme):
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    content = "{% block content %}<h1>Log In</h1>{% endblock %}" if template == "door.html" else ""

    page.goto(site.page("/", f'{{% extends "{template}" %}}{content}', request_id="6f1c20ab"))

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    if content == "":
        expect(page.get_by_text("6f1c20ab")).to_be_visible()
    assert violations(page) == []


def test_the_open_tab_of_many_is_in_sight_on_a_narrow_screen(page, site):
    page.set_viewport_size({"width": 390, "height": 844})
    tabs = [{"label": f"A tab with words {n}", "url": f"/{n}", "current": n == 6} for n in range(8)]
    body = '{% extends "base.html" %}{% block content %}<h1>Key</h1>{% include "components/tabs.html" with tabs=tabs only %}{% endblock %}'
    page.goto(site.page("/", body, tabs=tabs))

    expect(page.get_by_role("link", name="A tab with words 6")).to_be_in_viewport(ratio=1)
