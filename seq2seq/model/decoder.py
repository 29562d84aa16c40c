"""The decoder: a language model of the target, conditioned on the source at every step.

`ContextDecoder` sees the source through the context vector only; `AttentionDecoder` attends to its tokens at each step.
The decoders of other papers are in `papers.py`; `seq2seq/architectures.py` names the parts of each network.
"""

from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn
from typing_extensions import override

from seq2seq.config import ModelConfig
from seq2seq.model.attention import ATTENTIONS, Memory
from seq2seq.model.cells import InnerContextGRU, RecurrentStack, ResidualStack
from seq2seq.model.dropout import SequenceDropout
from seq2seq.model.encoder import Encoded
from seq2seq.model.readout import Readout
from seq2seq.model.summaries import Summaries


class SourceContext(Protocol):
    """What the decoder sees of the source, for N hypotheses."""

    def select(self, index: Tensor) -> Self:
        """The contexts of the hypotheses `index` [M], which may repeat."""
        ...


@dataclass(frozen=True)
class FixedContext:
    """The context vector and the summaries of each hypothesis' source."""

    vectors: Tensor
    """[N, C]"""
    summaries: Tensor
    """[N, K, H]"""

    def select(self, index: Tensor) -> "FixedContext":
        """The contexts of the hypotheses `index` [M], which may repeat."""
        return FixedContext(self.vectors[index], self.summaries[index])


S = TypeVar("S", bound=SourceContext)


@dataclass(frozen=True)
class DecoderState(Generic[S]):
    """Everything the next step of N hypotheses depends on."""

    hidden: Tensor
    """[N, sum of the layers' state sizes]"""
    source: S

    def select(self, index: Tensor) -> "DecoderState[S]":
        """The hypotheses `index` [M], which may repeat."""
        return DecoderState(self.hidden[index], self.source.select(index))


class Decoder(nn.Module):
    """Base class of the decoders."""

    features: int
    """F, the number of features that a word is predicted from."""

    def start(self, encoded: Encoded) -> DecoderState[Any]:
        """The state before the first word."""
        raise NotImplementedError

    def forward(self, embedded: Tensor, state: DecoderState[Any]) -> tuple[Tensor, DecoderState[Any]]:
        """Read T words and return the features that predict the word after each.

        embedded [N, T, E] -> features [N, T, F], the state after the last word. T is the length of the target in
        training and 1 in search.
        """
        raise NotImplementedError

    def attention_weights(self, embedded: Tensor, encoded: Encoded) -> Tensor | None:
        """The weight of each source token in each of T steps; None if the decoder sees c alone.

        embedded [B, T, E] -> attn_weights [B, T, S], which sum to 1 and are 0 at padding.
        """
        return None


class Bridge(nn.Module):
    """The state before the first word: a tanh layer on the context vector (Cho et al. 2014, appendix A.1.1)."""

    def __init__(self, context_size: int, state_size: int) -> None:
        super().__init__()
        self.layer = nn.Linear(context_size, state_size)

    def forward(self, context: Tensor) -> Tensor:
        """context [B, C] -> hidden [B, state size]."""
        # Under autocast the layer returns bf16, too coarse for a recurrent state.
        return torch.tanh(self.layer(context)).to(self.layer.weight.dtype)


class ContextDecoder(Decoder):
    """A decoder with a fixed context (Cho et al. 2014, section 2.2 and appendix A.1.1).

    c sets the first state, is appended to the previous word in the input of every step, and enters the readout.
    """

    readout_type: type[Readout] = Readout

    def __init__(self, config: ModelConfig, *extra_sizes: int) -> None:
        """extra_sizes: widths of the readout's source inputs in addition to c."""
        super().__init__()
        self.recurrence = self.make_recurrence(config)
        self.first_state = Bridge(config.context_size, self.recurrence.state_size)
        self.readout = self.readout_type(config, config.context_size, *extra_sizes)
        self.features = self.readout.features

    def make_recurrence(self, config: ModelConfig) -> RecurrentStack | InnerContextGRU:
        """The recurrence, which reads words [N, T, E] with c [N, C] appended to each."""
        input_size = config.embedding_size + config.context_size
        return ResidualStack(config.cell, input_size, config.hidden_size, config.decoder_layers, config.dropout)

    @override
    def start(self, encoded: Encoded) -> DecoderState[FixedContext]:
        source = FixedContext(encoded.context, self.summarise(encoded))
        return DecoderState(self.first_state(encoded.context), source)

    @override
    def forward(self, embedded: Tensor, state: DecoderState[FixedContext]) -> tuple[Tensor, DecoderState[FixedContext]]:
        source = state.source
        outputs, hidden = self.run(embedded, state)
        features = self.readout(outputs, embedded, source.vectors[:, None], *self.extra_inputs(outputs, source))
        return features, DecoderState(hidden, source)

    def run(self, embedded: Tensor, state: DecoderState[FixedContext]) -> tuple[Tensor, Tensor]:
        """The recurrence: embedded [N, T, E] -> its states [N, T, H], the last one [N, state size]."""
        outputs, hidden = self.recurrence(embedded, state.hidden, state.source.vectors)
        return outputs, hidden

    def summarise(self, encoded: Encoded) -> Tensor:
        """The summaries of B sentences [B, K, H]: none."""
        return encoded.outputs[:, :0]

    def extra_inputs(self, outputs: Tensor, source: FixedContext) -> tuple[Tensor, ...]:
        """The readout's source inputs in addition to c, [N, T, size] each: none. outputs [N, T, H]."""
        return ()


class SummaryDecoder(ContextDecoder):
    """A ContextDecoder whose readout also sees a mixture of summaries, weighted by the decoder's state."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, config.hidden_size)
        self.summaries = Summaries(config.hidden_size, config.summaries, config.dropout)

    def summarise(self, encoded: Encoded) -> Tensor:
        """The summaries of B sentences [B, K, H]."""
        return self.summaries.summarise(encoded)

    def extra_inputs(self, outputs: Tensor, source: FixedContext) -> tuple[Tensor, ...]:
        """The mixture of each step [N, T, H]."""
        return (self.summaries(outputs, source.summaries),)

    def attention_weights(self, embedded: Tensor, encoded: Encoded) -> Tensor:
        """The weight of each token in each summary, times the weight of that summary in a step."""
        outputs, _ = self.run(embedded, self.start(encoded))
        mixture_weights = self.summaries.mixture_weights(outputs)
        return torch.bmm(mixture_weights, self.summaries.weights(encoded.outputs, encoded.src_mask))


class AttentionDecoder(Decoder):
    """A decoder that attends to the source tokens at every step.

    The recurrence reads the target alone. Its states are the queries, and the contexts enter the readout (Luong et al.
    2015, section 3, without input feeding): so in training all target positions attend at once. c sets the first state.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.recurrence = ResidualStack(
            config.cell, config.embedding_size, config.hidden_size, config.decoder_layers, config.dropout
        )
        self.attention = ATTENTIONS[config.attention](config.hidden_size)
        self.first_state = Bridge(config.context_size, self.recurrence.state_size)
        self.readout = Readout(config, config.hidden_size)
        self.features = self.readout.features
        self.dropout = SequenceDropout(config.dropout)

    @override
    def start(self, encoded: Encoded) -> DecoderState[Memory]:
        return DecoderState(self.first_state(encoded.context), self.attention.make_memory(encoded))

    @override
    def forward(self, embedded: Tensor, state: DecoderState[Memory]) -> tuple[Tensor, DecoderState[Memory]]:
        outputs, hidden = self.recurrence(embedded, state.hidden)
        contexts, _ = self.attention(self.dropout(outputs), state.source)
        return self.readout(outputs, embedded, contexts), DecoderState(hidden, state.source)

    @override
    def attention_weights(self, embedded: Tensor, encoded: Encoded) -> Tensor:
        state = self.start(encoded)
        attn_weights: Tensor = self.attention(self.recurrence(embedded, state.hidden)[0], state.source)[1]
        return attn_weights


def default_decoder(config: ModelConfig) -> Decoder:
    """The decoder of the presets `context` and `attention`."""
    if config.attention != "none":
        return AttentionDecoder(config)
    return SummaryDecoder(config) if config.summaries else ContextDecoder(config)
