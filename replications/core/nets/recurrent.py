"""Words to features: embeddings and bidirectional LSTMs, as maps (B, D, 1, L) over the positions of
a sentence, so that ways of sharing treat them as they treat pictures.

Positions behind the end of a sentence hold 0 in every map, and by that are known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import Parameter
from torch.utils.flop_counter import register_flop_formula

from replications.core.data.text.ids import LETTERS, VOCABULARY

_LETTER_WIDTH = 30
"""Channels of a letter (Ma and Hovy, ACL 2016)."""


class Embeddings(nn.Module):
    """A vector for each word, to which one made from its letters is added, if it has any."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.word = nn.Embedding(VOCABULARY, width, padding_idx=0)
        self.letter = nn.Embedding(LETTERS, _LETTER_WIDTH, padding_idx=0)
        self.spelling = nn.Conv1d(_LETTER_WIDTH, width, 3, padding=1)

    def forward(self, sentences: Tensor) -> Tensor:
        """Ids (B, L, 1 + C), of a word and of its letters, 0 where there is none, to (B, D, 1, L).

        A convolution over three letters and the maximum over the word (Ma and Hovy, ACL 2016).
        """
        words, letters = sentences[..., 0].long(), sentences[..., 1:].long()
        found: Tensor = self.word(words)
        if letters.shape[-1]:
            drawn = self.letter(letters.flatten(0, 1)).transpose(1, 2)
            found = found + self.spelling(drawn).amax(dim=2).view_as(found)
        found = found * (words > 0)[..., None]
        return found.transpose(1, 2)[:, :, None]


_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
"""Of an LSTM, in PyTorch's order."""


class LSTM(nn.Module):
    """One direction of a layer (Hochreiter and Schmidhuber, 1997), its weights plain parameters, so
    that they can be masked and replaced."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        shapes: list[tuple[int, ...]] = [(4 * units, inputs), (4 * units, units)]
        shapes += [(4 * units,), (4 * units,)]
        reach = 1 / math.sqrt(units)
        for name, shape in zip(_WEIGHTS, shapes, strict=True):
            self.register_parameter(name, Parameter(torch.empty(shape).uniform_(-reach, reach)))
        self.units = units

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, inputs) to (B, L, units)."""
        start = x.new_zeros(1, len(x), self.units)
        weights = tuple(getattr(self, name) for name in _WEIGHTS)  # masked, no parameters
        found: Tensor = torch.lstm(
            x, [start, start], weights, True, 1, 0.0, self.training, False, True
        )[0]
        return found


class BiLSTM(nn.Module):
    """A layer that reads the sentence from both ends; each half of its channels has as many of
    either direction."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.ahead = LSTM(inputs, units)
        self.back = LSTM(inputs, units)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, inputs, 1, L) to (B, 2 units, 1, L)."""
        x = maps[:, :, 0].transpose(1, 2)
        here = x.detach().abs().amax(dim=2) > 0
        # The other direction begins at the end of the sentence, not at that of the batch.
        place, length = torch.arange(x.shape[1], device=x.device), here.sum(dim=1)[:, None]
        turned = torch.where(place < length, length - 1 - place, place)
        back = self.back(_taken(x, turned))
        ahead, back = self.ahead(x), _taken(back, turned)
        parts = zip(ahead.chunk(2, dim=2), back.chunk(2, dim=2), strict=True)
        found = torch.cat([half for pair in parts for half in pair], dim=2)
        return (found * here[..., None]).transpose(1, 2)[:, :, None]

    def kernel(self) -> Tensor:
        """What makes each channel of the input's, (2 units, 4 inputs): its four gates, in the order
        of the channels."""
        made = [
            part.get_parameter("weight_ih").unflatten(0, (4, -1)).transpose(0, 1).flatten(1)
            for part in (self.ahead, self.back)
        ]
        halves = zip(*(own.chunk(2) for own in made), strict=True)
        return torch.cat([half for pair in halves for half in pair])


def stages(width: int) -> list[nn.Module]:
    """Embeddings and three layers, of `width` channels each."""
    return [Embeddings(width), *(BiLSTM(width, width // 2) for _ in range(3))]


def _taken(x: Tensor, places: Tensor) -> Tensor:
    """(B, L, D) at the places (B, L)."""
    return x.gather(1, places[..., None].expand_as(x))


# PyTorch counts no FLOPs of these: four gates, of the input and of the state at every position.
@register_flop_formula(torch.ops.aten.mkldnn_rnn_layer)
def _flops_on_cpu(
    x: tuple[int, ...],
    weight_ih: tuple[int, ...],
    weight_hh: tuple[int, ...],
    *others: object,
    **own: object,
) -> int:
    return 2 * x[0] * x[1] * (math.prod(weight_ih) + math.prod(weight_hh))


@register_flop_formula(torch.ops.aten._cudnn_rnn)
def _flops_on_cuda(
    x: tuple[int, ...], weights: Sequence[tuple[int, ...]], *others: object, **own: object
) -> int:
    return 2 * x[0] * x[1] * sum(math.prod(shape) for shape in weights if len(shape) > 1)
