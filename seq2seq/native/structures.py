"""The structures of `seq2seq.h`, for ctypes."""

from ctypes import POINTER, Structure, c_char_p, c_double, c_float, c_int32, c_int64, c_void_p
from typing import Any

_INT32S, _FLOATS, _DOUBLES = POINTER(c_int32), POINTER(c_float), POINTER(c_double)


def _int32s(*names: str) -> list[tuple[str, Any]]:
    return [(name, c_int32) for name in names]


def _pointers(*names: str) -> list[tuple[str, Any]]:
    return [(name, c_void_p) for name in names]


class Tensor(Structure):
    """Seq2seqTensor."""

    _fields_ = [("name", c_char_p), ("data", c_void_p), *_int32s("type", "rank"), ("shape", c_int32 * 2)]


class Network(Structure):
    """Seq2seqNetwork."""

    _fields_ = [
        *_int32s("cell", "attention", "embedding_size", "hidden_size", "context_size"),
        *_int32s("encoder_layers", "decoder_layers", "bidirectional", "summaries", "src_vocab", "tgt_vocab", "joint"),
    ]


class Options(Structure):
    """Seq2seqOptions."""

    _fields_ = [
        ("forbidden_ids", _INT32S),
        ("shortlists", _INT32S),
        ("shortlist_starts", _INT32S),
        ("drafts", _INT32S),
        ("draft_starts", _INT32S),
        ("length_penalty", c_double),
        ("beam_size", c_int64),
        ("n_best", c_int64),
        *_int32s("forbidden_count", "eos", "bos", "has_symbols"),
    ]


class Hypotheses(Structure):
    """Seq2seqHypotheses."""

    _fields_ = [
        ("tokens", _INT32S),
        ("lengths", _INT32S),
        ("log_probs", _DOUBLES),
        ("scores", _DOUBLES),
        ("token_log_probs", _FLOATS),
        ("max_length", c_int32),
    ]


class GruStep(Structure):
    """Seq2seqGruStep."""

    _fields_ = [
        *_pointers("input_gates", "context_gates", "hidden_gates", "input_bias", "hidden_bias"),
        *_pointers("lengths", "state", "old_states", "output"),
        *_pointers("grad", "hidden_grad", "next_hidden_grad"),
        *_pointers("input_gates_grad", "hidden_gates_grad", "bias_grads"),
        ("all_rows", c_int64),
        *_int32s("level", "is_bf16", "threads", "rows", "steps", "hidden", "directions"),
        *_int32s("reversed", "step", "offset", "active", "next_offset", "next_active"),
    ]


class LossRows(Structure):
    """Seq2seqLossRows."""

    _fields_ = [
        *_pointers("logits", "bias", "targets", "losses", "bias_grads"),
        ("smoothing", c_float),
        *_int32s("level", "is_bf16", "threads", "rows", "vocab"),
    ]


STRUCTURES = (Tensor, Network, Options, Hypotheses, GruStep, LossRows)
"""In the order of `seq2seq_sizes`."""
