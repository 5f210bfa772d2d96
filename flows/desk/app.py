"""The desk's answers: its page, and what the page asks for as JSON and sound. Every file it can give is named here."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from flows.desk.desk import Desk
from tasks.desk.sounds import NoSound, outline_of
from tasks.edits.store import Conflict

STATIC = {
    "icon.svg": "image/svg+xml",
    "page.css": "text/css",
    "desk.css": "text/css",
    "main.js": "text/javascript",
    "dom.js": "text/javascript",
    "list.js": "text/javascript",
    "song.js": "text/javascript",
    "parts.js": "text/javascript",
    "timeline.js": "text/javascript",
    "sound.js": "text/javascript",
    "draft.js": "text/javascript",
    "words.js": "text/javascript",
    "keys.js": "text/javascript",
}
SHARED = ("page.css",)  # of the reports: one look for all pages
PAGE = 50

Answer = Callable[[Request], Response]


def desk_app(desk: Desk) -> Starlette:
    """The application; put a `Guard` before it."""
    routes = [
        Route("/", _file("index.html", "text/html")),
        *(Route(f"/{name}", _file(name, kind)) for name, kind in STATIC.items()),
        Route("/api/songs", _told(lambda request: JSONResponse(_songs(desk, request)))),
        Route("/api/counts", _told(lambda request: JSONResponse(desk.counts(_where(request))))),
        Route("/api/histogram", _told(lambda request: JSONResponse(_histogram(desk, request)))),
        Route("/api/song", _told(lambda request: JSONResponse(desk.song(_text(request, "id"))))),
        Route("/api/sound", _told(lambda request: _sound(desk, request))),
        Route("/api/peaks", _told(lambda request: _peaks(desk, request))),
        Route("/api/edits", _edit(desk), methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _http_error, Exception: _error})


def _songs(desk: Desk, request: Request) -> dict[str, Any]:
    sort = request.query_params.get("sort", "title")
    descending = request.query_params.get("down") == "1"
    return desk.songs(
        _where(request), sort, descending, _number(request, "offset", 0), _number(request, "limit", PAGE)
    )


def _histogram(desk: Desk, request: Request) -> dict[str, Any]:
    return desk.histogram(_where(request), _text(request, "measure"))


def _sound(desk: Desk, request: Request) -> Response:
    path = desk.sound(_text(request, "id"), _text(request, "name"))
    return FileResponse(path, media_type="audio/flac")  # answers ranges


def _peaks(desk: Desk, request: Request) -> Response:
    path = desk.sound(_text(request, "id"), _text(request, "name"))
    return FileResponse(outline_of(path), media_type="application/octet-stream")


def _edit(desk: Desk) -> Callable[[Request], Any]:
    def write(body: bytes) -> Response:
        edit = desk.edit(json.loads(body))
        return JSONResponse({"number": edit.number, "last": edit.id}, status_code=201)

    async def answer(request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(_answered, lambda: write(body))

    return answer


def _told(answer: Answer) -> Answer:
    """An answer, or in one line why there is none; it runs in a thread of its own."""

    @wraps(answer)
    def told(request: Request) -> Response:
        return _answered(lambda: answer(request))

    return told


def _answered(answer: Callable[[], Response]) -> Response:
    try:
        return answer()
    except KeyError as error:
        return _line(404, f"song: none is called {error.args[0]!r}")
    except FileNotFoundError:
        return _line(503, "table: a run replaced a file meanwhile; ask again")
    except Conflict as error:
        return _line(409, str(error))
    except NoSound as error:
        return _line(404, str(error))
    except (ValueError, RecursionError) as error:
        return _line(422, str(error))


def _where(request: Request) -> Any:
    return json.loads(request.query_params.get("where") or "{}")


def _text(request: Request, name: str) -> str:
    return request.query_params.get(name, "")


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal() or len(text) > 9:
        raise ValueError(f"{name}: {text[:20]!r} is no number")
    return int(text)


def _file(name: str, kind: str) -> Answer:
    folder = files("eval.pages") / "assets" if name in SHARED else files("flows.desk") / "static"
    data = (folder / name).read_bytes()
    return lambda request: Response(data, media_type=kind)


def _line(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status_code=status)


def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _line(status, "path: the desk has no such page")


def _error(request: Request, error: Exception) -> Response:
    return _line(500, f"desk: {type(error).__name__}: {' '.join(str(error).split())[:400]}")
