"""Search with the library of an installed wheel, at each instruction set of this processor: all must find the same.

Needs nothing but the wheel: the network is made here, of numbers that are the same everywhere.
"""

import array
import math
import random
from itertools import chain

from seq2seq import __version__
from seq2seq.config import ModelConfig
from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.inference.network import NetworkTensors
from seq2seq.native.engine import RawTensor, isa_levels
from seq2seq.search.options import SearchOptions
from seq2seq.tokenizer.tokenizer import EOS

_VOCAB, _SIZE, _HIDDEN, _CONTEXT = 30, 6, 8, 5
_SHAPES: dict[str, tuple[int, ...]] = {
    "tgt_embedding.weight": (_VOCAB, _SIZE),
    "encoder.layers.0.recurrence.run.weight_ih_l0": (3 * _HIDDEN, _SIZE),
    "encoder.layers.0.recurrence.run.weight_hh_l0": (3 * _HIDDEN, _HIDDEN),
    "encoder.layers.0.recurrence.run.bias_ih_l0": (3 * _HIDDEN,),
    "encoder.layers.0.recurrence.run.bias_hh_l0": (3 * _HIDDEN,),
    "encoder.summary.weight": (_CONTEXT, 3 * _HIDDEN),
    "encoder.summary.bias": (_CONTEXT,),
    "decoder.recurrence.layers.0.run.weight_ih_l0": (3 * _HIDDEN, _SIZE),
    "decoder.recurrence.layers.0.run.weight_hh_l0": (3 * _HIDDEN, _HIDDEN),
    "decoder.recurrence.layers.0.run.bias_ih_l0": (3 * _HIDDEN,),
    "decoder.recurrence.layers.0.run.bias_hh_l0": (3 * _HIDDEN,),
    "decoder.readout.word.weight": (_SIZE, _SIZE),
    "decoder.readout.contexts.0.weight": (_SIZE, _HIDDEN),
    "decoder.readout.hidden.weight": (_SIZE, _HIDDEN),
    "decoder.readout.hidden.bias": (_SIZE,),
    "decoder.first_state.layer.weight": (_HIDDEN, _CONTEXT),
    "decoder.first_state.layer.bias": (_HIDDEN,),
    "output_bias": (_VOCAB,),
}


def main() -> None:
    """Search, and compare."""
    draw = random.Random(1)
    tensors = {}
    for name, shape in _SHAPES.items():
        values = array.array("f", (draw.gauss(0, 1) for _ in range(math.prod(shape))))
        tensors[name] = RawTensor("F32", shape, values.buffer_info()[0], values)
    config = ModelConfig(
        embedding_size=_SIZE,
        hidden_size=_HIDDEN,
        context_size=_CONTEXT,
        attention="dot",
        summaries=0,
        bidirectional=False,
    )
    network = NetworkTensors(tensors, config, _VOCAB, _VOCAB, True)
    sources = [[*(draw.randrange(4, _VOCAB) for _ in range(size)), EOS] for size in (1, 4, 9)]
    options = SearchOptions(beam_size=4, length_penalty=1.0, n_best=2)
    assert isa_levels(), "the library does not load"
    levels = [list(chain(*CompiledNetwork(network, level).search_batch(sources, options))) for level in isa_levels()]
    for found in levels:
        for ours, theirs in zip(found, levels[0], strict=True):
            assert ours.tokens == theirs.tokens
            assert abs(ours.score - theirs.score) < 1e-5
    print(f"seq2seq {__version__}: the same {len(levels[0])} hypotheses at levels {list(isa_levels())}")


if __name__ == "__main__":
    main()
