"""A small web server for browser tests: the real static files and components under the real policy, no Django views.

Pages are template texts; what a service would answer is given per test as a function.
"""

import json
import mimetypes
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template import engines
from django.test import override_settings

from kmsconsole.middleware import HEADERS

PLAIN_FILES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


@dataclass(frozen=True)
class Answer:
    body: bytes
    status: int = 200
    content_type: str = "application/json"


def as_json(value: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(value).encode(), status)


@dataclass(frozen=True)
class Posted:
    fields: dict[str, str]
    files: dict[str, tuple[str, bytes]]


def read_form(content_type: str, body: bytes) -> Posted:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    fields, files = {}, {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if part.get_filename() is None:
            fields[name] = content.decode()
        else:
            files[name] = (part.get_filename(), content)
    return Posted(fields, files)


@dataclass
class Site:
    pages: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Callable[[Posted], Answer]] = field(default_factory=dict)
    posts: list[tuple[str, Posted]] = field(default_factory=list)
    address: str = ""

    def page(self, path: str, template: str, **context: Any) -> str:
        """Renders a template text once and returns the address it is served at."""
        with override_settings(STORAGES=PLAIN_FILES):
            self.pages[path] = engines["django"].from_string(template).render(context)
        return self.address + path

    def posted(self, path: str) -> list[Posted]:
        return [form for at, form in self.posts if at == path]

    def soon_posted(self, path: str) -> list[Posted]:
        """For what a page sends on its way out and does not wait for."""
        end = time.monotonic() + 20
        while not self.posted(path) and time.monotonic() < end:
            time.sleep(0.02)
        return self.posted(path)


def serve(site: Site) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # a page asks for some thirty files

        def log_message(self, *_: Any) -> None:
            pass

        def send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path in site.pages:
                self.send(Answer(site.pages[path].encode(), content_type="text/html; charset=utf-8"))
                return
            found = finders.find(path.removeprefix("/static/")) if path.startswith("/static/") else None
            if found is None:
                self.send(Answer(b"", 404, "text/plain"))
                return
            content_type = mimetypes.guess_type(found)[0] or "text/plain"
            self.send(Answer(Path(found).read_bytes(), content_type=content_type))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            form = read_form(self.headers["Content-Type"], body)
            site.posts.append((self.path, form))
            answer = site.answers.get(self.path)
            self.send(answer(form) if answer else Answer(b"", 204, "text/plain"))

    class Server(ThreadingHTTPServer):
        request_queue_size = 64

        def handle_error(self, request: Any, client_address: Any) -> None:
            # A page that is left takes its connections along; that is no news.
            if not isinstance(sys.exc_info()[1], ConnectionError):
                super().handle_error(request, client_address)

    server = Server(("127.0.0.1", 0), Handler)
    site.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
