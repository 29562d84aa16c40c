"""Train, run and evaluate recurrent encoder-decoder translation models.

Importing the package is cheap: torch is imported on the first access to `Translator`.
"""

from typing import TYPE_CHECKING

from seq2seq.errors import InputError

if TYPE_CHECKING:
    from seq2seq.inference.translator import Hypothesis, Translator

__version__ = "0.1.0"
__all__ = ["Hypothesis", "InputError", "Translator", "__version__"]


def __getattr__(name: str) -> object:
    if name in ("Hypothesis", "Translator"):
        from seq2seq.inference import translator

        return getattr(translator, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
