"""Translate stdin with a context model twice: as it is, and with everything that encodes the source set to zero.

    echo 'Where is my cat?' | python data/without_context.py MODEL

The second translation shows what the decoder has learnt about the target language without seeing the source.
"""

import sys
from dataclasses import replace
from pathlib import Path

from seq2seq import Translator
from seq2seq.model.encoder import Encoded
from seq2seq.runs.trained_model import load_model

model = load_model(Path(sys.argv[1]))
translator = Translator(model)
lines = sys.stdin.read().splitlines()
with_context = translator.translate(lines)


def forget(_encoder: object, _inputs: object, encoded: Encoded) -> Encoded:
    """Zero the encoder's output."""
    return replace(encoded, context=encoded.context * 0, outputs=encoded.outputs * 0)


model.network.encoder.register_forward_hook(forget)
without_context = translator.translate(lines)
for line, normal, zeroed in zip(lines, with_context, without_context, strict=True):
    print(f"  source        {line}\n  with c        {normal}\n  with c = 0    {zeroed}\n")
