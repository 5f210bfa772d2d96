"""Who may ask the desk (`Guard`): one browser with the token of the printed address (a cookie after that), host, origin and headers those of its own pages.

Another site cannot reach it: a name that was pointed at this machine has the wrong Host, a page elsewhere the wrong
Origin, a request without the token's cookie is refused whatever it asks for. What the desk answers may load nothing
from anywhere else and run no script but its own files.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response

from flows.desk.answers import line
from tasks.jobs.files import MAX_FILE_BYTES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = "127.0.0.1"
MAX_BODY = 2_000_000
FILE_PATH = "/api/file"
POSTED = {FILE_PATH: ("application/octet-stream", MAX_FILE_BYTES)}
"""Where something else than JSON is sent: its kind, and the most bytes of it."""
TOKEN = "token"
OWN_SITES = (None, "same-origin", "none")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ANSWERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """An ASGI application before another one, to which only what may ask comes through."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self.app, self.token = app, token
        self.hosts = {f"{LOOPBACK}:{port}", f"localhost:{port}"}
        self.cookie = f"jam-desk-{port}"  # cookies know no ports: two desks would share one

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it in one line."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(ANSWERS)
            await send(message)

        asked = HTTPConnection(scope)
        answer = self._refused(asked) or self._entry(asked)
        await (answer or self.app)(scope, receive, guarded)

    def _refused(self, asked: HTTPConnection) -> Response | None:
        headers, method = asked.headers, asked["method"]
        host, origin = headers.get("host"), headers.get("origin")
        if host not in self.hosts:
            return line(421, f"host: {host!r} is not this desk's address")
        if headers.get("sec-fetch-site") not in OWN_SITES or origin not in (None, f"http://{host}"):
            return line(403, "origin: only the desk's own pages may ask")
        if method not in ("GET", "HEAD", "POST"):
            return line(405, f"method: {method} is none of GET, HEAD, POST")
        if method == "POST":
            length = headers.get("content-length", "")
            kind, most = POSTED.get(asked["path"], ("application/json", MAX_BODY))
            if origin is None or headers.get("content-type") != kind:
                return line(403, f"origin: what is sent comes from the desk's own page, as {kind}")
            if not length.isdecimal() or int(length) > most:
                return line(413, f"content-length: give one of at most {most} bytes")
        return None

    def _entry(self, asked: HTTPConnection) -> Response | None:
        """The cookie for the token of the printed address; without either, a refusal."""
        given = asked.query_params.get(TOKEN)
        if asked["path"] == "/" and given is not None and self._is_token(given):
            entry = RedirectResponse("/", status_code=303)
            entry.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
            return entry
        if self._is_token(asked.cookies.get(self.cookie, "")):
            return None
        return line(403, "token: open the address that `jam desk` printed")

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self.token.encode())
