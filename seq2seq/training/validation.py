"""Loss and score on the validation pairs, and tuning of the search on them."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from accelerate import Accelerator

from seq2seq.config import TrainingConfig
from seq2seq.data.batching import make_batch, plan_batches, plan_epoch
from seq2seq.data.bitext import Pair
from seq2seq.data.corpus import Corpus
from seq2seq.data.preparation import PreparedData
from seq2seq.distributed import Processes
from seq2seq.evaluation.metrics import MetricScore, score_corpus, signature_of, validation_metric
from seq2seq.inference.confidence import Confidence
from seq2seq.inference.engine import engine_of
from seq2seq.inference.part_search import Result
from seq2seq.inference.segmentation import Line
from seq2seq.inference.translator import Hypothesis as Candidate
from seq2seq.inference.translator import TextOptions, Translator
from seq2seq.runs.trained_model import TrainedModel
from seq2seq.search.options import Hypothesis
from seq2seq.training.objective import Objective, as_tensors
from seq2seq.training.tuning import LENGTH_PENALTIES, best_length_penalty

_BATCH, _WINDOW = 64, 256
# Pairs to tune on, and how much longer their beam searches take than the greedy search of a validation.
_TUNING_PAIRS, _TUNING_COST = 500, 8.0
_FEWEST_EXAMPLES = 10


class Validator:
    """Evaluates models on the validation pairs, sharded across the processes."""

    def __init__(
        self,
        data: PreparedData,
        config: TrainingConfig,
        accelerator: Accelerator,
        processes: Processes,
        poll: Callable[[], None],
    ) -> None:
        """poll: called regularly; an exception from it ends the work."""
        self._data, self._batch_tokens = data, config.batch_tokens
        self.metric = validation_metric(config.validation_metric)
        """The metric that decides."""
        self._accelerator, self._processes, self._poll = accelerator, processes, poll

    def loss(self, objective: Objective) -> float:
        """Mean -log p per validation token, in nats."""
        corpus = self._data.valid
        return self._loss(objective, corpus, plan_epoch(corpus, self._batch_tokens, seed=0, epoch=0))

    def training_loss(self, objective: Objective) -> float:
        """Likewise per token of training pairs: a sample, evenly spread, of as many as there are for validation."""
        corpus = self._data.train
        sample = np.linspace(0, len(corpus) - 1, min(len(corpus), len(self._data.valid)), dtype=np.int64)
        lengths = corpus.src.lengths(sample), corpus.tgt.lengths(sample)
        return self._loss(objective, corpus, [sample[rows] for rows in plan_batches(*lengths, self._batch_tokens, 0)])

    def _loss(self, objective: Objective, corpus: Corpus, batches: Iterable[np.ndarray]) -> float:
        device = self._accelerator.device
        total = torch.zeros((), dtype=torch.float64, device=device)
        tokens = 0
        for batch in batches:
            tokens += int((corpus.tgt.lengths(batch) + 1).sum())
            rows = self._processes.shard(batch)
            if not len(rows):
                continue
            with self._accelerator.autocast():
                total += objective.log_loss(*as_tensors(make_batch(corpus, rows), device))
        self._poll()
        return float(self._processes.mean(total)) * self._processes.count / tokens

    @property
    def description(self) -> str:
        """What the metric decides, in a line for the user."""
        return (
            f"{self.metric} decides on the best step, on patience and on the length penalty; "
            f"{signature_of(self.metric)}"
        )

    def score(self, model: TrainedModel) -> tuple[MetricScore, list[str]]:
        """The score of greedy translations, and the translations."""
        translator = Translator(engine_of(model) or model, batch_size=_BATCH)
        translations: list[str] = []
        for lines in self._windows(self._data.valid_pairs):
            translations += self._processes.gather(translator.translate(lines, beam_size=1))
            self._poll()
        references = [pair.tgt for pair in self._data.valid_pairs]
        return score_corpus(translations, [references], [self.metric])[0], translations

    def tune(self, model: TrainedModel) -> tuple[float, int]:
        """The best length penalty on the validation pairs, and the number of pairs used."""
        pairs = self._data.valid_pairs[:_TUNING_PAIRS]
        beam_size = model.config.search.beam_size
        translator = Translator(engine_of(model) or model, batch_size=_BATCH)
        candidates: list[list[Candidate]] = []
        for lines in self._windows(pairs):
            translations = translator.stream(
                lines, beam_size=beam_size, length_penalty=max(LENGTH_PENALTIES), n_best=beam_size
            )
            candidates += self._processes.gather([translation.hypotheses for translation in translations])
            self._poll()
        return best_length_penalty(candidates, [pair.tgt for pair in pairs], self.metric), len(pairs)

    def calibrate(self, model: TrainedModel) -> Confidence | None:
        """Learn to estimate the sentence chrF of translations by the model's search.

        The examples are validation pairs, and their references as sources: text in another language, of which every
        translation counts as wrong. None if there are too few examples.
        """
        pairs = self._data.valid_pairs[:_TUNING_PAIRS]
        foreign = [Pair(pair.tgt, "", pair.line) for pair in pairs[::2]]
        counts = self._data.train.src.counts(len(self._data.tokenizers.src))
        examples = [*self._examples(model, pairs), *self._examples(model, foreign)]
        return Confidence.learn(counts, examples) if len(examples) >= _FEWEST_EXAMPLES else None

    def _examples(
        self, model: TrainedModel, pairs: Sequence[Pair]
    ) -> Iterator[tuple[Sequence[int], Hypothesis, float]]:
        """The source ids, the best hypothesis and its sentence chrF, of each pair within the model's limit."""
        translator = Translator(engine_of(model) or model, batch_size=_BATCH, text=TextOptions(split="never"))
        options = translator.search_options()
        found: list[tuple[Sequence[int], Hypothesis, str] | None] = []
        for sources in self._windows(pairs):
            lines = translator.search_lines(sources, options, {})
            found += self._processes.gather([_single_part(line, results, model) for line, results in lines])
            self._poll()
        for pair, example in zip(pairs, found, strict=True):
            if example:
                ids, best, translation = example
                (score,) = score_corpus([translation], [[pair.tgt]], ["chrF"])
                yield ids, best, score.score

    def tuning_time(self, validation: float) -> float:
        """Expected seconds of `tune` and `calibrate`, from those of a validation."""
        return _TUNING_COST * validation * min(1.0, _TUNING_PAIRS / len(self._data.valid_pairs))

    def _windows(self, pairs: Sequence[Pair]) -> Iterator[list[str]]:
        """This process's shard of each window of the sources."""
        for start in range(0, len(pairs), _WINDOW):
            yield self._processes.contiguous_shard([pair.src for pair in pairs[start : start + _WINDOW]])


def _single_part(
    line: Line, results: list[Result], model: TrainedModel
) -> tuple[Sequence[int], Hypothesis, str] | None:
    """The source ids, the best hypothesis and its text, of a line that is one part; None of any other line."""
    if len(line.parts) != 1 or not line.parts[0].ids:
        return None
    (result,) = results
    return result.source, result.found, line.join(model.tokenizers.tgt, [result.hypotheses[0].tokens])
