"""Static files under names that change with their content: a module that kept its plain name would be loaded twice."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from kmsconsole.assets import IMPORT

MODULES = sorted((Path(settings.BASE_DIR) / "static/js").glob("*.js"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_every_module_that_another_imports_is_renamed_there(module):
    text = module.read_text()

    imported = re.findall(r"""["'](\./[\w./-]+)["']""", text)

    assert [match["url"] for match in re.finditer(IMPORT, text)] == imported
