"""jamify's own yaml files (`training`, `dataset`, `evaluation`) as settings of this project: a rule for each key, kind by kind, and what has no counterpart.

Each value is taken over, or told with the reason why not: nothing is passed over in silence. Its trainer counts forward passes
as steps, gathered ones too; here a step is an update, so counts are divided by `grad_accumulation_steps`, as its schedule does.
Source: the configurations and the trainer of declare-lab/jamify.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.settings.jamify_yaml import values_of
from flows.settings.params_files import lay_over

RELEASED_HEADS = 32
HEADS = "model.dit.heads"
RESUME = "training.resume_from_safetensors"
ACCUMULATION = "training.grad_accumulation_steps"
FIXED = {"lrc_upsample_factor": 4, "sampling_rate": 44_100, "downsample_rate": 2048, "no_edit": True}
"""What no model here has otherwise, by the last part of a key."""
NONE_HERE = {
    "project_root": "paths are those of the command",
    "training.checkpoint_path": "the folder is --work",
    "training.resume_from_checkpoint": "a run goes on by itself; begin with its weights by --from",
    "training.last_per_steps": "the newest checkpoints are kept, fit.keep_checkpoints",
    "training.use_ema": "its average has other weights; see fit.ema_decay",
    "data.train_dataset.pattern": "bring the shards in: jam import --shards PATTERN",
    "data.train_dataset.urls": "bring the shards in: jam import --shards PATTERN",
    "data.train_dataset.id_list_jsonl": "lies beside the shards, and is read there",
    "data.train_dataset.dpo_json_path": "give the list to jam dpo --pairs",
    "data.train_dataset.vae_sampled": "pair lists are read in either form",
    "data.train_dataset.multiple_styles": "a shard says how many styles a song has",
    "data.train_dataset.shuffle": "see shuffle_shards",
    "data.train_dataset.silence_latent_path": "the codec has it",
    "data.train_dataset.tokenizer_path": "the released symbols are built in",
    "data.train_dataset.phonemizer_checkpoint": "see models.phonemizer",
    "wandb.resume_id": "a run keeps its own id",
    "evaluation.checkpoint_path": "give it to jam generate --checkpoint",
    "evaluation.output_dir": "give it to jam generate --out",
    "evaluation.test_set_path": "give it to jam generate --manifest",
    "evaluation.sample_kwargs.batch_infer_num": "give it to jam generate --candidates",
    "evaluation.batch_size": "songs are generated one by one on each worker",
    "evaluation.negative_style_prompt": "see models.style_encoder.muq_mulan.negative_style",
}


@dataclass
class Taken:
    """Settings that were taken over, laid as in a params file, and a line for each value that was not."""

    kind: str
    values: dict[str, Any] = field(default_factory=dict)
    without: list[str] = field(default_factory=list)
    said: dict[str, Any] = field(default_factory=dict)

    def put(self, path: str, value: Any) -> None:
        """A value at ``section.key``.

        Raises:
            ValueError: another place of the file said otherwise.
        """
        if self.said.setdefault(path, value) != value:
            raise ValueError(
                f"yaml: {path} would be {str(self.said[path])[:40]} and {str(value)[:40]} at once; make its file say one"
            )
        for key in reversed(path.split(".")):
            value = {key: value}
        self.values = lay_over(self.values, value)


def read_jamify_yaml(path: Path) -> Taken:
    """What a yaml file of jamify says, in settings of this project.

    Raises:
        ValueError: see `values_of`; or it asks for what no model here has, or contradicts itself.
    """
    flat = values_of(path)
    kind = _kind(flat)
    taken = Taken(kind)
    gathered = _positive_count(flat, ACCUMULATION, 1)
    for key, value in flat.items():
        last = key.rpartition(".")[2]
        if last in FIXED:
            if value != FIXED[last]:
                raise ValueError(
                    f"yaml: {key} is {str(value)[:40]}; no model here has another than {FIXED[last]}"
                )
        elif key in (rules := _rules(kind, gathered)):
            for place, setting in rules[key](value):
                taken.put(place, setting)
        elif key not in NONE_HERE or value not in (None, "", False):
            taken.without.append(f"{key}: {NONE_HERE.get(key, 'there is no such setting here')}")
    if flat.get(HEADS, RELEASED_HEADS) != RELEASED_HEADS:
        taken.without.append(f"{HEADS}: its model never hears of it and has {RELEASED_HEADS}")
    if kind != "generate":
        for place, setting in _silent(kind, flat, gathered):
            taken.put(place, setting)
    return taken


def _kind(flat: Mapping[str, Any]) -> str:
    """Which of its four files it is: by what it trains on, else by whether it begins with weights."""
    if any(key.startswith("evaluation.") for key in flat):
        return "generate"
    if "training.beta_dpo" in flat or "data.train_dataset.dpo_json_path" in flat:
        return "dpo"
    return "sft" if flat.get(RESUME) else "pretrain"


Rule = Callable[[Any], list[tuple[str, Any]]]


def _same(place: str) -> Rule:
    """A value as it is, at a place of ours."""
    return lambda value: [(place, value)]


def _rules(kind: str, gathered: int) -> dict[str, Rule]:
    """By a key of jamify's, the settings that a value of it becomes."""

    def updates(place: str) -> Rule:
        return lambda value: [(place, max(1, _count(place, value) // gathered))]

    def number(place: str) -> Rule:
        return lambda value: [(place, _number(place, value))]

    def guidance(value: Any) -> list[tuple[str, Any]]:
        style, lyrics = _pair("dual_cfg", value)
        return [("sampler.style_guidance_scale", style), ("sampler.lyrics_guidance_scale", lyrics)]

    if kind == "generate":
        return {
            "evaluation.num_samples": _same("prompt.num_samples"),
            "evaluation.ignore_style": lambda value: [("prompt.style", "none")] if value else [],
            "evaluation.use_prompt_style": lambda value: [("prompt.style", "text")] if value else [],
            "evaluation.sample_kwargs.steps": lambda value: [
                ("sampler.num_steps", _count("steps", value) - 1),
                ("sampler.solver", "euler"),
            ],
            "evaluation.sample_kwargs.dual_cfg": guidance,
            "evaluation.sample_kwargs.cfg_range": lambda value: [
                ("sampler.interval", _pair("cfg_range", value))
            ],
            "evaluation.sample_kwargs.fix_dual_cfg": lambda value: [
                ("sampler.formula", "dual_fixed" if value else "dual")
            ],
            "evaluation.vae_type": _same("models.codec.stable_audio.decoder"),
            "evaluation.num_style_secs": number("models.style_encoder.muq_mulan.crop_s"),
            "evaluation.random_crop_style": lambda value: [
                ("models.style_encoder.muq_mulan.crop_choice", "random" if value else "first")
            ],
            **_model_rules(None),
        }

    def dropout(value: Any) -> list[tuple[str, Any]]:
        style, lyrics = _pair("dual_drop_prob", value)
        places = (f"{kind}.{name}_condition_dropout" for name in ("style", "lyrics"))
        return [*zip(places, (style, lyrics), strict=True), (f"{kind}.condition_dropout_rule", "jam")]

    return {
        RESUME: lambda value: [(f"start.{kind}", value)] if value and kind != "pretrain" else [],
        ACCUMULATION: _same(f"{kind}.gradient_accumulation_steps"),
        "training.max_steps": updates(f"{kind}.steps"),
        "training.num_warmup_updates": updates(f"{kind}.warmup_steps"),
        "training.learning_rate": number(f"{kind}.learning_rate"),
        "training.save_per_updates": _same(f"{kind}.checkpoint_every_steps"),
        "training.log_every": updates(f"{kind}.log_every_steps"),
        "training.max_grad_norm": number(f"{kind}.max_grad_norm"),
        "training.beta_dpo": number("dpo.beta"),
        "training.use_constant_lr": lambda value: [],  # see `_silent`
        "training.use_fsdp": lambda value: [(f"{kind}.sharding", "full")] if value and kind != "dpo" else [],
        "model.cfm.dual_drop_prob": dropout,
        "model.cfm.sft": _same("dpo.term"),
        "model.dit.grad_ckpt": _same(f"{kind}.activation_checkpointing"),
        "data.train_dataset.resample_by_duration_threshold": number(f"{kind}.resample_below_s"),
        "data.train_dataset.ignore_by_duration_threshold": number(f"{kind}.ignore_below_s"),
        "data.train_dataloader.batch_size": _same(f"{kind}.batch_size"),
        "wandb.project": _same("wandb.project"),
        "wandb.name": _same("wandb.name"),
        "wandb.mode": _same("wandb.mode"),
        "seed": _same(f"{kind}.seed"),
        "max_frames": _same(f"{kind}.max_frames"),
        **_model_rules(kind),
    }


def _model_rules(kind: str | None) -> dict[str, Rule]:
    """Sizes of the model, which every file states; `kind`: the section that has `max_frames`, if it trains."""

    frames: Rule = lambda value: [(f"{kind}.max_frames", value)] if kind else []  # noqa: E731
    sizes = ("dim", "depth", "ff_mult", "text_dim", "use_implicit_duration")
    return {
        **{f"model.dit.{name}": _same(f"jam.{name}") for name in sizes},
        "model.dit.conv_layers": _same("jam.text_layers"),
        "model.dit.text_num_embeds": _same("jam.num_text_embeddings"),
        "model.dit.mel_dim": _same("jam.latent_channels"),
        HEADS: lambda value: [("jam.heads", RELEASED_HEADS)],
        **dict.fromkeys(("model.num_channels", "model.cfm.num_channels"), _same("jam.latent_channels")),
        **dict.fromkeys(
            ("model.dit.max_frames", "model.cfm.max_frames", "data.train_dataset.max_frames"), frames
        ),
        "data.train_dataset.filler": _same("jam.filler"),
        **({} if kind else {"max_frames": lambda value: []}),
    }


def _silent(kind: str, flat: Mapping[str, Any], gathered: int) -> Iterator[tuple[str, Any]]:
    """What its trainer does without a word of its file: AdamW as torch has it, a straight fall, no average, no validation."""
    is_constant = flat.get("training.use_constant_lr") is True
    yield from (
        (f"{kind}.{name}", value)
        for name, value in {
            "betas": [0.9, 0.999],
            "weight_decay": 0.01,
            "ema_decay": 0.0,
            "decay_fraction": 0.0 if is_constant else 1.0,  # from the end of the warm-up
            "min_lr_ratio": 1.0 if is_constant else 1e-8,
            "validate_every_steps": 0,
            "best_by": "none",
            "past_end_share": 0.0,
        }.items()
    )
    if is_constant:
        yield f"{kind}.warmup_steps", 0
    elif "training.num_warmup_updates" not in flat:
        yield f"{kind}.warmup_steps", 20_000 // gathered
    if "data.train_dataset.filler" not in flat:
        yield "jam.filler", "pad_right"
    if kind == "dpo":
        yield from (("dpo.error_over", "max_frames"), ("dpo.term_weight", 0.2))


def _positive_count(flat: Mapping[str, Any], key: str, missing: int) -> int:
    value = flat.get(key)
    return max(1, _count(key, value)) if value is not None else missing


def _count(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10**12:
        raise ValueError(f"yaml: {key} is {str(value)[:40]}; give a whole number")
    return value


def _number(key: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"yaml: {key} is {str(value)[:40]}; give a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"yaml: {key} is beyond reason; give a number") from None


def _pair(key: str, value: Any) -> list[float | None]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"yaml: {key} is {str(value)[:40]}; give two numbers")
    return [_number(key, one) for one in value]
