"""Compare the scores of beam search with those of `seq2seq score`, on the same pieces and on the same text.

    python benchmarks/search_scores.py MODEL --src test.de [--beam-size 5]

On the same pieces they should agree. The text of a hypothesis may be split into other pieces than the search chose,
which changes its score. Prints how often, and by how much.
"""

import argparse
from collections.abc import Iterator
from statistics import mean

import numpy as np
import torch

from seq2seq.data.batching import pad_rows
from seq2seq.io.lines import read_lines
from seq2seq.scoring.pairs import Scorer
from seq2seq.search.beam import beam_search
from seq2seq.search.options import Hypothesis
from seq2seq.tokenizer.tokenizer import BOS, EOS

BATCH = 32


def main() -> None:
    """Search, score again, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model")
    parser.add_argument("--src", required=True)
    parser.add_argument("--beam-size", type=int, default=5)
    arguments = parser.parse_args()
    scorer = Scorer.load(arguments.model)
    tokenizers = scorer.model.tokenizers
    sources = [tuple(ids) for ids in tokenizers.encode_sources(read_lines(arguments.src)) if ids]
    n_best = list(search(scorer, sources, arguments.beam_size))
    for name, lists in (("best", [hypotheses[:1] for hypotheses in n_best]), ("all", n_best)):
        pairs = [(src, hypothesis) for src, hypotheses in zip(sources, lists, strict=True) for hypothesis in hypotheses]
        same_pieces = scorer.score_ids([(src, hypothesis.tokens) for src, hypothesis in pairs])
        errors = [
            abs(hypothesis.log_prob - score.log_prob) for (_, hypothesis), score in zip(pairs, same_pieces, strict=True)
        ]
        texts = [tokenizers.tgt.decode(hypothesis.tokens).strip() for _, hypothesis in pairs]
        retokenized = [tuple(ids) for ids in tokenizers.tgt.encode(texts)]
        same_text = scorer.score_ids([(src, ids) for (src, _), ids in zip(pairs, retokenized, strict=True)])
        gains = [
            score.log_prob - hypothesis.log_prob
            for (_, hypothesis), ids, score in zip(pairs, retokenized, same_text, strict=True)
            if ids != hypothesis.tokens
        ]
        relative = max(error / max(1.0, abs(score.log_prob)) for error, score in zip(errors, same_pieces, strict=True))
        print(
            f"{name}: {len(pairs):,} hypotheses, largest difference on the same pieces {max(errors):.1e} "
            f"({relative:.1e} relative)"
        )
        print(f"  {len(gains) / len(pairs):.2%} are split into other pieces from their text", end="")
        print(f", which changes the log-probability by {mean(gains):+.2f} on average" if gains else "")


def search(scorer: Scorer, sources: list[tuple[int, ...]], beam_size: int) -> Iterator[list[Hypothesis]]:
    """The hypotheses of each source as `seq2seq translate` finds them."""
    network, config = scorer.model.network, scorer.model.config
    for start in range(0, len(sources), BATCH):
        batch = sources[start : start + BATCH]
        lengths = torch.tensor([len(src) + 1 for src in batch])
        with torch.inference_mode():
            state = network.start(torch.from_numpy(pad_rows([np.array([*src, EOS]) for src in batch])), lengths)
        yield from beam_search(
            network.step,
            state,
            2 * lengths + 10,
            beam_size=beam_size,
            length_penalty=1.0 if config.search.length_penalty is None else config.search.length_penalty,
            bos=BOS,
            eos=EOS,
            forbidden_ids=scorer.model.tokenizers.tgt.forbidden_ids(),
            n_best=beam_size,
        )


if __name__ == "__main__":
    main()
