"""Search a batch of sentences with a torch network."""

from typing import Any

import numpy as np
import torch

from seq2seq.data.batching import pad_rows
from seq2seq.search.beam import beam_search
from seq2seq.search.ensemble import SearchableNetwork
from seq2seq.search.options import Hypothesis, SearchOptions, SourceIds
from seq2seq.search.symbols import DraftConstraint, SymbolConstraint
from seq2seq.tokenizer.tokenizer import BOS, EOS


def search_batch(
    network: SearchableNetwork[Any], sources: SourceIds, options: SearchOptions, device: torch.device
) -> list[list[Hypothesis]]:
    """The best hypotheses of B sentences, best first, by a network on `device`.

    Raises ValueError if a source has symbols that no translation can have.
    """
    return beam_search(
        network.step,
        _start(network, sources, device),
        torch.tensor([options.max_length(len(source)) for source in sources], device=device),
        beam_size=options.beam_size,
        length_penalty=options.length_penalty,
        bos=BOS,
        eos=EOS,
        forbidden_ids=options.forbidden_ids,
        n_best=options.n_best,
        constraint=SymbolConstraint(sources, options, device) if options.symbols else None,
    )


def place_symbols(
    network: SearchableNetwork[Any],
    sources: SourceIds,
    drafts: SourceIds,
    options: SearchOptions,
    device: torch.device,
) -> list[list[Hypothesis]]:
    """The drafts of B translations with the symbols that they lack at the most probable places, by a network.

    sources: with symbols. drafts: ended by eos.
    """
    constraint = DraftConstraint(sources, drafts, device)
    return beam_search(
        network.step,
        _start(network, sources, device),
        constraint.max_lengths,
        beam_size=options.beam_size,
        length_penalty=options.length_penalty,
        bos=BOS,
        eos=EOS,
        n_best=options.n_best,
        constraint=constraint,
    )


def _start(network: SearchableNetwork[Any], sources: SourceIds, device: torch.device) -> Any:
    """The state of a network before the first token of the translations."""
    src = torch.from_numpy(pad_rows([np.array(source) for source in sources])).to(device)
    with torch.inference_mode():
        return network.start(src, torch.tensor([len(source) for source in sources], device=device))
