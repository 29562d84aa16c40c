"""The decoder: a language model of the target that the source conditions at every step.

`ContextDecoder` knows the source by its context vector alone; `AttentionDecoder` looks at its tokens at each step.
Those of other papers are in `papers.py`; `seq2seq/architectures.py` names the parts of each.
"""

from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn

from seq2seq.config import ModelConfig
from seq2seq.model.attention import ATTENTIONS, Memory
from seq2seq.model.cells import InnerContextGRU, RecurrentStack, ResidualStack
from seq2seq.model.dropout import SequenceDropout
from seq2seq.model.encoder import Encoded
from seq2seq.model.readout import Readout
from seq2seq.model.summaries import Summaries


class Source(Protocol):
    """What N hypotheses know of their sources."""

    def select(self, index: Tensor) -> Self:
        """What the hypotheses `index` [M], which may repeat, know."""
        ...


@dataclass(frozen=True)
class FixedContext:
    """The context vector and the summaries of each hypothesis' source."""

    vectors: Tensor
    """[N, C]"""
    summaries: Tensor
    """[N, K, H]"""

    def select(self, index: Tensor) -> "FixedContext":
        """Those of the hypotheses `index` [M]."""
        return FixedContext(self.vectors[index], self.summaries[index])


S = TypeVar("S", bound=Source)


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
    """What each kind of decoder does."""

    features: int
    """F, the numbers that a word is predicted from."""

    def start(self, encoded: Encoded) -> DecoderState[Any]:
        """The state before the first word."""
        raise NotImplementedError

    def forward(self, embedded: Tensor, state: DecoderState[Any]) -> tuple[Tensor, DecoderState[Any]]:
        """Read T words and give the features that predict the word after each.

        embedded [N, T, E] -> features [N, T, F], the state after the last of them. T is a whole target in training
        and 1 in search.
        """
        raise NotImplementedError

    def attention_weights(self, embedded: Tensor, encoded: Encoded) -> Tensor | None:
        """How much each of T steps takes from each source token; None where it sees c alone.

        embedded [B, T, E] -> attn_weights [B, T, S], which add up to 1 and are 0 at padding.
        """
        return None


class Bridge(nn.Module):
    """The state before the first word: a tanh layer on the context vector (Cho et al. 2014, appendix A.1.1)."""

    def __init__(self, context_size: int, state_size: int) -> None:
        super().__init__()
        self.layer = nn.Linear(context_size, state_size)

    def forward(self, context: Tensor) -> Tensor:
        """context [B, C] -> hidden [B, state size]."""
        # Under autocast the layer answers in bf16, too coarse for a state that is carried from step to step.
        return torch.tanh(self.layer(context)).to(self.layer.weight.dtype)


class ContextDecoder(Decoder):
    """A decoder with a fixed context (Cho et al. 2014, section 2.2 and appendix A.1.1).

    c sets the first state, is appended to the previous word in the input of every step, and enters the readout.
    """

    readout_type: type[Readout] = Readout

    def __init__(self, config: ModelConfig, *further_sizes: int) -> None:
        """further_sizes: of what the readout sees of the source beside c."""
        super().__init__()
        self.recurrence = self.make_recurrence(config)
        self.first_state = Bridge(config.context_size, self.recurrence.state_size)
        self.readout = self.readout_type(config, config.context_size, *further_sizes)
        self.features = self.readout.features

    def make_recurrence(self, config: ModelConfig) -> RecurrentStack | InnerContextGRU:
        """What reads words [N, T, E], and c [N, C] beside each."""
        input_size = config.embedding_size + config.context_size
        return ResidualStack(config.cell, input_size, config.hidden_size, config.decoder_layers, config.dropout)

    def start(self, encoded: Encoded) -> DecoderState[FixedContext]:
        """As `Decoder.start`."""
        source = FixedContext(encoded.context, self.summarise(encoded))
        return DecoderState(self.first_state(encoded.context), source)

    def forward(self, embedded: Tensor, state: DecoderState[FixedContext]) -> tuple[Tensor, DecoderState[FixedContext]]:
        """As `Decoder.forward`."""
        source = state.source
        outputs, hidden = self.run(embedded, state)
        features = self.readout(outputs, embedded, source.vectors[:, None], *self.further(outputs, source))
        return features, DecoderState(hidden, source)

    def run(self, embedded: Tensor, state: DecoderState[FixedContext]) -> tuple[Tensor, Tensor]:
        """The recurrence: embedded [N, T, E] -> its states [N, T, H], the last one [N, state size]."""
        outputs, hidden = self.recurrence(embedded, state.hidden, state.source.vectors)
        return outputs, hidden

    def summarise(self, encoded: Encoded) -> Tensor:
        """The summaries of B sentences [B, K, H]: none."""
        return encoded.outputs[:, :0]

    def further(self, outputs: Tensor, source: FixedContext) -> tuple[Tensor, ...]:
        """What the readout sees of the source beside c, [N, T, size] each: nothing. outputs [N, T, H]."""
        return ()


class SummaryDecoder(ContextDecoder):
    """A ContextDecoder whose readout also sees a mixture of summaries, which the state of a step chooses."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, config.hidden_size)
        self.summaries = Summaries(config.hidden_size, config.summaries, config.dropout)

    def summarise(self, encoded: Encoded) -> Tensor:
        """The summaries of B sentences [B, K, H]."""
        return self.summaries.summarise(encoded)

    def further(self, outputs: Tensor, source: FixedContext) -> tuple[Tensor, ...]:
        """The mixture of each step [N, T, H]."""
        return (self.summaries(outputs, source.summaries),)

    def attention_weights(self, embedded: Tensor, encoded: Encoded) -> Tensor:
        """What each summary takes from each token, by how much of that summary a step reads."""
        outputs, _ = self.run(embedded, self.start(encoded))
        return torch.bmm(self.summaries.shares(outputs), self.summaries.weights(encoded.outputs, encoded.src_mask))


class AttentionDecoder(Decoder):
    """A decoder that looks at the source tokens at every step.

    The recurrence reads the target alone; its state is what attention asks with, and what is found enters the readout
    (Luong et al. 2015, section 3, without input feeding): so a whole target asks at once in training. c sets the first
    state.
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

    def start(self, encoded: Encoded) -> DecoderState[Memory]:
        """As `Decoder.start`."""
        return DecoderState(self.first_state(encoded.context), self.attention.make_memory(encoded))

    def forward(self, embedded: Tensor, state: DecoderState[Memory]) -> tuple[Tensor, DecoderState[Memory]]:
        """As `Decoder.forward`."""
        outputs, hidden = self.recurrence(embedded, state.hidden)
        contexts, _ = self.attention(self.dropout(outputs), state.source)
        return self.readout(outputs, embedded, contexts), DecoderState(hidden, state.source)

    def attention_weights(self, embedded: Tensor, encoded: Encoded) -> Tensor:
        """As `Decoder.attention_weights`."""
        state = self.start(encoded)
        attn_weights: Tensor = self.attention(self.recurrence(embedded, state.hidden)[0], state.source)[1]
        return attn_weights


def default_decoder(config: ModelConfig) -> Decoder:
    """The decoder of the presets `context` and `attention`."""
    if config.attention != "none":
        return AttentionDecoder(config)
    return SummaryDecoder(config) if config.summaries else ContextDecoder(config)
