"""The RNN Encoder-Decoder (Cho et al. 2014).

Shapes, batch first everywhere outside a cell:

    B batch (N rows of a search)    S source length    T target length    K beam
    V vocabulary    E embedding    H hidden state    C context vector    F features    L layers
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from seq2seq.architectures import ARCHITECTURES, load_part
from seq2seq.config import ModelConfig
from seq2seq.model.decoder import Decoder, DecoderState
from seq2seq.model.dropout import SequenceDropout
from seq2seq.model.encoder import Encoded


class EncoderDecoder(nn.Module):
    """p(target | source), one word at a time.

    By default the output layer is the target's embedding, transposed (Press & Wolf 2017); if both languages share
    one vocabulary, it is the source's embedding too.
    """

    def __init__(self, config: ModelConfig, src_vocab: int, tgt_vocab: int, joint: bool) -> None:
        super().__init__()
        self.tgt_embedding = _embedding(tgt_vocab, config.embedding_size)
        self.src_embedding = self.tgt_embedding if joint else _embedding(src_vocab, config.embedding_size)
        architecture = ARCHITECTURES[config.architecture]
        self.encoder: nn.Module = load_part(architecture.encoder)(config)
        self.decoder: Decoder = load_part(architecture.decoder)(config)
        self.output = None if architecture.tied else nn.Linear(self.decoder.features, tgt_vocab, bias=False)
        self.output_bias = nn.Parameter(torch.zeros(tgt_vocab))
        self.dropout = SequenceDropout(config.dropout)
        if architecture.initialise:
            load_part(architecture.initialise)(self)

    @property
    def output_weight(self) -> Tensor:
        """The matrix of the output layer [V, F]."""
        return self.tgt_embedding.weight if self.output is None else self.output.weight

    def forward(self, src: Tensor, src_lengths: Tensor, tgt_in: Tensor) -> Tensor:
        """src [B, S], src_lengths [B], tgt_in [B, T] -> logits of the next word at each position [B, T, V]."""
        encoded = self.encode(src, src_lengths)
        return self.logits(self.decode(encoded, tgt_in))

    def encode(self, src: Tensor, src_lengths: Tensor) -> Encoded:
        """src [B, S], src_lengths [B] -> the encoded source."""
        encoded: Encoded = self.encoder(self.dropout(self.src_embedding(src)), src_lengths)
        return encoded

    def decode(self, encoded: Encoded, tgt_in: Tensor) -> Tensor:
        """Decode a whole target, in training. tgt_in [B, T] -> features of each next word [B, T, F]."""
        features: Tensor = self.decoder(self._embed_target(tgt_in), self.decoder.start(encoded))[0]
        return features

    def logits(self, features: Tensor) -> Tensor:
        """The output layer. features [..., F] -> [..., V]."""
        return nn.functional.linear(features, self.output_weight, self.output_bias)

    def attention_weights(self, src: Tensor, src_lengths: Tensor, tgt_in: Tensor) -> Tensor | None:
        """src [B, S], tgt_in [B, T] -> the weight of each source token in each next word [B, T, S].

        None if the decoder sees c alone.
        """
        attn_weights: Tensor | None = self.decoder.attention_weights(
            self._embed_target(tgt_in), self.encode(src, src_lengths)
        )
        return attn_weights

    def start(self, src: Tensor, src_lengths: Tensor) -> DecoderState[Any]:
        """The state of a search before its first word. src [B, S] -> state of B hypotheses."""
        return self.decoder.start(self.encode(src, src_lengths))

    def step(self, tokens: Tensor, state: DecoderState[Any]) -> tuple[Tensor, DecoderState[Any]]:
        """Decode one word, in search. tokens [N] -> log_probs of the next [N, V], next state."""
        features, state = self.decoder(self._embed_target(tokens[:, None]), state)
        return self.logits(features[:, 0]).log_softmax(dim=-1), state

    def _embed_target(self, tokens: Tensor) -> Tensor:
        embedded: Tensor = self.dropout(self.tgt_embedding(tokens))
        return embedded


def _embedding(vocab: int, size: int) -> nn.Embedding:
    # These rows are also the weights of the output layer: with this deviation the first logits are of order one.
    embedding = nn.Embedding(vocab, size)
    nn.init.normal_(embedding.weight, std=1 / math.sqrt(size))
    return embedding
