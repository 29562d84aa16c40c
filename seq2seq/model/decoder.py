"""The decoder: a language model of the target that the source conditions at every step.

`ContextDecoder` knows the source by its context vector alone; `AttentionDecoder` looks at its tokens at each step.
"""

from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn

from seq2seq.config import ModelConfig
from seq2seq.model.attention import ATTENTIONS, Memory
from seq2seq.model.cells import RecurrentStack
from seq2seq.model.dropout import SequenceDropout
from seq2seq.model.encoder import Encoded
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


class FirstState(nn.Module):
    """The state before the first word: a tanh layer on the context vector (Cho et al. 2014, appendix A.1.1)."""

    def __init__(self, context_size: int, state_size: int) -> None:
        super().__init__()
        self.layer = nn.Linear(context_size, state_size)

    def forward(self, context: Tensor) -> Tensor:
        """context [B, C] -> hidden [B, state size]."""
        # Under autocast the layer answers in bf16, too coarse for a state that is carried from step to step.
        return torch.tanh(self.layer(context)).to(self.layer.weight.dtype)


class Readout(nn.Module):
    """What predicts the next word: a tanh layer on the state, the previous word and what a step knows of the source."""

    def __init__(self, config: ModelConfig, *context_sizes: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(config.hidden_size, config.embedding_size)
        self.word = nn.Linear(config.embedding_size, config.embedding_size, bias=False)
        self.contexts = nn.ModuleList(nn.Linear(size, config.embedding_size, bias=False) for size in context_sizes)
        self.dropout = SequenceDropout(config.dropout)

    def forward(self, outputs: Tensor, embedded: Tensor, *contexts: Tensor) -> Tensor:
        """outputs [N, T, H], embedded [N, T, E], each of contexts [N, T or 1, size] -> features [N, T, E]."""
        summed = self.hidden(self.dropout(outputs)) + self.word(embedded)
        for layer, context in zip(self.contexts, contexts, strict=True):
            summed = summed + layer(context)
        return self.dropout(torch.tanh(summed))  # type: ignore[no-any-return]


class ContextDecoder(nn.Module):
    """A decoder with a fixed context (Cho et al. 2014, section 2.2 and appendix A.1.1).

    c sets the first state, stands beside the previous word in the input of every step, and enters the readout.
    """

    def __init__(self, config: ModelConfig, *further_sizes: int) -> None:
        """further_sizes: of what the readout sees of the source beside c."""
        super().__init__()
        self.recurrence = RecurrentStack(
            config.cell,
            config.embedding_size + config.context_size,
            config.hidden_size,
            config.decoder_layers,
            config.dropout,
        )
        self.first_state = FirstState(config.context_size, sum(self.recurrence.state_sizes))
        self.readout = Readout(config, config.context_size, *further_sizes)

    def start(self, encoded: Encoded) -> DecoderState[FixedContext]:
        """The state before the first word."""
        source = FixedContext(encoded.context, self.summarise(encoded))
        return DecoderState(self.first_state(encoded.context), source)

    def forward(self, embedded: Tensor, state: DecoderState[FixedContext]) -> tuple[Tensor, DecoderState[FixedContext]]:
        """Read T words and give the features that predict the word after each.

        embedded [N, T, E] -> features [N, T, E], the state after the last of them. T is a whole target in training
        and 1 in search.
        """
        source = state.source
        context = source.vectors[:, None]  # [N, 1, C]
        inputs = torch.cat([embedded, context.expand(-1, embedded.size(1), -1)], dim=-1)
        outputs, hidden = self.recurrence(inputs, state.hidden)
        features = self.readout(outputs, embedded, context, *self.further(outputs, source))
        return features, DecoderState(hidden, source)

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


class AttentionDecoder(nn.Module):
    """A decoder that looks at the source tokens at every step.

    The recurrence reads the target alone; its state is what attention asks with, and what is found enters the readout
    (Luong et al. 2015, section 3, without input feeding): so a whole target asks at once in training. c sets the first
    state.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.recurrence = RecurrentStack(
            config.cell, config.embedding_size, config.hidden_size, config.decoder_layers, config.dropout
        )
        self.attention = ATTENTIONS[config.attention](config.hidden_size)
        self.first_state = FirstState(config.context_size, sum(self.recurrence.state_sizes))
        self.readout = Readout(config, config.hidden_size)
        self.dropout = SequenceDropout(config.dropout)

    def start(self, encoded: Encoded) -> DecoderState[Memory]:
        """The state before the first word."""
        return DecoderState(self.first_state(encoded.context), self.attention.remember(encoded))

    def forward(self, embedded: Tensor, state: DecoderState[Memory]) -> tuple[Tensor, DecoderState[Memory]]:
        """As that of `ContextDecoder`."""
        outputs, hidden = self.recurrence(embedded, state.hidden)
        contexts, _ = self.attention(self.dropout(outputs), state.source)
        return self.readout(outputs, embedded, contexts), DecoderState(hidden, state.source)


def build_decoder(config: ModelConfig) -> ContextDecoder | AttentionDecoder:
    """The decoder that the configuration names."""
    if config.attention != "none":
        return AttentionDecoder(config)
    return SummaryDecoder(config) if config.summaries else ContextDecoder(config)
