"""The networks of four papers, where they differ from the default one; `docs/2014.md` compares them.

In all of them a sentence ends with eos and a translation begins with bos.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from typing_extensions import override

from seq2seq.config import ModelConfig
from seq2seq.model.attention import ATTENTIONS, AdditiveAttention, Memory
from seq2seq.model.cells import CELLS, InnerContextGRU, Recurrence, RecurrentStack, reorder, reversal
from seq2seq.model.decoder import Bridge, ContextDecoder, Decoder, DecoderState
from seq2seq.model.dropout import SequenceDropout
from seq2seq.model.encoder import Encoded, LayeredEncoder, mask
from seq2seq.model.readout import FactoredMaxoutReadout, MaxoutReadout


class Cho2014Encoder(LayeredEncoder):
    """c = tanh(V h_S) of the last state (Cho et al. 2014, 1406.1078, appendix A.1.1)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.summary = nn.Linear(config.hidden_size, config.context_size, bias=False)

    @override
    def make_context(self, last: Tensor, outputs: Tensor, src_mask: Tensor) -> Tensor:
        return torch.tanh(self.summary(last))


class Cho2014Decoder(ContextDecoder):
    """c in every gate, reset together with the state, and in a maxout readout of rank E (appendix A.1.1)."""

    readout_type = FactoredMaxoutReadout

    @override
    def make_recurrence(self, config: ModelConfig) -> RecurrentStack | InnerContextGRU:
        return InnerContextGRU(config.embedding_size, config.context_size, config.hidden_size)


class Cho2014ReleasedEncoder(LayeredEncoder):
    """c is the last state, as in the code released with the paper."""

    @override
    def make_context(self, last: Tensor, outputs: Tensor, src_mask: Tensor) -> Tensor:
        return last


class Cho2014ReleasedDecoder(ContextDecoder):
    """As in the released code, the reset gate acts on the state before the product, and never on c."""

    readout_type = FactoredMaxoutReadout

    @override
    def make_recurrence(self, config: ModelConfig) -> RecurrentStack | InnerContextGRU:
        input_size = config.embedding_size + config.context_size
        return RecurrentStack(config.cell, input_size, config.hidden_size, 1, config.dropout)


class ReversedEncoder(nn.Module):
    """A stack that reads the source backwards; the decoder starts from the last states of all layers.

    Sutskever et al. 2014 (1409.3215, sections 2 and 3.3); Luong et al. 2015 (1508.04025, section 4.1).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        sizes = [config.embedding_size] + [config.hidden_size] * (config.encoder_layers - 1)
        self.layers = nn.ModuleList(CELLS[config.cell](size, config.hidden_size) for size in sizes)
        self.dropout = SequenceDropout(config.dropout)

    def forward(self, embedded: Tensor, src_lengths: Tensor) -> Encoded:
        """embedded [B, S, E], src_lengths [B] -> Encoded, its context the last states of all layers."""
        flip = reversal(src_lengths, embedded.size(1))
        outputs, states = reorder(embedded, flip), []
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, Recurrence)
            outputs, state = layer(self.dropout(outputs) if number else outputs, lengths=src_lengths)
            states.append(state)
        src_mask = mask(src_lengths, embedded.size(1))
        return Encoded(torch.cat(states, dim=-1), reorder(outputs, flip), src_mask)


@dataclass(frozen=True)
class NoContext:
    """The context of a decoder that does not see the source after its first state."""

    def select(self, index: Tensor) -> "NoContext":
        """Itself."""
        return self


class Sutskever2014Decoder(Decoder):
    """A stack that starts from the encoder's states and never sees the source again (section 2). F is H."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.features = config.hidden_size
        sizes = (config.embedding_size, config.hidden_size, config.decoder_layers)
        self.recurrence = RecurrentStack(config.cell, *sizes, config.dropout)
        self.dropout = SequenceDropout(config.dropout)

    @override
    def start(self, encoded: Encoded) -> DecoderState[NoContext]:
        return DecoderState(encoded.context, NoContext())

    @override
    def forward(self, embedded: Tensor, state: DecoderState[NoContext]) -> tuple[Tensor, DecoderState[NoContext]]:
        outputs, hidden = self.recurrence(embedded, state.hidden)
        return self.dropout(outputs), DecoderState(hidden, state.source)


class StepwiseDecoder(Decoder):
    """A decoder whose steps depend on the attention of the step before: it cannot read a whole target at once."""

    @override
    def forward(self, embedded: Tensor, state: DecoderState[Memory]) -> tuple[Tensor, DecoderState[Memory]]:
        features, _, hidden = self._steps(embedded, state)
        return features, DecoderState(hidden, state.source)

    @override
    def attention_weights(self, embedded: Tensor, encoded: Encoded) -> Tensor:
        return self._steps(embedded, self.start(encoded))[1]

    def step(self, word: Tensor, hidden: Tensor, memory: Memory) -> tuple[Tensor, Tensor, Tensor]:
        """word [N, 1, E], hidden [N, state size] -> features [N, 1, F], attn_weights [N, 1, S], next hidden."""
        raise NotImplementedError

    def _steps(self, embedded: Tensor, state: DecoderState[Memory]) -> tuple[Tensor, Tensor, Tensor]:
        """The features [N, T, F] and the attn_weights [N, T, S] of all steps, and the last hidden."""
        steps, hidden = [], state.hidden
        for word in torch.split(embedded, 1, dim=1):
            features, attn_weights, hidden = self.step(word, hidden, state.source)
            steps.append((features, attn_weights))
        all_features, all_weights = (torch.cat(parts, dim=1) for parts in zip(*steps, strict=True))
        return all_features, all_weights, hidden


class Bahdanau2015Encoder(LayeredEncoder):
    """H units per direction; the decoder starts from the last state of the backward direction.

    Bahdanau et al. 2015 (1409.0473), appendix A.2.1 and A.2.2.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config.model_copy(update={"hidden_size": 2 * config.hidden_size}))

    @override
    def make_context(self, last: Tensor, outputs: Tensor, src_mask: Tensor) -> Tensor:
        return last.chunk(2, dim=-1)[1]


class Bahdanau2015Decoder(StepwiseDecoder):
    """The state before the step is the attention's query; the context enters every gate and the readout.

    a(s, h) = v tanh(W s + U h);  s' = GRU([y, context], s);  maxout of s', y and the context (appendix A.1.2, A.2.2)
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        values = 2 * config.hidden_size
        self.recurrence = CELLS[config.cell](config.embedding_size + values, config.hidden_size)
        self.attention = AdditiveAttention(config.hidden_size, values)
        self.first_state = Bridge(config.hidden_size, self.recurrence.state_size)
        self.readout = MaxoutReadout(config, values)
        self.features = self.readout.features

    @override
    def start(self, encoded: Encoded) -> DecoderState[Memory]:
        return DecoderState(self.first_state(encoded.context), self.attention.make_memory(encoded))

    @override
    def step(self, word: Tensor, hidden: Tensor, memory: Memory) -> tuple[Tensor, Tensor, Tensor]:
        contexts, attn_weights = self.attention(hidden[:, None, : self.recurrence.hidden_size], memory)
        outputs, hidden = self.recurrence(torch.cat([word, contexts], dim=-1), hidden)
        return self.readout(outputs, word, contexts), attn_weights, hidden


class Luong2015Decoder(StepwiseDecoder):
    """The state after the step is the attention's query; the attentional state h~ is fed into the next step. F is H.

    h~ = tanh(W [context, h])  (Luong et al. 2015, equation 5 and section 3.3), kept at the end of the decoder's state.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.features = config.hidden_size
        sizes = (config.embedding_size + config.hidden_size, config.hidden_size, config.decoder_layers)
        self.recurrence = RecurrentStack(config.cell, *sizes, config.dropout)
        self.attention = ATTENTIONS[config.attention](config.hidden_size)
        self.combine = nn.Linear(2 * config.hidden_size, config.hidden_size, bias=False)
        self.dropout = SequenceDropout(config.dropout)

    def start(self, encoded: Encoded) -> DecoderState[Memory]:
        """Zeros are fed into the first step."""
        zeros = encoded.context.new_zeros(len(encoded.context), self.features)
        return DecoderState(torch.cat([encoded.context, zeros], dim=-1), self.attention.make_memory(encoded))

    @override
    def step(self, word: Tensor, hidden: Tensor, memory: Memory) -> tuple[Tensor, Tensor, Tensor]:
        states, input_feed = torch.split(hidden, [self.recurrence.state_size, self.features], dim=-1)
        outputs, states = self.recurrence(torch.cat([word, input_feed[:, None]], dim=-1), states)
        contexts, attn_weights = self.attention(outputs, memory)
        attentional = torch.tanh(self.combine(torch.cat([contexts, outputs], dim=-1))).to(states.dtype)
        return self.dropout(attentional), attn_weights, torch.cat([states, attentional[:, 0]], dim=-1)
