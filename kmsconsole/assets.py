"""Static files under names that change with their content, also where one of our modules imports another.

So a page never meets modules of another release, and browsers may keep every file for ever: new ones have other names.
Django's own switch for this would read the modules of packages too, which import what they do not bring along.
"""

from functools import cache

from whitenoise.storage import CompressedManifestStaticFilesStorage

IMPORT = r"""(?P<matched>(?m:^)(?P<what>(?:import|export)[^"'=;]*)["'](?P<url>\./[^"']+)["'];)"""


class NamedByContent(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("js/*.js", ((IMPORT, '%(what)s"%(url)s";'),)),
    )
    # A name settles once those of all the modules it imports have: a pass for each link of the longest chain.
    max_post_process_passes = 20

    @cache  # noqa: B019 - there is one storage, and its names stay while the process lives
    def url(self, name: str, force: bool = False) -> str:
        return str(super().url(name, force))
