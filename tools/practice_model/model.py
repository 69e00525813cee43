"""The practice model in torch: Whisper's architecture with 128 dimensions, 3 encoder and 2 decoder layers.

The encoder's positions are sinusoids and may start anywhere in the 30 seconds, so that training can run on
short pieces of a window. The last decoder layer also returns its attention to the sound, which training guides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the model; the defaults are the shipped one's."""

    vocabulary: int
    text_tokens: int
    timestamp_begin: int
    mels: int = 80
    width: int = 128
    hidden: int = 256
    heads: int = 4
    encoder_layers: int = 3
    decoder_layers: int = 2
    audio_positions: int = 1500
    text_positions: int = 448


def sinusoids(length: int, channels: int) -> torch.Tensor:
    """(length, channels) position encodings as in Whisper's encoder (Radford et al. 2022)."""
    step = math.log(10_000) / (channels // 2 - 1)
    scales = torch.exp(-step * torch.arange(channels // 2))
    angles = torch.arange(length)[:, None] * scales[None, :]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Attention(nn.Module):
    """Multi-head attention over `context`; `forward` returns (output, scores or None)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)

    def forward(
        self, x: torch.Tensor, context: torch.Tensor, causal: bool = False, with_scores: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        query, key, value = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in (self.query(x), self.key(context), self.value(context))
        )
        scores = None
        if with_scores:
            scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])
            mixed = scores.softmax(-1) @ value
        else:
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
        return self.out(mixed.transpose(1, 2).flatten(2)), scores


class Layer(nn.Module):
    """Pre-norm transformer layer, with attention to the sound if it belongs to the decoder."""

    def __init__(self, shape: Shape, decoder: bool) -> None:
        super().__init__()
        self.decoder = decoder
        self.self_norm, self.self_attention = nn.LayerNorm(shape.width), Attention(shape.width, shape.heads)
        if decoder:
            self.cross_norm = nn.LayerNorm(shape.width)
            self.cross_attention = Attention(shape.width, shape.heads)
        self.feed_norm = nn.LayerNorm(shape.width)
        self.feed_in, self.feed_out = (
            nn.Linear(shape.width, shape.hidden),
            nn.Linear(shape.hidden, shape.width),
        )

    def forward(
        self, x: torch.Tensor, sound: torch.Tensor | None = None, with_scores: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        normed = self.self_norm(x)
        x = x + self.self_attention(normed, normed, causal=self.decoder)[0]
        scores = None
        if sound is not None:
            attended, scores = self.cross_attention(self.cross_norm(x), sound, with_scores=with_scores)
            x = x + attended
        hidden = functional.gelu(self.feed_in(self.feed_norm(x)))
        return x + self.feed_out(hidden), scores


class PracticeWhisper(nn.Module):
    """Encoder, decoder and the head of the auxiliary frame loss (which is not exported)."""

    positions: torch.Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.conv1 = nn.Conv1d(shape.mels, shape.width, 3, padding=1)
        self.conv2 = nn.Conv1d(shape.width, shape.width, 3, stride=2, padding=1)
        self.register_buffer("positions", sinusoids(shape.audio_positions, shape.width))
        self.encoder = nn.ModuleList(Layer(shape, decoder=False) for _ in range(shape.encoder_layers))
        self.encoder_norm = nn.LayerNorm(shape.width)
        self.token_embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.text_positions = nn.Parameter(torch.randn(shape.text_positions, shape.width) * 0.02)
        self.decoder = nn.ModuleList(Layer(shape, decoder=True) for _ in range(shape.decoder_layers))
        self.decoder_norm = nn.LayerNorm(shape.width)
        self.frame_head = nn.Linear(shape.width, shape.text_tokens + 1)
        nn.init.normal_(self.token_embedding.weight, std=0.05)
        # A timestamp starts as the position it names: the decoder then finds times by copying.
        with torch.no_grad():
            last = self.positions[-1:].clone()
            times = torch.cat([self.positions, last]) * 0.05
            self.token_embedding.weight[shape.timestamp_begin :] = times[: shape.vocabulary - shape.timestamp_begin]

    def encode(self, mel: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """(batch, 80, 2t) features and the position (batch,) each begins at → (batch, t, width)."""
        x = functional.gelu(self.conv1(mel))
        x = functional.gelu(self.conv2(x)).transpose(1, 2)
        x = x + self.positions[offsets[:, None] + torch.arange(x.shape[1])[None, :]]
        for layer in self.encoder:
            x, _ = layer(x)
        return torch.as_tensor(self.encoder_norm(x))

    def decode(self, tokens: torch.Tensor, sound: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(batch, n) token ids → logits (batch, n, vocabulary), last layer's scores (batch, heads, n, t)."""
        x = self.token_embedding(tokens) + self.text_positions[: tokens.shape[1]]
        scores = None
        for index, layer in enumerate(self.decoder):
            x, scores = layer(x, sound, with_scores=index == len(self.decoder) - 1)
        assert scores is not None
        return self.decoder_norm(x) @ self.token_embedding.weight.T, scores
