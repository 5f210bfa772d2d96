"""The desk as an application (`desk_app`): routes of its page, static files, api and sound, of generating (jobs), choosing (trials of a rater) and watching."""

from __future__ import annotations

from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flows.desk.answers import (
    Answer,
    asked,
    fields_of,
    file_sent,
    line,
    number,
    read_json,
    sent,
    sound_given,
    text,
)
from flows.desk.desk import Desk
from flows.desk.guard import FILE_PATH
from flows.desk.maker import Maker
from tasks.choices.store import checked_rater
from tasks.desk.candidates import candidate_outline, candidate_sound, job_facts
from tasks.desk.choosing import Comparison, comparison, comparison_line, comparisons, progress
from tasks.desk.sounds import outline_of
from tasks.desk.watch import Watch
from tasks.jobs.files import drop_file

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


def maker_routes(desk: Desk, maker: Maker) -> list[Route]:
    """Lyrics to words with times, jobs, their candidates."""

    def style_audio(song_id: str) -> Path:
        return desk.sound(song_id, "mix")

    def sound(request: Request) -> Path:
        return candidate_sound(maker.job(text(request, "id")), number(request, "name", 0))

    def follow(request: Request, digest: str) -> dict[str, str]:
        try:
            maker.check_file(text(request, "control"), digest)
        except ValueError:
            drop_file(desk.root, digest)
            raise
        return {"file": digest}

    return [
        file_sent(FILE_PATH, desk.root, follow),
        asked("/api/maker", lambda request: maker.facts()),
        asked("/api/jobs", lambda request: {"jobs": maker.jobs()}),
        asked("/api/job", lambda request: job_facts(maker.job(text(request, "id")))),
        *sound_given(
            "/api/candidate", "/api/candidate/peaks", sound, partial(candidate_outline, desk.kept_sounds)
        ),
        sent("/api/words", maker.lay),
        sent("/api/ask", lambda value: {"id": maker.ask(value, style_audio).id}),
        sent("/api/jobs/change", maker.change),
    ]


def choosing_routes(desk: Desk) -> list[Route]:
    """Two candidates beside one another, by ear."""

    def listed(request: Request) -> dict[str, Any]:
        rater = text(request, "rater")
        rater = checked_rater(rater) if rater else ""
        return {"sets": [comparison_line(found, rater) for found in comparisons(desk.root)]}

    def named(request: Request) -> tuple[Comparison, str]:
        return comparison(desk.root, text(request, "set")), checked_rater(text(request, "rater"))

    def sound(request: Request) -> Path:
        found, rater = named(request)
        return found.sound(desk.kept_sounds, rater, number(request, "trial", 0), text(request, "name"))

    def choose(value: Any) -> dict[str, Any]:
        given = fields_of("choice", value, {"set": str, "rater": str, "trial": int, "side": str})
        found, rater = comparison(desk.root, given["set"]), checked_rater(given["rater"])
        found.choose(rater, given["trial"], given["side"])
        return progress(found, rater)

    return [
        asked("/api/sets", listed),
        asked("/api/trials", lambda request: progress(*named(request))),
        *sound_given("/api/trial", "/api/trial/peaks", sound, partial(candidate_outline, desk.kept_sounds)),
        sent("/api/choices", choose),
    ]


def watching_routes(desk: Desk) -> list[Route]:
    """What runs, and a log with search."""
    watch = Watch(desk.root, desk.stages, desk.receipts)
    return [
        asked("/api/watch", lambda request: watch.facts()),
        asked("/api/log", lambda request: watch.log(text(request, "text"))),
    ]


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
