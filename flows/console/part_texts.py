"""What parts of one song ask for in its lyrics, read before Ray or a model starts: no part may lie nowhere, or ask for what nobody reads."""

from __future__ import annotations

from pathlib import Path

from flows.settings.project import Project
from jam_model.training_facts import read_facts
from tasks.lyrics.part_labels import has_part_texts, name_and_text
from tasks.models.style_encoder import build_style_encoder
from tasks.prompts.prompt_words import PromptWords
from tasks.times.part_texts import part_texts


def check_part_texts(project: Project, words: PromptWords, duration_s: float, checkpoint: Path) -> None:
    """Looks at the parts of a song where the model is to use them. An encoder that has to be loaded first reads their texts later.

    Raises:
        ValueError: a part that says how it shall sound has no time or lies past the end, or its text cannot be read.
    """
    use, labels = project.params.prompt.part_styles, words.lyrics.labels
    is_used = use == "always" or (use == "trained" and read_facts(checkpoint).part_styles)
    if not is_used or not has_part_texts(labels):
        return
    part_texts(labels, words.words, duration_s)
    section = project.params.models.style_encoder
    if section.settings is not None:
        return
    encoder = build_style_encoder(section)
    for name, text in filter(None, (name_and_text(label.text) for label in labels)):
        if text:
            try:
                encoder.embed_text(text)
            except ValueError as error:
                raise ValueError(f"part [{name}: {text}]: {error}") from error
