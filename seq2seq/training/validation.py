"""How good a model is on the validation pairs, and how it should search."""

from collections.abc import Callable, Iterator, Sequence

import torch
from accelerate import Accelerator

from seq2seq.data.batching import make_batch, plan_epoch
from seq2seq.data.bitext import Pair
from seq2seq.data.preparation import PreparedData
from seq2seq.distributed import Processes
from seq2seq.evaluation.metrics import MetricScore, score_corpus
from seq2seq.inference.engine import engine_of
from seq2seq.inference.translator import Hypothesis, Translator
from seq2seq.runs.trained_model import TrainedModel
from seq2seq.training.objective import Objective, as_tensors
from seq2seq.training.tuning import ALPHAS, best_alpha

_BATCH, _WINDOW = 64, 256
# What the search is tuned on, in a beam, which takes so much longer than a validation's greedy search.
_TUNING_PAIRS, _TUNING_COST = 500, 3.5


class Validator:
    """Measures models on the validation pairs, the work shared out among the processes."""

    def __init__(
        self,
        data: PreparedData,
        batch_tokens: int,
        accelerator: Accelerator,
        processes: Processes,
        between: Callable[[], None],
    ) -> None:
        """batch_tokens: as in training. between: called between two pieces of work; what it raises ends the work."""
        self._data, self._batch_tokens = data, batch_tokens
        self._accelerator, self._processes, self._between = accelerator, processes, between

    def loss(self, objective: Objective) -> float:
        """Mean -log p of a validation token, in nats."""
        corpus, device = self._data.valid, self._accelerator.device
        total = torch.zeros((), dtype=torch.float64, device=device)
        tokens = 0
        for batch in plan_epoch(corpus, self._batch_tokens, seed=0, epoch=0):
            tokens += int((corpus.tgt.lengths(batch) + 1).sum())
            rows = self._processes.shard(batch)
            if not len(rows):
                continue
            with self._accelerator.autocast():
                total += objective.log_loss(*as_tensors(make_batch(corpus, rows), device))
        self._between()
        return float(self._processes.mean(total)) * self._processes.count / tokens

    def bleu(self, model: TrainedModel) -> tuple[MetricScore, list[str]]:
        """BLEU of greedy translations, and the translations."""
        translator = Translator(engine_of(model) or model, batch_size=_BATCH)
        translations: list[str] = []
        for lines in self._windows(self._data.valid_pairs):
            translations += self._processes.gather(translator.translate(lines, beam_size=1))
            self._between()
        references = [pair.tgt for pair in self._data.valid_pairs]
        return score_corpus(translations, [references], metrics=["BLEU"])[0], translations

    def tune(self, model: TrainedModel) -> tuple[float, int]:
        """The length penalty that suits the validation pairs best, and how many of them say so."""
        pairs = self._data.valid_pairs[:_TUNING_PAIRS]
        beam_size = model.config.search.beam_size
        translator = Translator(engine_of(model) or model, batch_size=_BATCH)
        candidates: list[list[Hypothesis]] = []
        for lines in self._windows(pairs):
            found = translator.stream(lines, beam_size=beam_size, length_penalty=max(ALPHAS), n_best=beam_size)
            candidates += self._processes.gather([one.hypotheses for one in found])
            self._between()
        return best_alpha(candidates, [pair.tgt for pair in pairs]), len(pairs)

    def tuning_time(self, validation: float) -> float:
        """Seconds that `tune` is expected to take, from those of a validation."""
        return _TUNING_COST * validation * min(1.0, _TUNING_PAIRS / len(self._data.valid_pairs))

    def _windows(self, pairs: Sequence[Pair]) -> Iterator[list[str]]:
        """The sources, a window at a time: this process's share of each."""
        for start in range(0, len(pairs), _WINDOW):
            yield self._processes.contiguous_shard([pair.src for pair in pairs[start : start + _WINDOW]])
