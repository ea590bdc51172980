"""Static files under names that change with their content, also where one of our modules imports another.

So a page never meets modules of another release, and browsers may keep every file for ever: new ones have other names.
Django's own switch for this would read the modules of packages too, which import what they do not bring along.
"""

from functools import cache

from whitenoise.storage import CompressedManifestStaticFilesStorage

_IMPORT = r"""(?P<matched>(?m:^)(?P<what>import[^"']*)["'](?P<url>\./[^"']+)["'];)"""


class NamedByContent(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    # One pass for each level of modules that import modules; Django's five are too few.
    max_post_process_passes = 20
    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("js/*.js", ((_IMPORT, '%(what)s"%(url)s";'),)),
    )

    @cache  # noqa: B019 - there is one storage, and its names stay while the process lives
    def url(self, name: str, force: bool = False) -> str:
        return str(super().url(name, force))
