"""The product's own web server, with the floor beside: brief too, but by way of the framework's handler."""

from __future__ import annotations

from kmsconsole import asgi
from kmsconsole.asgi import answer_of


class Application(asgi.Application):
    def brief_call(self, path: str) -> asgi.Call | None:
        return answer_of if path == "/v1.0/floor" else super().brief_call(path)


application = Application()
