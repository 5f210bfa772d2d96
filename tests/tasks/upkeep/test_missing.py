"""Of what is gone, only what nothing replaces is missed."""

from __future__ import annotations

from tasks.upkeep.missing import missed

RUN = "checkpoints/sft/0123"
STANDING = {
    "table/sources/part-00000-aa.parquet",
    "table/align/part-00000-aa.parquet",
    "table/encode/part-00000-aa.stub.parquet",
    "shards/part-00000-aa.tar",
    "receipts/prepare/align/part-00000-aa.json",
    f"{RUN}/steps/step-000020/state.json",
    "reports/benchmark/report.json",
}
MISSED = {
    "table/align/part-00001-aa.parquet",
    "receipts/prepare/align/part-00001-aa.json",  # as its column file is
    "receipts/gate-1/encode/part-00000-aa.json",  # its stub stands
    "table/style/part-00000-cc.parquet",  # another stage's file replaces nothing
    "table/rank/fit.json",
    f"{RUN}/steps/step-000020/optimizer.safetensors",
    f"{RUN}/steps/step-1000000/state.json",
    f"{RUN}/done.json",
    "rounds/1/pairs.parquet",
    "forgotten.jsonl",
}
REPLACED = {
    "table/sources/part-00000-bb.parquet",  # by one of other songs
    "table/align/part-00000-bb.parquet",  # by one of other settings
    "table/encode/part-00000-aa.parquet",  # by its stub
    "shards/part-00000-bb.tar",
    "receipts/prepare/align/part-00000-bb.json",
    f"{RUN}/steps/step-000010/state.json",  # by a later checkpoint
}


def test_what_is_gone_is_missed_unless_something_replaces_it() -> None:
    assert missed(MISSED | REPLACED, STANDING) == MISSED


def test_what_stands_is_not_missed() -> None:
    assert missed((), STANDING) == set() == missed((), ())
