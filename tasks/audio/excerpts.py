"""Ten seconds of some songs heard in a process of its own before a run begins, for how unlike toy songs they are (`tasks.models.likeness`).

Songs are a stranger's: what reads them may crash, hang or fill a memory, and then nothing is said of them.
"""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.audio.limits import AudioParams

MAX_MEMORY_BYTES = 6 << 30
MAX_SONG_S = 600.0  # longer ones take too long to decode; another song is heard for them


def distances(
    root: str, audio: Sequence[Mapping[str, Any]], enough: int, within_s: float, limits: AudioParams
) -> list[float]:
    """Distances of the first `enough` of these songs that can be read, in order; fewer where others fail.

    `audio`: the column of that name; `root`: where its paths start. After `within_s` seconds nobody waits longer.
    """
    request = {"root": root, "audio": list(audio), "enough": enough, "limits": limits.decides()}
    command = [sys.executable, "-P", "-m", "tasks.audio.excerpts"]
    try:
        done = subprocess.run(
            command, input=json.dumps(request).encode(), capture_output=True, timeout=within_s, check=False
        )
        told = done.stdout
    except subprocess.TimeoutExpired as late:
        told = late.stdout or b""
    return [float(line) for line in told.splitlines()]


def main() -> None:
    """Answer the request on standard input, a line a song."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    request = json.load(sys.stdin)
    limits = AudioParams(**request["limits"])
    limits = limits.model_copy(update={"max_seconds": min(limits.max_seconds, MAX_SONG_S)})
    from tasks.audio.read import read_audio
    from tasks.models.likeness import distance, statistics
    from tasks.songs.files import bytes_of, song_file

    left = request["enough"]
    for audio in request["audio"]:
        if left == 0:
            break
        try:
            data = bytes_of(song_file(request["root"], audio["path"]), limits.max_bytes)
            mix_CN, _ = read_audio(io.BytesIO(data), limits)
        except (OSError, ValueError, MemoryError):
            continue  # ingest says why
        print(distance(statistics(mix_CN)), flush=True)
        left -= 1


if __name__ == "__main__":
    main()
