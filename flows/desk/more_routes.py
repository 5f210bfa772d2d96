"""Routes of generating (jobs), choosing (trials of a rater) and watching: what the page may ask beside the songs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from flows.desk.answers import asked, fields_of, file_sent, number, sent, sound_given, text
from flows.desk.desk import Desk
from flows.desk.guard import FILE_PATH
from flows.desk.maker import Maker
from tasks.choices.store import checked_rater
from tasks.desk.candidates import candidate_outline, candidate_sound, job_facts
from tasks.desk.choosing import Comparison, comparison, comparison_line, comparisons, progress
from tasks.desk.watch import Watch
from tasks.jobs.files import drop_file


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
