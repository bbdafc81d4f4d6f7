"""``python -m engine.training.written_questions CONFIG``: questions about texts that have none.

On several GPUs start it with ``torchrun``: each process learns from its share of the questions and
writes about its share of the texts.

People's questions are few and the hypernetwork soon knows them by heart. So the base model learns from them
to write more, and to answer: kept is a question that it answers, reading the paragraph, as it meant it.
Source: Alberti et al. 2019, "Synthetic QA Corpora Generation with Roundtrip Consistency", arXiv 1906.05416.
"""

import argparse
import json
import logging
import lzma
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from tokenizers import Tokenizer

from engine.errors import EngineError
from engine.evaluation.metrics import score
from engine.evaluation.question_sets import parse, read_lines
from engine.hypernetwork.gguf_tokenizer import load_tokenizer
from engine.training.distributed import DistributedContext, find_context
from engine.training.transformers_base import embedded_in_transformers
from engine.training.written_questions.config import WritingConfig
from engine.training.written_questions.forms import (
    Asked,
    Forms,
    Lesson,
    Paragraphs,
    Styles,
    can_be_answer,
    read_written,
    without_repeats,
)
from engine.training.written_questions.writer import Writer

logger = logging.getLogger(__name__)
_T = TypeVar("_T")

_SAME_ANSWER_F1 = 0.6


class Run:
    """One run of the question writer.

    Raises:
        ModelUnavailable: the base model cannot be read.
        FileNotFoundError: a set is not there.
    """

    def __init__(self, config: WritingConfig, place: DistributedContext) -> None:
        self._config, self._place = config, place
        self._tokenizer: Tokenizer = load_tokenizer(config.base_model)
        self._forms = Forms(self._tokenizer)
        self._paragraphs = Paragraphs(self._tokenizer, config.paragraph_tokens)
        self._styles = Styles.of(config.keyword_share, config.seed + place.rank)
        torch.manual_seed(config.seed + place.rank)
        model = embedded_in_transformers(config.base_model)
        self._writer = Writer(model, place.device, self._forms.end_of_turn[0])

    def run(self) -> int:
        """Learn, write, and return how many questions were written."""
        config = self._config
        lessons = self._lessons()
        if not lessons:
            detail = "No question of the sets in learn_from, or too few of them, has its answer in the text."
            raise EngineError("There is nothing to learn from.", detail)
        losses = self._writer.learn(
            lessons,
            minutes=config.learn_minutes,
            batch_tokens=config.batch_tokens,
            lr=config.lr,
            rng=np.random.default_rng((config.seed, self._place.rank)),
        )
        logger.info(
            "learnt from %d lessons in %d steps, loss %.2f at first, %.2f at last",
            len(lessons), len(losses), np.mean(losses[:10]), np.mean(losses[-10:]),
        )  # fmt: skip
        n_questions = 0
        beside = self._part(self._place.rank)
        with lzma.open(beside, "wt", encoding="utf-8", preset=1) as file:
            for asked in (self._answered_sentences(), *self._written()):
                n_questions += len(asked)
                file.writelines(self._lines(asked))
        logger.info("%d questions written", n_questions)
        self._place.barrier()
        if self._place.is_first:
            self._join_parts()
        return n_questions

    def _part(self, rank: int) -> Path:
        """What a process writes until all have done."""
        return self._config.out.with_name(f"{self._config.out.name}.{rank}.new")

    def _join_parts(self) -> None:
        """All processes' questions as one file: xz streams behind each other are one stream."""
        first, *others = (self._part(rank) for rank in range(self._place.n_processes))
        with first.open("ab") as whole:
            for part in others:
                whole.write(part.read_bytes())
                part.unlink()
        first.replace(self._config.out)

    def _lessons(self) -> list[Lesson]:
        """This process's share of them."""
        rank, n_processes = self._place.rank, self._place.n_processes
        return [
            lesson
            for name in self._config.learn_from
            for example in parse(read_lines(self._config.data, name))[rank::n_processes]
            for asked in self._paragraphs.asked(example)
            for lesson in self._forms.lessons(asked)
        ]

    def _answered_sentences(self) -> list[Asked]:
        """Questions of people with the short answers that the writer reads in sentence and paragraph."""
        asked = [
            one
            for name in self._config.sentence_sets
            for example in parse(read_lines(self._config.data, name), max_answer_chars=None)
            for one in self._paragraphs.asked(example)
        ]
        asked = asked[self._place.rank :: self._place.n_processes]
        kept: list[Asked] = []
        for part in _parts(asked, self._config.n_sequences):
            from_sentence = self._answers([Asked(one.answer, one.question, "") for one in part])
            from_paragraph = self._answers(part)
            for one, short, other in zip(part, from_sentence, from_paragraph, strict=True):
                if can_be_answer(one.answer, short) and score(other, [short]).f1 >= _SAME_ANSWER_F1:
                    kept.append(Asked(one.paragraph, one.question, short))
        logger.info("%d of %d questions with sentences got short answers", len(kept), len(asked))
        return kept

    def _written(self) -> Iterator[list[Asked]]:
        """New questions, until the time is over or every paragraph has been written about."""
        config = self._config
        texts = {
            example.context
            for name in config.write_about
            for example in parse(read_lines(config.data, name), max_answer_chars=None)
        }
        in_order = sorted(texts)
        order = np.random.default_rng(config.seed).permutation(len(in_order))
        mine = order[self._place.rank :: self._place.n_processes]
        # Cut as they are needed: that takes longer than all the writing that there may be time for.
        paragraphs = (paragraph for i in mine for paragraph in self._paragraphs.of(in_order[i]))
        started = time.monotonic()
        n_drawn = n_kept = n_read = 0
        while part := list(islice(paragraphs, config.n_sequences // config.n_samples)):
            if time.monotonic() - started > config.write_minutes * 60:
                break
            drawn = self._writer.write(
                [self._forms.to_ask(paragraph) for paragraph in part], config.n_samples
            )
            texts_of = [self._tokenizer.decode_batch(samples) for samples in drawn]
            read = [
                asked
                for paragraph, samples in zip(part, texts_of, strict=True)
                for asked in (read_written(paragraph, text) for text in samples)
                if asked
            ]
            read = without_repeats(read)
            answers = self._answers(read)
            kept = [
                one
                for one, answer in zip(read, answers, strict=True)
                if score(answer, [one.answer]).f1 >= _SAME_ANSWER_F1
            ]
            n_drawn, n_read, n_kept = (
                n_drawn + len(part) * config.n_samples,
                n_read + len(read),
                n_kept + len(kept),
            )
            yield kept
        logger.info(
            "%d drawn, %d of them new questions with an answer in the text, %d answered alike",
            n_drawn, n_read, n_kept,
        )  # fmt: skip

    def _answers(self, asked: Sequence[Asked]) -> list[str]:
        prompts = [self._forms.to_answer(one.paragraph, one.question) for one in asked]
        answers = [
            ids for part in _parts(prompts, self._config.n_sequences) for ids in self._writer.answer(part)
        ]
        return [text.strip() for text in self._tokenizer.decode_batch(answers)]

    def _lines(self, asked: Sequence[Asked]) -> Iterator[str]:
        """A line for each paragraph, as the sets have it."""
        by_paragraph: dict[str, list[Asked]] = {}
        for one in asked:
            by_paragraph.setdefault(one.paragraph, []).append(one)
        for paragraph, of_it in by_paragraph.items():
            qas = [{"q": self._styles.type(one.question), "a": [one.answer]} for one in of_it]
            yield json.dumps({"context": paragraph, "qas": qas}, ensure_ascii=False) + "\n"


def _parts(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a set of questions; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m engine.training.written_questions", description=__doc__)
    parser.add_argument(
        "config", type=Path, help="TOML file, see engine/training/written_questions/config.py"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    try:
        config = WritingConfig.load(options.config)
    except (OSError, ValueError) as exc:
        parser.error(str(exc))
    place = find_context()
    try:
        Run(config, place).run()
    except (EngineError, OSError) as exc:
        print(f"written_questions: {exc}", file=sys.stderr)
        return 1
    place.leave()
    return 0


if __name__ == "__main__":
    sys.exit(main())
