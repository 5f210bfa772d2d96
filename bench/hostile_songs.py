"""Readers of what a user hands in: audio, folders of songs, manifests, requests, chords and params."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from functools import cache, partial
from pathlib import Path

import numpy as np
import soundfile
import yaml
from hostile_inputs import (
    RATE_HZ,
    TEXTS,
    audio_files,
    damaged,
    odd_json,
    odd_value,
    sounds_by_kind,
    tar_of,
    words,
)
from hostile_scratch import Reader, Scratch, Unaccounted, models

from flows.console.bring_in import bring_in_yaml
from flows.settings.params import load_params
from flows.settings.params_files import BASE
from jam_model.words import Word
from tasks.audio.read import read_audio
from tasks.benchmark.caption_list import make_benchmark
from tasks.engine.song import Song, SongError
from tasks.models.description.endpoint import MAX_TEXT, read_answer
from tasks.prompts.control_prompts import frames_of_chords, request_of
from tasks.prompts.jamify_manifest import read_requests, style_of
from tasks.prompts.kept_seconds import check_within, kept_words, mask_of, spans_in
from tasks.prompts.prompt_words import prompt_words
from tasks.prompts.standing_songs import read_earlier
from tasks.songs.listing import Listing, list_sources
from tasks.stages.ingest import Ingest

MAX_FRAMES = 5000
KINDS = ("wav and aiff", "mp3", "ogg", "flac", "mp4", "mka and webm", "wma", "aac, caf and w64")


class SongReaders(Scratch):
    """Each reads one damaged input."""

    def targets(self) -> dict[str, Reader]:
        """The readers by name."""
        return {
            **{f"audio: {kind}": partial(self.audio, kind) for kind in KINDS},
            "songs folder": self.songs_folder,
            "songs in tar shards": self.song_shards,
            "manifest": self.manifest,
            "songs generated earlier": self.earlier,
            "singing request": self.request,
            "captions": self.captions,
            "chord text": self.chords,
            "kept seconds": self.kept,
            "params": self.settings,
            "jamify's yaml": self.jamify_settings,
            "answer of an endpoint": self.answer,
        }

    def answer(self, random: np.random.Generator) -> None:
        """What an endpoint says: an answer, a refusal, or a refusal by us."""
        message = {"content": "bright pop", "refusal": None, "role": "assistant"}
        body = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": 7}}
        data = odd_json(body, random)
        if random.random() < 0.5:
            data = damaged(data, [data], random)
        told = read_answer(data)
        if (told.text is None) != (told.outcome == "refused") or len(told.text or "") > MAX_TEXT:
            raise Unaccounted("an answer without its text")

    def captions(self, random: np.random.Generator) -> None:
        """A list of captions, CSV or JSON lines, damaged, beside the audio of one of its clips."""
        rows = [
            {
                "ytid": "-0Gj8-vB1q4",
                "start_s": 30,
                "end_s": 40,
                "caption": "a soft piano, slow",
                "aspect_list": "[]",
            },
            {"ytid": "moon", "start_s": 0, "end_s": 0.5, "caption": "bright pop"},
        ]
        if random.random() < 0.5:
            stream = io.StringIO()
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
            name, data = "list.csv", damaged(stream.getvalue().encode(), [b'"', b",\n"], random)
        else:
            lines = [
                odd_json(row, random) if random.random() < 0.5 else json.dumps(row).encode() for row in rows
            ]
            name, data = "list.jsonl", b"\n".join(lines)
            data = damaged(data, [data], random) if random.random() < 0.5 else data
        folder = self.fresh("captions")
        (folder / name).write_bytes(data)
        soundfile.write(folder / "moon.wav", np.full((22_050, 2), 0.1), RATE_HZ)
        made = make_benchmark(folder / name, folder, folder / "out", self.params.audio)
        listed = [json.loads(line) for line in made.manifest.read_text().splitlines()]
        inside = {path.resolve().parent for path in (folder / "out" / "audio").iterdir()}
        if len(listed) != made.num_songs or inside != {(folder / "out" / "audio").resolve()}:
            raise Unaccounted("clips beside their folder, or rows of no clip")

    def kept(self, random: np.random.Generator) -> None:
        """Seconds to keep, damaged, and the mask and the line that are made of them."""
        seeds = [b"0-10,20-25", b" 0.5 - 3.25 ,4-29.999999", b"7-8"]
        seeds += [text.encode("utf-8", "surrogatepass") for text in TEXTS]
        number = int(random.integers(3)) if random.random() < 0.7 else int(random.integers(len(seeds)))
        spans = spans_in(damaged(seeds[number], seeds, random).decode("utf-8", "replace"))
        bounds_s = [bound for span in spans for bound in span]
        if bounds_s != sorted(bounds_s) or not np.isfinite(bounds_s).all():
            raise Unaccounted("spans out of order")
        check_within(spans, 30.0, 30.0)
        mask_T = mask_of(spans, 645)
        if mask_T.all() or not mask_T.any() or "\n" in kept_words([Word("moon", 1.0, 2.0)], spans):
            raise Unaccounted("nothing kept or nothing to make")

    def chords(self, random: np.random.Generator) -> None:
        """Chords as people write them, damaged, with odd texts among them."""
        seeds = [
            b"3/4 C G Am F | Dm7 G7 | C/E % | %",
            b"|: Cmaj7 | F#m7b5 B7(b9) :| x3\nN.C. | Bb6/9 x2",
            b"C:min7/b3 | Gsus4",
        ]
        seeds += [text.encode("utf-8", "surrogatepass") for text in TEXTS]
        text = damaged(seeds[int(random.integers(len(seeds)))], seeds, random).decode("utf-8", "replace")
        spans = request_of({"chords": text}, {}, 96.0).chords.spans(96.0, 30.0)  # type: ignore[union-attr]
        bounds_s = [bound for start, end, _ in spans for bound in (start, end)]
        if bounds_s != sorted(bounds_s) or bounds_s[-1] != 30.0:
            raise Unaccounted("chords out of order")
        frames_of_chords(spans, 645)

    def audio(self, kind: str, random: np.random.Generator) -> None:
        """Files of one reader, damaged with pieces of all kinds."""
        sounds = _sounds()
        seeds = sounds[kind]
        others = [data for files in sounds.values() for data in files] if random.integers(2) else seeds
        read_audio(
            io.BytesIO(damaged(seeds[int(random.integers(len(seeds)))], others, random)), self.params.audio
        )

    def songs_folder(self, random: np.random.Generator) -> None:
        """Odd names, links out of the folder, FIFOs, folders named like songs; kept + dropped + refused = found."""
        root = self.fresh("songs")
        sounds = _audio()
        for number in range(4):
            kind = str(random.choice(list(sounds)))
            name = str(random.choice(["a", "b.c", "ü'\"<b>", "..", "-rf", " ", "x" * 120, "a\nb", "$(id)"]))
            path = root / f"{number}{name}.{kind}"
            choice = int(random.integers(7))
            if choice == 0:
                path.symlink_to("/etc/passwd")
            elif choice == 1:
                path.mkdir()
            elif choice == 2:
                os.mkfifo(path)
            else:
                path.write_bytes(sounds[kind] if choice > 4 else damaged(sounds[kind], [b""], random))
            path.with_suffix(".json").write_bytes(odd_json(words(3), random))
        listing = self._taken_in(root)
        refused = Counter(row["path"].split(".")[-1] in sounds for row in listing.refused)[True]
        if (ended := len(listing.sources) + refused) != 4:
            raise Unaccounted(f"4 files, {ended} songs and refusals")

    def song_shards(self, random: np.random.Generator) -> None:
        """Songs inside a tar file: names that climb, links, doubles, headers and members damaged."""
        root = self.fresh("shards")
        sounds = _audio()
        members = {
            f"{name}.{kind}": sounds[kind] for name, kind in (("a", "wav"), ("b", "flac"), ("c/d", "mp3"))
        }
        climbing = {f"{name}.wav": sounds["wav"] for name in ("../../e", "/f", "g\nh")}
        lyrics = {"a.json": odd_json(words(3), random), "c/d.txt": TEXTS[0].encode("utf-8", "surrogatepass")}
        links = {"i.wav": "/etc/passwd", "j.flac": "a.wav"}
        seeds = [tar_of({**members, **lyrics}), tar_of({**climbing, **members}, links)]
        data = seeds[int(random.integers(2))]
        (root / "a.tar").write_bytes(damaged(data, seeds, random) if random.random() < 0.8 else data)
        self._taken_in(root)

    def _taken_in(self, root: Path) -> Listing:
        """Lists the songs and lets `ingest` take or drop each."""
        listing = list_sources(root)
        ingest = Ingest(self.params.ingest, self.params.audio)
        for source in listing.sources:
            if source.facts["refused"]:
                continue
            try:
                ingest.one(
                    Song(source.song_id, {key: source.facts[key] for key in ingest.reads}, root=str(root))
                )
            except SongError as error:
                if not error.reason.isidentifier():
                    raise Unaccounted(f"reason {error.reason!r}") from error
        return listing

    def manifest(self, random: np.random.Generator) -> None:
        root = self.fresh("manifest")
        (root / "a.wav").write_bytes(_audio()["wav"])
        row = {"id": "a", "audio_path": "a.wav", "lrc_path": "a.json", "duration": 0.5, "license": "CC0"}
        rows = [row, {**row, "id": "b"}]
        data = odd_json(rows, random)
        if random.random() < 0.3:
            data = b"\n".join(odd_json(row, random) for _ in range(3))
        path = root / "manifest.json"
        path.write_bytes(data)
        list_sources(path)

    def earlier(self, random: np.random.Generator) -> None:
        """The metadata of an output folder: its rows, or the file whole under another name; never a row whose sound lies elsewhere."""
        root = self.fresh("earlier")
        for folder in ("generated", "cfm_latents"):
            (root / folder).mkdir()
        (root / "generated" / "a_1.mp3").write_bytes(b"sound")
        row = {"sample_id": "a", "generation_index": 1, "drop_reason": None, "made_from": "x"}
        row |= {"generated_audio_path": "generated/a_1.mp3", "cfm_latent_path": "cfm_latents/a_1.pt"}
        path = root / "generation_metadata.json"
        path.write_bytes(
            data := odd_json(
                [row, {**row, "generated_audio_path": "generated/../b"}][: int(random.integers(1, 3))], random
            )
        )
        earlier = read_earlier(root, path)
        if earlier.note and [one.read_bytes() for one in root.glob("*.unread*.json")] != [data]:
            raise Unaccounted("metadata that could not be read was not kept")
        if any(one["generated_audio_path"] != "generated/a_1.mp3" for one in earlier.rows):
            raise Unaccounted("a song that lies outside")
        if earlier.note:
            raise ValueError(earlier.note)

    def request(self, random: np.random.Generator) -> None:
        root = self.fresh("request")
        (root / "a.json").write_bytes(json.dumps(words()).encode())
        (root / "a.txt").write_text("bright pop")
        row = {"id": "a", "lrc_path": "a.json", "duration": 5.0, "prompt_path": "a.txt", "audio_path": None}
        row |= {"chords": "C | G7", "bpm": 90, "melody": "a.json"}
        path = root / "input.json"
        path.write_bytes(odd_json([row], random))
        requests = read_requests(path, self.params.audio, self.params.ingest, self.params.prompt, MAX_FRAMES)
        for song in requests.songs:
            phonemizer, encoder = models()
            prompt_words(song.lyrics, song.duration_s, song.bpm, phonemizer, self.params.rough_times)
            style_of(song, encoder, self.params.audio)
        if requests.refused:
            raise ValueError(str(requests.refused[0]))

    def settings(self, random: np.random.Generator) -> None:
        path = self.fresh("params") / "overlay.yaml"
        values = yaml.safe_load(BASE.read_text())
        section = str(random.choice(list(values)))
        if random.random() < 0.5:
            text = yaml.safe_dump({section: odd_value(values[section], random)}, allow_unicode=True).encode(
                "utf-8", "surrogatepass"
            )
        else:
            hostile = f"audio: !!python/object/apply:builtins.open [{self.canary}, w]\n".encode()
            bombs = b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
            text = damaged(hostile, [BASE.read_bytes(), bombs], random)
        path.write_bytes(text)
        odd = f"audio.max_bytes={TEXTS[int(random.integers(len(TEXTS)))]!r}"
        load_params(path, [odd] if random.integers(2) else [])

    def jamify_settings(self, random: np.random.Generator) -> None:
        """A trainer's yaml with an odd value anywhere, or damaged bytes."""
        path = self.fresh("jamify") / "sft.yaml"
        sections = {
            "training": {
                "resume_from_safetensors": "w.safetensors",
                "max_steps": 10,
                "grad_accumulation_steps": 2,
            }
        }
        sections["model"] = {
            "cfm": {"dual_drop_prob": [0.1, 0.5]},
            "dit": {"dim": 64, "max_frames": "${max_frames}"},
        }
        values = {**sections, "data": {"train_dataset": {"filler": "pad_right"}}, "max_frames": 50, "seed": 1}
        text = yaml.safe_dump(odd_value(values, random), allow_unicode=True).encode("utf-8", "surrogatepass")
        if random.random() < 0.5:
            text = damaged(yaml.safe_dump(values).encode(), [BASE.read_bytes(), text], random)
        path.write_bytes(text)
        bring_in_yaml(path, path.with_name("ours.yaml"))


@cache
def _sounds() -> dict[str, list[bytes]]:
    return sounds_by_kind()


@cache
def _audio() -> dict[str, bytes]:
    return audio_files()
