"""Search a batch of sentences with a torch network."""

from typing import Any

import numpy as np
import torch

from seq2seq.data.batching import pad_rows
from seq2seq.search.beam import beam_search
from seq2seq.search.ensemble import SearchableNetwork
from seq2seq.search.options import Hypothesis, SearchOptions, SourceIds
from seq2seq.search.symbols import SymbolConstraint
from seq2seq.tokenizer.tokenizer import BOS, EOS


def search_batch(
    network: SearchableNetwork[Any], sources: SourceIds, options: SearchOptions, device: torch.device
) -> list[list[Hypothesis]]:
    """The best hypotheses of B sentences, best first, by a network on `device`.

    Raises ValueError if a source has symbols that no translation can have.
    """
    src = torch.from_numpy(pad_rows([np.array(row) for row in sources])).to(device)
    lengths = [len(row) for row in sources]
    with torch.inference_mode():
        state = network.start(src, torch.tensor(lengths, device=device))
    return beam_search(
        network.step,
        state,
        torch.tensor([options.max_length(length) for length in lengths], device=device),
        beam_size=options.beam_size,
        length_penalty=options.length_penalty,
        bos=BOS,
        eos=EOS,
        forbidden_ids=options.forbidden_ids,
        n_best=options.n_best,
        constraint=SymbolConstraint(sources, options, device) if options.symbols else None,
    )
