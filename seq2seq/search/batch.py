"""Search a batch of sentences with a torch network."""

from typing import Any

import numpy as np
import torch

from seq2seq.data.batching import pad_rows
from seq2seq.search.beam import beam_search
from seq2seq.search.ensemble import Network
from seq2seq.search.options import Hypothesis, SearchOptions, Sources
from seq2seq.tokenizer.tokenizer import BOS, EOS


def search_batch(
    network: Network[Any], sources: Sources, request: SearchOptions, device: torch.device
) -> list[list[Hypothesis]]:
    """The best hypotheses of B sentences, best first, by a network that lies on `device`."""
    src = torch.from_numpy(pad_rows([np.array(row) for row in sources])).to(device)
    lengths = [len(row) for row in sources]
    with torch.inference_mode():
        state = network.start(src, torch.tensor(lengths, device=device))
    return beam_search(
        network.step,
        state,
        torch.tensor([request.max_length(length) for length in lengths], device=device),
        beam_size=request.beam_size,
        length_penalty=request.length_penalty,
        bos=BOS,
        eos=EOS,
        forbidden_ids=request.forbidden_ids,
        n_best=request.n_best,
    )
