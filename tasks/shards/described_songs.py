"""What a data card says of descriptions: parts of songs by label and source, captions by what came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from eval.results.plural import counted
from tasks.models.description.captioner import ENDPOINT, FACTS


def section_counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """How many songs have sections, by who says them, and how many sections of each label there are."""
    parts = [row["sections"] for row in rows if row.get("sections")]
    songs = Counter(source for song in parts for source in {part["source"] for part in song})
    labels = Counter(part["label"] for song in parts for part in song)
    return {"songs": dict(sorted(songs.items())), "labels": dict(sorted(labels.items()))}


def section_lines(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The same for people; nothing where no song has sections."""
    if not counts:
        return []
    says = {"times": "as files state them", "labels": "labels at the words' times", "heard": "heard"}
    songs = ", ".join(f"{counted(count, 'song')} {says[source]}" for source, count in counts["songs"].items())
    parts = ", ".join(f"{label} {count}" for label, count in counts["labels"].items())
    return [f"Parts (`sections`): {songs}; {parts}.", ""]


def caption_counts(rows: Sequence[Mapping[str, Any]], of: str = "song") -> dict[str, Any]:
    """How many songs have a caption, what came of those an endpoint was asked for, and of songs with a second one how alike both are.

    of: song or part; their number is under `songs` or `parts`. `template`: captions by the template of facts, for which nobody was asked.
    `second`: songs whose own caption was too unlike them and that got another, with the mean similarity of the first, the second and
    the better of the two, which is above the first by being chosen. `contradicted`: facts that first captions contradict, by name.
    """
    songs = [row["captions"] for row in rows if row.get("captions")]
    if not songs:
        return {}
    asked = [one for song in songs for one in song if one["source"] == ENDPOINT]
    told = [one for one in asked if one["tokens_in"] is not None and one["tokens_out"] is not None]
    pairs = [
        (song[0]["similarity"], song[1]["similarity"])
        for song in songs
        if len(song) > 1 and None not in (song[0]["similarity"], song[1]["similarity"])
    ]
    second = {
        f"{of}s": len(pairs),
        "first": _mean([first for first, _ in pairs]),
        "second": _mean([second for _, second in pairs]),
        "better": _mean([max(pair) for pair in pairs]),
    }
    wrong = Counter(name for song in songs for name in song[0].get("contradicted") or ())
    return {
        f"{of}s": sum(any(one["text"] is not None for one in song) for song in songs),
        "template": sum(one["source"] == FACTS for song in songs for one in song),
        "asked": dict(sorted(Counter(one["outcome"] for one in asked).items())),
        "second": second,
        **({"contradicted": dict(sorted(wrong.items()))} if wrong else {}),
        "tokens_in": sum(one["tokens_in"] for one in told),
        "tokens_out": sum(one["tokens_out"] for one in told),
        "not_told": len(asked) - len(told),
        "cost": round(sum(one["cost"] or 0.0 for one in told), 6)
        if any(one["cost"] is not None for one in told)
        else None,
    }


def parts_of(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The parts of songs with their captions, one behind the other."""
    return [part for row in rows for part in row.get("part_captions") or ()]


def caption_lines(counts: Mapping[str, Any], of: str = "song") -> list[str]:
    """The same for people; nothing where no song has captions. `of`: song or part."""
    if not counts:
        return []
    asked = ", ".join(f"{count} {outcome}" for outcome, count in counts["asked"].items()) or "none"
    head = "Captions" if of == "song" else "Captions of parts"
    template = f"by the template of facts: {counts['template']}; " if counts["template"] else ""
    lines = [f"{head}: {counted(counts[f'{of}s'], of)} with one; {template}asked for: {asked}."]
    if counts["tokens_in"] or counts["tokens_out"]:
        cost = "" if counts["cost"] is None else f", {counts['cost']:g} by the prices of the settings"
        lines += [
            f"{counts['tokens_in']} tokens in, {counts['tokens_out']} out{cost}; not told: {counts['not_told']}."
        ]
    second = counts["second"]
    if second[f"{of}s"]:
        lines += [
            f"{counted(second[f'{of}s'], 'caption')} unlike the {of} got a second one: similarity {second['first']:.2f}, of the second "
            f"{second['second']:.2f}, of the better {second['better']:.2f} (chosen by it, so no proof of a gain)."
        ]
    if counts.get("contradicted"):
        names = ", ".join(f"{name} {count}" for name, count in counts["contradicted"].items())
        lines += [f"First captions contradict what was measured: {names}."]
    return [*lines, ""]


def _mean(values: Sequence[float]) -> float | None:
    return round(mean(values), 4) if values else None
