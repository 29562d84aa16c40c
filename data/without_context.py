"""Translate stdin with a context model twice: as it is, and with its context vector set to zero.

    echo 'Where is my cat?' | python data/without_context.py MODEL

What is left in the second line is what the decoder knows of its language without having seen the sentence.
"""

import sys
from pathlib import Path

import torch

from seq2seq import Translator
from seq2seq.model_folder import load_model

model = load_model(Path(sys.argv[1]))
translator = Translator(model)
lines = sys.stdin.read().splitlines()
with_context = translator.translate(lines)
# c = tanh(V v + b): no V, no b, no c.
with torch.no_grad():
    for parameter in model.network.encoder.summary.parameters():
        parameter.zero_()
without_context = translator.translate(lines)
for line, one, other in zip(lines, with_context, without_context, strict=True):
    print(f"  source        {line}\n  with c        {one}\n  with c = 0    {other}\n")
