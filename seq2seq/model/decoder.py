"""The decoder: a language model of the target that the context vector conditions at every step."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seq2seq.config import ModelConfig
from seq2seq.model.cells import RecurrentStack
from seq2seq.model.encoder import Encoded


@dataclass(frozen=True)
class DecoderState:
    """Everything the next step of N hypotheses depends on."""

    hidden: Tensor
    """[N, L, H]"""
    context: Tensor
    """[N, C]"""

    def select(self, index: Tensor) -> "DecoderState":
        """The hypotheses `index` [M], which may repeat."""
        return DecoderState(self.hidden[index], self.context[index])


class Decoder(nn.Module):
    """A GRU decoder with a fixed context (Cho et al. 2014, section 2.2 and appendix A.1.1).

    c sets the first state, stands beside the previous word in the input of every step, and enters the readout.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.num_layers, self.hidden_size = config.decoder_layers, config.hidden_size
        self.first_hidden = nn.Linear(config.context_size, self.num_layers * self.hidden_size)
        self.recurrence = RecurrentStack(
            config.cell,
            config.embedding_size + config.context_size,
            config.hidden_size,
            config.decoder_layers,
            config.dropout,
        )
        self.readout_hidden = nn.Linear(config.hidden_size, config.embedding_size)
        self.readout_word = nn.Linear(config.embedding_size, config.embedding_size, bias=False)
        self.readout_context = nn.Linear(config.context_size, config.embedding_size, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def start(self, encoded: Encoded) -> DecoderState:
        """The state before the first word."""
        # Under autocast the layer answers in bf16, too coarse for a state that is carried from step to step.
        hidden = torch.tanh(self.first_hidden(encoded.context)).to(self.first_hidden.weight.dtype)
        return DecoderState(hidden.view(-1, self.num_layers, self.hidden_size), encoded.context)

    def forward(self, embedded: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """Read T words and give the features that predict the word after each.

        embedded [N, T, E] -> features [N, T, E], the state after the last of them. T is a whole target in training
        and 1 in search.
        """
        context = state.context[:, None]  # [N, 1, C]
        inputs = torch.cat([embedded, context.expand(-1, embedded.size(1), -1)], dim=-1)
        outputs, hidden = self.recurrence(inputs, state.hidden)
        readout = (
            self.readout_hidden(self.dropout(outputs)) + self.readout_word(embedded) + self.readout_context(context)
        )
        return self.dropout(torch.tanh(readout)), DecoderState(hidden, state.context)
