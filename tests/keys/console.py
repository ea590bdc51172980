"""Reading pages as a person would: what stands there, which links lead where, what a form would send."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

from django.test import Client
from django.urls import reverse

from tests import factories


def signed_in(user, *, htmx: str | None = None) -> Client:
    """A browser with a session. With `htmx`, its requests ask for that part of the page."""
    headers = {"HX-Request": "true", "HX-Target": htmx} if htmx is not None else {}
    return factories.sign_in(Client(headers=headers), user)


def address(view: str, *args: str, **query) -> str:
    """Of a page of keys, or by its full name of an app that stands on them: `tags:list`."""
    return reverse(view if ":" in view else f"keys:{view}", args=args, query=query or None)


class Document(HTMLParser):
    """Elements with their attributes and their text, in order."""

    VOID = frozenset({"input", "br", "meta", "link", "hr", "img", "use", "circle", "path"})

    def __init__(self, response) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[dict] = []
        self._open: list[dict] = []
        self.source = response.content.decode()
        self.feed(self.source)

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "attrs": dict(attrs), "text": "", "within": [e["tag"] for e in self._open]}
        self.elements.append(element)
        if tag not in self.VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append({"tag": tag, "attrs": dict(attrs), "text": "", "within": []})

    def handle_endtag(self, tag):
        while self._open:
            if self._open.pop()["tag"] == tag:
                break

    def handle_data(self, data):
        for element in self._open:
            element["text"] += data

    def all(self, tag: str, **attrs) -> list[dict]:
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attrs.items()}
        return [e for e in self.elements if e["tag"] == tag and wanted.items() <= e["attrs"].items()]

    def texts(self, tag: str, **attrs) -> list[str]:
        return [squeeze(e["text"]) for e in self.all(tag, **attrs)]

    @property
    def text(self) -> str:
        return squeeze(next(e for e in self.elements if e["tag"] in ("html", "div", "dialog", "section"))["text"])

    def link(self, label: str) -> str:
        """The address of the one link with these words."""
        found = [e["attrs"] for e in self.all("a") if squeeze(e["text"]) == label]
        assert len(found) == 1, f"{len(found)} links say {label!r}"
        return found[0]["href"]

    def aliases(self) -> list[str]:
        """Of the rows of the key list, from top to bottom."""
        return [e["text"] for e in self.all("a", class_="name")]

    def operations(self) -> list[list[str]]:
        """What can be clicked in each row of the key list."""
        rows, current = [], None
        for element in self.elements:
            if element["tag"] == "td" and element["attrs"].get("class") == "ops":
                current = []
                rows.append(current)
            elif element["tag"] == "tr":
                current = None
            elif current is not None and "linkbtn" in (element["attrs"].get("class") or ""):
                current.append(squeeze(element["text"]))
        return rows

    def fields(self) -> dict[str, list[str]]:
        """What is sent if nothing is changed: hidden inputs only."""
        values: dict[str, list[str]] = {}
        for element in self.all("input", type="hidden"):
            values.setdefault(element["attrs"]["name"], []).append(element["attrs"].get("value", ""))
        return values


def squeeze(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def read(response) -> Document:
    return Document(response)


def toasts(response) -> list[str]:
    """What the page shows at its upper right."""
    document = read(response)
    source = document.source.partition('id="toasts"')[2]
    return [squeeze(re.sub("<[^>]+>", " ", part)) for part in re.findall(r"<p>(.*?)</p>", source)]


def query_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)
