"""How the desk answers a request with a response: JSON, sound, or one line and a status; questions run in threads, fields of what is sent are checked first."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from tasks.desk.candidates import MEDIA
from tasks.desk.sounds import NoSound
from tasks.edits.store import Conflict
from tasks.jobs.files import receiving

Answer = Callable[[Request], Response]


def asked(path: str, answer: Callable[[Request], Any]) -> Route:
    """A question that is answered with JSON, or with a response of its own, or in one line why it is not."""

    @wraps(answer)
    def told(request: Request) -> Response:
        return answered(lambda: answer(request))

    return Route(path, told)


def sent(path: str, take: Callable[[Any], Any]) -> Route:
    """JSON that is sent, and what comes of it."""

    async def told(request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(answered, lambda: take(read_json("body", body)), 201)

    return Route(path, told, methods=["POST"])


def file_sent(path: str, root: Path, take: Callable[[Request, str], Any]) -> Route:
    """A file that is sent as its bytes alone, kept in pieces as they come, and what comes of it; `take` gets its hash."""

    async def told(request: Request) -> Response:
        try:
            with receiving(root) as coming:
                async for piece in request.stream():
                    coming.take(piece)
                digest = coming.keep()
        except ValueError as error:
            return line(422, str(error))
        except ClientDisconnect:
            return line(400, "file: it did not come whole; send it again")
        return await run_in_threadpool(answered, lambda: take(request, digest), 201)

    return Route(path, told, methods=["POST"])


def answered(answer: Callable[[], Any], status: int = 200) -> Response:
    """What an answer gives, or why there is none."""
    try:
        found = answer()
        return found if isinstance(found, Response) else JSONResponse(found, status_code=status)
    except KeyError as error:
        return line(404, f"none is called {str(error.args[0])[:200]!r}")
    except FileNotFoundError:
        return line(503, "table: a run replaced a file meanwhile; ask again")
    except Conflict as error:
        return line(409, str(error))
    except NoSound as error:
        return line(404, str(error))
    except (ValueError, RecursionError) as error:
        return line(422, str(error))


def sound_given(
    path: str, outline_path: str, sound: Callable[[Request], Path], outline: Callable[[Path], Path]
) -> list[Route]:
    """A file of sound, which answers ranges, and its outline."""

    def given(request: Request) -> Response:
        found = sound(request)
        return FileResponse(found, media_type=MEDIA[found.suffix])

    def outlined(request: Request) -> Response:
        return FileResponse(outline(sound(request)), media_type="application/octet-stream")

    return [asked(path, given), asked(outline_path, outlined)]


def fields_of(what: str, value: Any, kinds: Mapping[str, type]) -> dict[str, Any]:
    """What was sent, an object with these fields of these types.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, dict) or value.keys() != kinds.keys():
        raise ValueError(f"{what}: give {', '.join(kinds)}")
    for name, kind in kinds.items():
        if type(value[name]) is not kind:
            raise ValueError(f"{name}: of the wrong type")
    return value


def read_json(name: str, data: bytes | str) -> Any:
    """What was sent as JSON.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError(f"{name}: lists within lists, too deep; give an object") from None
    except ValueError as error:
        at = (
            f" from line {error.lineno}, column {error.colno} on"
            if isinstance(error, json.JSONDecodeError)
            else ""
        )
        raise ValueError(f"{name}: {_start(data)!r} is no JSON{at}") from None


def _start(data: bytes | str) -> str:
    return (data if isinstance(data, str) else data[:80].decode("utf-8", "replace"))[:20]


def text(request: Request, name: str) -> str:
    """A text of the question; empty where it is not given."""
    return request.query_params.get(name, "")


def number(request: Request, name: str, default: int) -> int:
    """A whole number of the question.

    Raises:
        ValueError: it is none.
    """
    given = request.query_params.get(name, str(default))
    if not given.isdecimal() or len(given) > 9:
        raise ValueError(f"{name}: {given[:20]!r}; give a whole number, 0 to 999999999")
    return int(given)


def line(status: int, told: str) -> Response:
    """One line and a status."""
    return JSONResponse({"error": told}, status_code=status)
