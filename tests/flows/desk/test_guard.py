"""Who may ask the desk: another name, another page, no token, an edit of a foreign form are refused; what is answered is held in."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flows.desk.guard import Guard

PORT, TOKEN = 4711, "right"
HOST = f"127.0.0.1:{PORT}"
OWN = {"host": HOST, "cookie": f"jam-desk-{PORT}={TOKEN}"}
EDIT = {**OWN, "origin": f"http://{HOST}", "content-type": "application/json", "content-length": "2"}
FILE = {**EDIT, "content-type": "application/octet-stream", "content-length": "48000000"}


def answer(request: Request) -> Response:
    return JSONResponse({"here": request.url.path})


GUARD = Guard(Starlette(routes=[Route("/{rest:path}", answer, methods=["GET", "POST"])]), TOKEN, PORT)


def ask(
    headers: dict[str, str], method: str = "GET", path: str = "/api/songs", query: str = ""
) -> tuple[int, dict[str, str]]:
    """Status and headers of an answer."""
    sent: list[Any] = []
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", PORT),
        "client": ("127.0.0.1", 1),
        "root_path": "",
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(GUARD(scope, receive, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def test_only_the_desks_own_page_with_the_token_may_ask_and_its_answers_load_nothing_from_elsewhere() -> None:
    refused: list[tuple[dict[str, str], dict[str, str], int]] = [
        ({**OWN, "host": f"evil.example:{PORT}"}, {}, 421),
        ({**OWN, "host": "127.0.0.1:80"}, {}, 421),
        ({"cookie": OWN["cookie"]}, {}, 421),
        ({"host": HOST}, {}, 403),
        ({"host": HOST, "cookie": f"jam-desk-{PORT}=wrong"}, {}, 403),
        ({"host": HOST, "cookie": f"jam-desk-{PORT}=\xff"}, {}, 403),
        ({"host": HOST, "cookie": f"jam-desk-1={TOKEN}"}, {}, 403),
        ({"host": HOST}, {"path": "/", "query": "token=wrong"}, 403),
        ({"host": HOST}, {"path": "/api/songs", "query": f"token={TOKEN}"}, 403),
        ({**OWN, "origin": "http://evil.example"}, {}, 403),
        ({**OWN, "origin": "null"}, {}, 403),
        ({**OWN, "sec-fetch-site": "cross-site"}, {}, 403),
        ({**OWN, "sec-fetch-site": "same-site"}, {}, 403),
        (OWN, {"method": "DELETE"}, 405),
        ({name: value for name, value in EDIT.items() if name != "origin"}, {"method": "POST"}, 403),
        ({**EDIT, "content-type": "text/plain"}, {"method": "POST"}, 403),
        ({**EDIT, "content-length": "9999999"}, {"method": "POST"}, 413),
        ({name: value for name, value in EDIT.items() if name != "content-length"}, {"method": "POST"}, 413),
        (EDIT, {"method": "POST", "path": "/api/file"}, 403),
        (FILE, {"method": "POST"}, 403),
        ({**FILE, "content-length": "48000001"}, {"method": "POST", "path": "/api/file"}, 413),
        ({**FILE, "origin": "http://evil.example"}, {"method": "POST", "path": "/api/file"}, 403),
    ]
    for headers, more, status in refused:
        assert ask(headers, **more)[0] == status, (headers, more)
    assert ask(OWN)[0] == ask(EDIT, "POST")[0] == ask({**OWN, "host": f"localhost:{PORT}"})[0] == 200
    assert ask(FILE, "POST", "/api/file")[0] == 200
    status, headers = ask({"host": HOST}, path="/", query=f"token={TOKEN}")
    assert (status, headers["location"]) == (303, "/")
    assert "HttpOnly" in headers["set-cookie"] and "SameSite=strict" in headers["set-cookie"]
    for _, said in (ask(OWN), ask({"host": HOST})):
        assert (
            "default-src 'none'" in said["content-security-policy"]
            and "unsafe" not in said["content-security-policy"]
        )
        assert (said["x-content-type-options"], said["cache-control"]) == ("nosniff", "no-store")
