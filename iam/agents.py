"""What a browser calls itself, in a few words: enough to tell one's own sessions apart, and never trusted."""

from __future__ import annotations

import re

LONGEST = 40

# The first that fits: Edge and Opera call themselves Chrome as well, and Chrome calls itself Safari.
_BROWSERS = (
    ("Edge", re.compile(r"Edg(?:A|iOS)?/(\d+)")),
    ("Opera", re.compile(r"OPR/(\d+)")),
    ("Firefox", re.compile(r"(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"(?:Chrome|CriOS)/(\d+)")),
    ("Safari", re.compile(r"Version/(\d+)\S* (?:Mobile/\S+ )?Safari/")),
)
# iPhones claim "like Mac OS X", Android claims Linux.
_SYSTEMS = (
    ("iOS", "iPhone"),
    ("iPadOS", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("macOS", "Mac OS X"),
    ("ChromeOS", "CrOS"),
    ("Linux", "Linux"),
)


def browser(agent: str) -> str:
    """ "Firefox 128 on Linux"; of one that is not known, the beginning of what it says. Empty if it says nothing."""
    for name, pattern in _BROWSERS:
        if found := pattern.search(agent):
            system = next((f" on {system}" for system, mark in _SYSTEMS if mark in agent), "")
            return f"{name} {found[1]}{system}"
    return agent if len(agent) <= LONGEST else agent[: LONGEST - 1] + "…"
