"""Import Key from end to end with files made by the real OpenSSL, by the very commands that the page shows."""

import pytest
from playwright.sync_api import expect

from tests.console import importing


@pytest.mark.parametrize("spec", ["AES_256", "RSA_4096", "EC_P256"])
def test_a_key_is_imported_with_the_commands_the_page_shows(page, console_server, tmp_path, openssl, spec):
    alias = importing.an_alias(spec.replace("_", "-"))
    key_id = importing.start_import(page, console_server, spec, alias)

    saved = importing.download(page, tmp_path)
    importing.run_commands(page, tmp_path)
    importing.choose_all(page, tmp_path)
    importing.next_step(page)
    importing.press_ok(page)

    importing.expect_imported(page, key_id)
    expect(importing.row(page, key_id)).to_contain_text("External")
    assert saved.suggested_filename == f"wrappingKey_{key_id}"
