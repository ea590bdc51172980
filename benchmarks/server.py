"""The product's own web server, with the floor beside: brief too, but by way of the framework's handler."""

from __future__ import annotations

from kmsconsole import rsgi
from kmsconsole.rsgi import answer_of


class Application(rsgi.Application):
    def brief_call(self, path: str) -> rsgi.Call | None:
        return answer_of if path == "/v1.0/floor" else super().brief_call(path)


application = Application()
