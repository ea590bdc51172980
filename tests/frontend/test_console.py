"""The small behaviours of every page: theme, dialogs, ticks, typed words, copying, tags, tables, times, one send."""
# ruff: noqa: E501 - markup and sentences stand on one line

import re

import pytest
from playwright.sync_api import expect

from tests.frontend.site import Answer

BASE = '{% extends "base.html" %}{% block title %}Try{% endblock %}{% block heading %}<h1>Try</h1>{% endblock %}{% block content %}'


@pytest.fixture
def show(page, site):
    def shown(content: str, **context):
        page.goto(site.page("/", f"{BASE}{content}{{% endblock %}}", **context))
        return page

    return shown


def test_the_theme_follows_the_system_until_one_chooses_and_the_choice_stays(show):
    page = show("")
    page.emulate_media(color_scheme="dark")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(15, 17, 20)"

    page.get_by_role("button", name="Switch between light and dark").click()

    assert page.evaluate(ground) == "rgb(244, 245, 246)"
    page.reload()
    assert page.evaluate(ground) == "rgb(244, 245, 246)"


def test_slash_goes_to_search_but_not_out_of_a_field(show):
    page = show('<label>Find <input data-search></label><label>Other <input id="other"></label>')

    page.keyboard.press("/")
    expect(page.get_by_label("Find")).to_be_focused()
    expect(page.get_by_label("Find")).to_have_value("")

    page.get_by_label("Other").focus()
    page.keyboard.press("/")
    expect(page.get_by_label("Other")).to_have_value("/")


def test_a_dialog_opens_focuses_its_first_field_and_gives_the_focus_back(show):
    page = show(
        '<button data-open="#d">Open</button><dialog class="dialog" id="d" data-hold aria-label="D"><header><h2>D</h2>'
        '<button data-close>Close</button></header><div class="body"><label>Name <input></label></div></dialog>'
    )

    page.get_by_role("button", name="Open").click()
    expect(page.get_by_label("Name")).to_be_focused()
    page.mouse.click(5, 5)
    expect(page.get_by_role("dialog")).to_be_visible()

    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Open")).to_be_focused()


def test_a_button_waits_for_the_tick_and_for_the_exact_word(show):
    page = show(
        '<form><label class="check"><input type="checkbox" id="ack"><span>I understand</span></label>'
        '{% include "components/confirm_delete.html" only %}<button data-needs="#ack" data-confirm-ok>OK</button></form>'
    )
    ok = page.get_by_role("button", name="OK")
    expect(ok).to_be_disabled()

    page.get_by_text("I understand").click()
    expect(ok).to_be_disabled()
    word = page.get_by_label('To confirm deletion, enter "DELETE" below.')
    word.fill("delete")
    expect(ok).to_be_disabled()
    word.fill("DELETE")
    expect(ok).to_be_enabled()
    page.get_by_text("I understand").click()
    expect(ok).to_be_disabled()


def test_copying_fills_the_clipboard_and_says_so(show):
    page = show('{% include "components/key_id_field.html" with key_id="43f1ffd7" only %}'
                '{% include "components/code_block.html" with id="c" caption="Command" code="openssl rand 32" only %}')  # fmt: skip

    page.get_by_role("button", name="Copy key ID").click()
    expect(page.locator("#announce")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "43f1ffd7"

    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("#c + *, #announce")).to_have_text("Copied")
    page.wait_for_function("async () => await navigator.clipboard.readText() === 'openssl rand 32'")


TABLE = """<div class="bulk" id="bulk" hidden><strong data-count></strong><button type="button" data-act="enable">Enable</button>
<button type="button" data-act="delete">Delete</button></div><table class="table" data-select="#bulk"><thead><tr><td><input type="checkbox" aria-label="All"></td></tr></thead>
<tbody>{% for name, allows in rows %}<tr><td class="selcol"><input type="checkbox" aria-label="{{ name }}" data-name="{{ name }}" data-allows="{{ allows }}"></td><td data-column="created">1</td></tr>{% endfor %}</tbody></table>"""


def test_bulk_buttons_are_on_only_where_every_ticked_row_allows_the_act(show):
    page = show(TABLE, rows=[("one", "enable delete"), ("two", "delete"), ("three", "")])
    bar = page.locator("#bulk")
    enable, delete = bar.get_by_role("button", name="Enable"), bar.get_by_role("button", name="Delete")
    expect(bar).to_be_hidden()

    page.get_by_label("one").check()
    expect(enable).to_be_enabled()
    page.get_by_label("two").check()
    expect(enable).to_be_disabled()
    expect(enable).to_have_attribute("title", "Not possible for two.")
    expect(delete).to_be_enabled()
    assert page.get_by_label("All").evaluate("box => box.indeterminate")

    page.get_by_label("All").check()
    expect(page.locator("[data-count]")).to_have_text("3")
    expect(delete).to_be_disabled()
    page.get_by_label("All").uncheck()
    expect(bar).to_be_hidden()


def test_a_column_choice_shows_at_once_and_is_saved(show, site):
    site.answers["/columns"] = lambda form: Answer(b"", 204, "text/plain")
    page = show(
        TABLE.replace('class="table"', 'class="table" id="t"')
        + '<form method="post" action="/columns" enctype="multipart/form-data" data-columns="#t"><label><input type="checkbox" name="columns" value="created" checked>Created</label></form>',
        rows=[("one", "")],
    )

    page.get_by_label("Created").uncheck()

    expect(page.locator("[data-column=created]")).to_be_hidden()
    expect(page.locator("#announce")).to_have_text("Columns saved")
    assert [form.fields for form in site.posted("/columns")] == [{}]


def test_tags_count_down_wait_for_their_key_and_refuse_a_twin(show):
    page = show(
        '<form>{% include "components/tag_rows.html" with rows=rows limit=3 left=2 only %}</form>',
        rows=[{"key": "env", "value": "prod"}],
    )
    expect(page.get_by_text("You can add 2 more tags.")).to_be_visible()

    page.get_by_role("button", name="Add Tag").click()
    expect(page.get_by_label("Tag key 2")).to_be_focused()
    expect(page.get_by_label("Tag value 2")).not_to_be_editable()
    page.get_by_label("Tag key 2").fill("env")
    expect(page.get_by_label("Tag value 2")).to_be_editable()
    assert page.get_by_label("Tag key 2").evaluate("input => input.validationMessage") == "The tag key already exists."
    expect(page.get_by_role("alert")).to_have_text("The tag key already exists.")
    expect(page.get_by_label("Tag key 2")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Tag key 2").fill("environment")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_label("Tag key 2").fill("env")

    page.get_by_role("button", name="Add Tag").click()
    expect(page.get_by_text("You can add 0 more tags.")).to_be_visible()
    expect(page.get_by_role("button", name="Add Tag")).to_be_disabled()
    page.get_by_role("button", name="Delete tag env").last.click()
    expect(page.get_by_text("You can add 1 more tags.")).to_be_visible()


@pytest.mark.parametrize(
    ("alias", "message"),
    [
        ("", "Enter an alias."),
        ("with space", "Only digits, letters, underscores (_), hyphens (-), colons (:), and slashes (/) are allowed."),
        ("obs/default", "The alias cannot end with /default."),
    ],
)
def test_an_alias_is_checked_while_it_is_typed(show, alias, message):
    page = show(
        '<form><div class="field"><label for="a">Alias</label><input class="input" id="a" value="KMS-1a2b" data-alias></div></form>'
    )

    page.get_by_label("Alias").fill(alias)

    expect(page.locator("#a_error")).to_have_text(message)
    expect(page.get_by_label("Alias")).to_have_attribute("aria-describedby", "a_error")
    page.get_by_label("Alias").fill("payments/kek:2027_a-b")
    expect(page.locator("#a_error")).to_have_count(0)


def test_a_refused_alias_keeps_its_message_while_it_stands_and_nothing_moves(show, site):
    page = show(
        '<form method="post" action="/sent"><div class="field"><label for="a">Alias</label><input class="input" id="a" name="alias" value="taken" data-alias aria-describedby="a_hint a_error" aria-invalid="true">'
        '<p class="hint" id="a_hint">1 to 255</p><div class="err" id="a_error"><span>KMS.1104 Duplicate key aliases.</span></div></div>'
        '<span hidden data-alias-check="/check?except=1"></span><button data-valid-form>OK</button></form>'
    )
    asked = []

    def answer(route):
        asked.append(route.request.url.partition("alias=")[2])
        route.fulfill(json={"fault": "KMS.1104 Duplicate key aliases." if asked[-1] == "other" else ""})

    page.route("**/check?*", answer)
    alias, ok, error = page.get_by_label("Alias"), page.get_by_role("button", name="OK"), page.locator("#a_error")
    stood = ok.bounding_box()

    def stands_as_it_stood():
        assert ok.bounding_box() == stood

    expect(ok).to_be_disabled()
    alias.focus()
    alias.blur()
    expect(error).to_have_text("KMS.1104 Duplicate key aliases.")

    alias.fill("free")
    expect(error).to_have_count(0)
    expect(ok).to_be_enabled()
    stands_as_it_stood()
    alias.fill("taken")
    expect(error).to_have_text("KMS.1104 Duplicate key aliases.")
    expect(ok).to_be_disabled()
    stands_as_it_stood()
    with page.expect_response("**/check?except=1&alias=other"):
        alias.fill("other")
    expect(error).to_have_text("KMS.1104 Duplicate key aliases.")
    expect(ok).to_be_disabled()
    stands_as_it_stood()
    alias.fill("no good")
    expect(error).to_contain_text("Only digits, letters")
    stands_as_it_stood()
    assert set(asked) <= {"free", "other"}


def test_a_message_does_not_take_the_button_from_under_the_pointer(show):
    """What appears when a field is left may move the page, and the click that left it would go astray."""
    page = show(
        '<form method="dialog"><div class="field"><label for="d">Days</label><input id="d" type="number" min="7" value="7" data-fault="A very long sentence. A very long sentence."></div>'
        '<p><button type="button" data-open="#done">Go</button></p></form><dialog id="done" aria-label="Done">Done</dialog>'
    )
    page.get_by_label("Days").fill("1")

    page.get_by_role("button", name="Go").click()

    expect(page.get_by_role("dialog", name="Done")).to_be_visible()
    expect(page.locator("#d_error")).to_have_count(1)


def test_a_dialog_with_a_long_list_opens_at_its_top(show):
    page = show(
        '<button data-open="#d">Open</button><dialog class="dialog" id="d" aria-labelledby="t"><header><h2 id="t" tabindex="-1">Delete Key</h2></header>'
        '<div class="body"><ul>{% for row in rows %}<li>{{ row }}</li>{% endfor %}</ul><label>Days <input></label></div></dialog>',
        rows=range(100),
    )

    page.get_by_role("button", name="Open").click()

    expect(page.get_by_role("heading", name="Delete Key")).to_be_focused()
    assert page.locator("#d .body").evaluate("body => body.scrollTop") == 0


@pytest.mark.parametrize("failure", ["abort", "status"])
def test_a_filter_whose_request_failed_shows_what_the_list_shows(show, expected_errors, failure):
    expected_errors += ["htmx:", "net::ERR_FAILED", "500"]
    page = show(
        '<form id="f" hx-get="/list" hx-target="#dialog-host" hx-trigger="change from:select, input changed from:#q"><select aria-label="Status"><option>All</option><option>Enabled</option><option>Disabled</option></select>'
        '<input id="q" type="search" aria-label="Text"></form>'
    )
    page.route("**/list*", lambda route: route.fulfill(body="found"))
    status = page.get_by_label("Status")
    with page.expect_response("**/list*"):
        status.select_option("Enabled")
    expect(page.get_by_text("found")).to_be_visible()
    page.unroute("**/list*")
    page.route("**/list*", lambda route: route.abort() if failure == "abort" else route.fulfill(status=500))

    status.select_option("Disabled")

    expect(page.get_by_role("alert")).to_be_visible()
    expect(status).to_have_value("Enabled")
    text = page.get_by_label("Text")
    text.press_sequentially("ab")
    expect(text).to_have_value("ab")  # a hand that types is not interrupted
    text.blur()
    expect(text).to_have_value("")


def test_the_usage_follows_the_algorithm_and_locks_when_there_is_one(show, site):
    site.answers["/create"] = lambda form: Answer(site.pages["/"].encode(), content_type="text/html")
    page = show("""<form method="post" action="/create" enctype="multipart/form-data"><label for="al">Algorithm</label><select id="al" name="key_spec" data-usage-for="#us">
      <option value="AES_256" data-usages='["ENCRYPT_DECRYPT"]'>AES_256</option><option value="RSA_2048" data-usages='["SIGN_VERIFY","ENCRYPT_DECRYPT"]'>RSA_2048</option></select>
      <label for="us">Usage</label><select id="us" name="key_usage"><option>ENCRYPT_DECRYPT</option><option>SIGN_VERIFY</option></select><button>OK</button></form>""")
    expect(page.get_by_label("Usage")).to_be_disabled()
    expect(page.get_by_label("Usage")).to_have_value("ENCRYPT_DECRYPT")

    page.get_by_label("Algorithm").select_option("RSA_2048")
    expect(page.get_by_label("Usage")).to_be_enabled()
    expect(page.get_by_label("Usage")).to_have_value("SIGN_VERIFY")
    page.get_by_label("Algorithm").select_option("AES_256")
    page.get_by_role("button", name="OK").click()
    page.wait_for_url("**/create")

    assert site.posted("/create")[0].fields == {"key_spec": "AES_256", "key_usage": "ENCRYPT_DECRYPT"}


def test_a_form_is_sent_once_and_its_button_is_busy(show):
    page = show('<form method="post" action="/slow"><button>Save</button></form>')

    sent = page.evaluate("""() => {
      const button = document.querySelector("main button");
      let sent = 0;
      button.form.addEventListener("submit", (event) => { sent += event.defaultPrevented ? 0 : 1; event.preventDefault(); });
      button.click(); button.click(); button.click();
      return sent;
    }""")

    assert sent == 1
    expect(page.get_by_role("button", name="Save")).to_have_attribute("aria-busy", "true")


def test_the_first_invalid_field_gets_the_focus(show):
    page = show('<form><label>One <input></label><label>Two <input aria-invalid="true"></label></form>')

    expect(page.get_by_label("Two")).to_be_focused()


def test_times_are_told_in_the_readers_zone(show):
    page = show(
        '<p><time datetime="2026-11-24T07:31:42+00:00" data-local>x</time></p><p><time id="s" datetime="2026-07-01T23:30:00+00:00" data-local="stacked">x<span class="sub">y</span></time></p>'
    )

    expect(page.locator("time").first).to_have_text("2026-11-24 08:31:42 GMT+01:00")
    expect(page.locator("#s")).to_have_text("2026-07-0201:30:00 GMT+02:00")


@pytest.mark.parametrize(
    ("ahead", "text"),
    [("23:51:30", "23 h 51 min"), ("00:04:30", "4 min"), ("00:00:20", "less than 1 min"), ("100:00:30", "4 d 4 h")],
)
def test_a_countdown_follows_the_servers_clock(show, ahead, text):
    hours, minutes, seconds = map(int, ahead.split(":"))
    total = hours * 3600 + minutes * 60 + seconds
    page = show("", console={})
    got = page.evaluate("async ms => (await import('/static/js/times.js')).left(ms)", total * 1000)

    assert got == text


def test_toasts_leave_but_not_from_under_the_pointer_and_errors_stay(page, show):
    page.clock.install()
    show("")
    page.evaluate(
        "async () => { const { toast } = await import('/static/js/toasts.js'); toast('Key created successfully'); toast('It failed.', 'error'); }"
    )
    good = page.locator("#toasts .strip.ok")
    expect(good).to_be_visible()
    good.hover()
    page.clock.fast_forward(60_000)
    expect(good).to_be_visible()

    page.mouse.move(5, 700)
    page.clock.fast_forward(4_900)
    expect(good).to_be_visible()
    page.clock.fast_forward(200)
    expect(good).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_text("It failed.")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_dialog_fetched_by_htmx_opens_and_a_refused_one_comes_back_in_place(show, site, expected_errors):
    expected_errors.append("422")
    dialog = """{% extends "components/dialog.html" %}{% block dialog_title %}Rename{% endblock %}{% block dialog_form %}hx-post="/rename" hx-target="#dialog-host" hx-encoding="multipart/form-data"{% endblock %}
      {% block dialog_body %}<label>Alias <input name="alias"{% if wrong %} aria-invalid="true"{% endif %}></label>{% if wrong %}<p>Duplicate key aliases.</p>{% endif %}{% endblock %}"""
    site.page("/rename", dialog)
    site.page("/refused", dialog, wrong=True)
    site.answers["/rename"] = lambda form: Answer(site.pages["/refused"].encode(), 422, "text/html")
    page = show('<button hx-get="/rename" hx-target="#dialog-host">Edit</button>')

    page.get_by_role("button", name="Edit").click()
    expect(page.get_by_label("Alias")).to_be_focused()
    page.get_by_label("Alias").fill("taken")
    page.get_by_role("button", name="OK").click()

    expect(page.get_by_role("dialog")).to_contain_text("Duplicate key aliases.")
    expect(page.get_by_role("button", name="OK")).not_to_have_attribute("aria-busy", re.compile(".*"))
    assert site.posted("/rename")[0].fields == {"alias": "taken"}

    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Edit")).to_be_focused()


def test_a_second_click_does_not_bring_the_dialog_anew(show, site):
    site.page(
        "/rename",
        """{% extends "components/dialog.html" %}{% block dialog_title %}Rename{% endblock %}
      {% block dialog_body %}<label>Alias <input name="alias"></label>{% endblock %}""",
    )
    page = show('<button hx-get="/rename" hx-target="#dialog-host">Edit</button>')
    asked = []

    def answer_slowly(route):
        asked.append(route.request.url)
        page.wait_for_timeout(300)
        route.continue_()

    page.route("**/rename", answer_slowly)
    page.get_by_role("button", name="Edit").dblclick()
    page.get_by_label("Alias").fill("typed")
    page.wait_for_timeout(600)

    expect(page.get_by_label("Alias")).to_have_value("typed")
    assert len(asked) == 1
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Edit").click()
    expect(page.get_by_label("Alias")).to_have_value("")


PANEL = '<section class="card empty"><h1>Your session has ended.</h1><p>Log in again.</p><p class="small">Request ID 1</p></section>'


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(PANEL.encode(), 403, "text/html"), "Your session has ended. Log in again."),
        (Answer(b"<h1>Bad gateway</h1>", 502, "text/html"), "The service could not finish the request. Try again."),
    ],
)
def test_what_htmx_was_refused_is_told_once(show, site, expected_errors, answer, told):
    expected_errors += ["403", "502"]
    site.answers["/list"] = lambda form: answer
    page = show('<button hx-post="/list" hx-target="#dialog-host">Refresh</button>')

    for _ in range(2):
        with page.expect_response("**/list"):
            page.get_by_role("button", name="Refresh").click()

    expect(page.get_by_role("alert")).to_have_text(told)


def test_a_service_out_of_reach_is_told(show, expected_errors):
    expected_errors += ["htmx:", "net::ERR_FAILED"]
    page = show('<button hx-get="/list" hx-target="#dialog-host">Refresh</button>')
    page.route("**/list", lambda route: route.abort())

    page.get_by_role("button", name="Refresh").click()

    expect(page.get_by_role("alert")).to_have_text("The service could not be reached. Try again.")


def test_a_value_that_cannot_be_says_why_the_button_waits(show):
    page = show(
        '<form><div class="field"><label for="days">Days</label><input type="number" id="days" min="7" max="1096" step="1"'
        ' value="7" required data-fault="Enter an integer between 7 and 1,096."></div><button data-valid-form>OK</button></form>'
    )
    days, fault = page.get_by_label("Days"), page.get_by_text("Enter an integer between 7 and 1,096.")

    for wrong in ("6", "1097", "7.5", ""):
        days.fill(wrong)
        expect(fault).to_be_visible()
        expect(days).to_have_accessible_description("Enter an integer between 7 and 1,096.")
        expect(page.get_by_role("button", name="OK")).to_be_disabled()
        days.fill("30")
        expect(fault).to_have_count(0)
        expect(page.get_by_role("button", name="OK")).to_be_enabled()


def test_a_text_that_is_too_long_says_so(show):
    page = show(
        '<form><select id="by" aria-label="By"><option>A</option><option>B</option></select>'
        '<div class="field"><label for="text">Text</label><div class="counted"><textarea id="text" data-most="8" data-counts="bytes"'
        """ data-most-by="#by" data-limits='{"B": 12}'></textarea><output for="text"></output></div></div>"""
        '<div class="field"><label for="code">Code</label><div class="counted"><textarea id="code" data-most="4" data-counts="encoded"></textarea>'
        '<output for="code"></output></div></div><button data-valid-form>Execute</button></form>'
    )
    execute = page.get_by_role("button", name="Execute")

    page.get_by_label("Text").fill("fünf ö")  # six letters, eight bytes
    expect(page.get_by_text("8/8")).to_be_visible()
    expect(execute).to_be_enabled()
    page.get_by_label("Text").fill("fünf öl")
    expect(page.get_by_text("9/8")).to_be_visible()
    expect(page.get_by_text("At most 8 bytes.")).to_be_visible()
    expect(execute).to_be_disabled()
    page.get_by_label("By").select_option("B")
    expect(page.get_by_text("9/12")).to_be_visible()
    expect(page.get_by_text("At most")).to_have_count(0)
    expect(execute).to_be_enabled()

    page.get_by_label("Code").fill("AAAA\n")
    expect(page.get_by_text("4/4")).to_be_visible()
    expect(execute).to_be_enabled()
    page.get_by_label("Code").fill("AAAAA")
    expect(page.get_by_text("At most 4 characters.")).to_be_visible()
    expect(execute).to_be_disabled()


def click_search(page):
    page.get_by_role("button", name="Search").click()


def press_enter_in_the_field(page):
    page.get_by_label("Key").press("Enter")


def test_a_field_that_was_enlarged_is_swapped_without_a_word_of_complaint(show, site):
    """Its size is a style of its own, which the page's policy lets nobody set in markup. A complaint fails every test."""
    field = '<form hx-get="/again" hx-target="#f" hx-swap="outerHTML"><textarea id="f"></textarea><button>Execute</button></form>'
    site.page("/again", '<textarea id="f">done</textarea>')
    page = show(field)
    page.evaluate("document.querySelector('#f').style.height = '300px'")

    page.get_by_role("button", name="Execute").click()

    expect(page.locator("#f")).to_have_value("done")
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)


@pytest.mark.parametrize("send", [click_search, press_enter_in_the_field])
def test_a_search_sent_out_of_a_menu_closes_it(show, site, send):
    site.page("/list", "found")
    page = show(
        '<button popovertarget="m" type="button">Tags</button><form hx-get="/list" hx-target="#dialog-host">'
        '<button>By alias</button><div id="m" popover><label>Key <input name="k"></label><button>Search</button></div></form>'
    )
    page.get_by_role("button", name="Tags").click()

    send(page)

    expect(page.get_by_text("found")).to_be_visible()
    expect(page.locator("#m")).to_be_hidden()
