"""The desk as an application (`desk_app`): routes of its page, static files, api and media (sound). Every file it can give is named here."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flows.desk.answers import Answer, asked, line, number, read_json, sent, sound_given, text
from flows.desk.desk import Desk
from flows.desk.maker import Maker
from flows.desk.more_routes import choosing_routes, maker_routes, watching_routes
from tasks.desk.sounds import outline_of

SCRIPTS = (
    *("main", "dom", "keys", "nav", "list", "song", "parts", "timeline", "mending", "karaoke", "sound", "draft"),
    *("words", "fields", "kept", "generate", "jobs", "choose", "watch"),
)  # fmt: skip
STATIC = {
    "icon.svg": "image/svg+xml",
    "page.css": "text/css",
    "desk.css": "text/css",
    "make.css": "text/css",
    **{f"{name}.js": "text/javascript" for name in SCRIPTS},
}
SHARED = ("page.css",)  # of the reports: one look for all pages
PAGE = 50


def desk_app(desk: Desk, maker: Maker) -> Starlette:
    """The application; put a `Guard` before it."""
    routes = [
        Route("/", _file("index.html", "text/html")),
        *(Route(f"/{name}", _file(name, kind)) for name, kind in STATIC.items()),
        asked("/api/songs", lambda request: _songs(desk, request)),
        asked("/api/counts", lambda request: desk.counts(_where(request))),
        asked("/api/histogram", lambda request: desk.histogram(_where(request), text(request, "measure"))),
        asked("/api/song", lambda request: desk.song(text(request, "id"))),
        *sound_given(
            "/api/sound",
            "/api/peaks",
            lambda request: desk.sound(text(request, "id"), text(request, "name")),
            outline_of,
        ),
        sent("/api/edits", lambda value: _edit(desk, value)),
        *maker_routes(desk, maker),
        *choosing_routes(desk),
        *watching_routes(desk),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _http_error, Exception: _error})


def _songs(desk: Desk, request: Request) -> dict[str, Any]:
    sort = request.query_params.get("sort", "title")
    descending = request.query_params.get("down") == "1"
    return desk.songs(
        _where(request), sort, descending, number(request, "offset", 0), number(request, "limit", PAGE)
    )


def _edit(desk: Desk, value: Any) -> dict[str, Any]:
    edit = desk.edit(value)
    return {"number": edit.number, "last": edit.id}


def _where(request: Request) -> Any:
    return read_json("where", text(request, "where") or "{}")


def _file(name: str, kind: str) -> Answer:
    folder = files("eval.pages") / "assets" if name in SHARED else files("flows.desk") / "static"
    data = (folder / name).read_bytes()
    return lambda request: Response(data, media_type=kind)


def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return line(status, "path: the desk has no such page")


def _error(request: Request, error: Exception) -> Response:
    return line(500, f"desk: {type(error).__name__}: {' '.join(str(error).split())[:400]}")
