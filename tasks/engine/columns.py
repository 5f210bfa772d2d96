"""Every column a song table can have: its Arrow type, what it means, and which are heavy.

A column is written by exactly one stage of a table. Heavy columns are bytes of a known format, one
song a row group, so that memory is bounded by a few songs, not by a partition.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

AUDIO = pa.struct([("path", pa.string()), ("bytes", pa.large_binary())])
"""A song's mix: a path relative to the songs root (given songs), or an encoded file (generated songs)."""
WORD = pa.struct(
    [
        *(("text", pa.string()), ("start_s", pa.float64()), ("end_s", pa.float64())),
        *(("phonemes", pa.string()), ("score", pa.float64())),
    ]
)
"""A row of `jam_model.words.Word`."""
STRINGS = pa.list_(pa.string())
QUALITY = pa.struct(
    [
        (name, pa.float64())
        for name in (
            *("duration_s", "silence_share", "clipped_share", "loudness_lufs", "vocals_db", "num_lines"),
            *("num_words", "words_per_s", "longest_word_s", "overlap_share", "alignment"),
            *("coverage", "agreement", "unwritten_share", "outside_share"),
            *("times_offset_s", "times_drift", "times_spread_s", "hurried_share"),
        )
    ]
)
JUDGED = pa.struct([("judge", pa.string()), ("axis", pa.string()), ("score", pa.float64())])
STEM = pa.struct([("name", pa.string()), ("bytes", pa.large_binary())])


@dataclass(frozen=True)
class Column:
    """Type and meaning of a column; `heavy` ones get a row group a song."""

    type: pa.DataType
    meaning: str
    heavy: bool = False


COLUMNS: dict[str, Column] = {
    # sources: what is known before anything is computed
    "audio": Column(
        AUDIO, "the mix: relative path of a given song, or the bytes of a generated one", heavy=True
    ),
    "lyrics_path": Column(
        pa.string(), "lyrics file beside the audio, relative to the songs root; null = none"
    ),
    "style_path": Column(pa.string(), "style text file, relative to the songs root; null = none"),
    "content_hash": Column(pa.string(), "sha256 of the audio file's bytes"),
    "refused": Column(pa.string(), "reason found while listing (duplicate, source_gone ...); null = none"),
    "title": Column(pa.string(), "file name without its ending, as found"),
    "artist": Column(pa.string(), "from the manifest; null = unknown"),
    "license": Column(pa.string(), "from the manifest; null = unknown"),
    "source": Column(pa.string(), "from the manifest; null = unknown"),
    # ingest
    "duration_s": Column(pa.float64(), "decoded length in seconds"),
    "num_channels": Column(pa.int32(), "channels of the source"),
    "sample_rate_hz": Column(pa.int32(), "sample rate of the source"),
    "lyrics": Column(STRINGS, "the given words in order; null = no lyrics were given"),
    "lyrics_times": Column(pa.list_(WORD), "the given words with their claimed times; null = untimed"),
    "lyrics_lines": Column(pa.list_(WORD), "timed lines of an .lrc (text = the line); null = none"),
    "num_lines": Column(pa.int32(), "lines of the given lyrics; null = no lyrics, or a format without lines"),
    "style_text": Column(pa.string(), "style prompt; null = none"),
    # separate
    "vocals": Column(pa.large_binary(), "vocals, mono 44.1 kHz FLAC", heavy=True),
    "stems": Column(
        pa.list_(STEM), "the parts of the mix, stereo 44.1 kHz FLAC; null = only vocals are kept", heavy=True
    ),
    # transcribe
    "transcript": Column(STRINGS, "words the recogniser heard; null = not asked to listen"),
    "transcript_times": Column(pa.list_(WORD), "the same words with times"),
    "heard_phones": Column(
        STRINGS, "the recogniser's own phones, no word knowledge; null = not asked, or it hears none"
    ),
    "language": Column(pa.string(), "ISO 639-1, as the recogniser tells it; null = it does not"),
    # align
    "timed_words": Column(
        pa.list_(WORD), "the song's words with aligned times and scores in [0, 1]; 0 = cannot be said"
    ),
    "alignment_score": Column(pa.float64(), "mean word score"),
    "aligned_words": Column(
        pa.list_(WORD),
        "where the aligner lays words that kept their given times; null = they have its",
    ),
    # phonemize
    "words": Column(pa.list_(WORD), "the timed words with their phonemes: IPA in jamify's symbols"),
    "phoneme_unknown": Column(pa.int32(), "symbols that had no counterpart and were left out"),
    # style
    "style_embedding": Column(pa.list_(pa.list_(pa.float32())), "[n, 512], one row a crop"),
    "window_embedding": Column(pa.large_binary(), "npy float32 [num_windows, D], for Frechet distance"),
    # encode
    "latent": Column(
        pa.large_binary(), "npy float32 [T, 128]: posterior mean (64) then std (64)", heavy=True
    ),
    "num_frames": Column(pa.int32(), "T"),
    # sketch
    "lyrics_hash": Column(pa.string(), "sha256 of the given words; null = none were given"),
    "lyrics_sketch": Column(pa.binary(), "npy int64, sorted: hashed runs of the words, given or heard"),
    "audio_sketch": Column(pa.binary(), "npy int64, sorted: pairs of spectral peaks, key << 24 | frame"),
    # group
    "duplicate_group": Column(pa.string(), "the earliest song of its near duplicates; itself when alone"),
    "split": Column(
        pa.string(), "train, validation or benchmark, by artist and near duplicates, never by partition"
    ),
    "duplicate_of": Column(pa.string(), "the earlier song that it repeats; null = none"),
    "near_benchmark": Column(pa.string(), "the song of the given benchmark that it is near; null = none"),
    # check
    "quality": Column(QUALITY, "the measures of tasks/quality/measures.py, by name; null = not measurable"),
    # filter
    "kept": Column(pa.bool_(), "passed every stage before and every threshold here"),
    "flags": Column(STRINGS, "reasons that hold for a song that is never dropped; empty = none"),
    # pack
    "sample": Column(
        pa.large_binary(), "the song as the members of one WebDataset sample, a tar fragment", heavy=True
    ),
    # fan-out: candidates of a DPO round, songs of a benchmarked system
    "parent": Column(pa.string(), "the song this one was made from"),
    "parent_audio": Column(AUDIO, "its mix, for rows that copy or recode it; null = not needed", heavy=True),
    "system": Column(pa.string(), "benchmark row this song belongs to"),
    "take": Column(pa.int32(), "candidate number, from 0"),
    "seed": Column(pa.int64(), "seed of the noise this song was made from"),
    "checkpoint": Column(pa.string(), "hash of the weights that sang it; null = not sung by a model"),
    "asked_words": Column(pa.list_(WORD), "the words, times and phonemes the model was asked to sing"),
    "asked_style": Column(pa.list_(pa.list_(pa.float32())), "the style the model was asked for, [n, 512]"),
    "asked_duration_s": Column(pa.float64(), "the length the model was asked for"),
    "recipe": Column(pa.string(), "how the row was made: generate | copy | codec, with its options, as JSON"),
    "latent_sung": Column(pa.large_binary(), "npy float32 [T, 64], trimmed to the asked length", heavy=True),
    "tail_energy": Column(pa.float64(), "RMS after the asked end / RMS before it; null = nothing after it"),
    # score
    "scores": Column(pa.list_(pa.float64()), "a score for each of the judge's axes, in its order and range"),
    # place
    "placed_words": Column(
        pa.list_(WORD),
        "the heard words where the aligner lays them; null = none, or they cannot be laid",
    ),
    # gauge
    "loudness_lufs": Column(pa.float64(), "integrated loudness of the mix; null = silent, or too short"),
    "clipped_share": Column(pa.float64(), "samples at full scale that follow another one there, as a share"),
    "silence_share": Column(pa.float64(), "10 ms pieces below `check.silence_db`, as a share"),
    # reward
    "judged": Column(pa.list_(JUDGED), "every axis of every judge asked, with the judge's name and revision"),
    "reward": Column(pa.float64(), "what takes are ranked by: the weighted mean that params ask for"),
    # pair
    "winner": Column(pa.string(), "song id of the preferred take; null with a reason in `refusal`"),
    "loser": Column(pa.string(), "song id of the other take"),
    "margin": Column(pa.float64(), "reward of the winner minus the loser's"),
    "refusal": Column(pa.string(), "why this prompt gave no pair; null = it gave one"),
}
