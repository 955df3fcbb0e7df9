"""Federated averaging (McMahan et al., AISTATS 2017, algorithm 1, with every client in every
round)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import Parameter


class Average(nn.Module):
    """What the clients' networks are averaged in, phase by phase; its state is kept in checkpoints.

    Every client begins a round with the parameters that all had at its beginning; after the last
    they are the mean of those that the clients ended with, weighted by their pictures, of which
    all have as many.
    """

    begun: Tensor
    total: Tensor

    def __init__(self, parameters: list[Parameter], clients: int) -> None:
        super().__init__()
        self.clients = clients
        now = _flat(parameters)
        self.register_buffer("begun", now.clone())
        self.register_buffer("total", torch.zeros_like(now))

    @torch.no_grad()
    def ended(self, parameters: list[Parameter], client: int) -> None:
        """A client has ended its turn; sets the parameters that the next one begins with."""
        self.total += _flat(parameters)
        if client == self.clients - 1:
            self.begun.copy_(self.total / self.clients)
            self.total.zero_()
        pieces = self.begun.split([parameter.numel() for parameter in parameters])
        for parameter, piece in zip(parameters, pieces, strict=True):
            parameter.copy_(piece.view(parameter.shape))


def _flat(parameters: list[Parameter]) -> Tensor:
    """All of them as one vector, whatever their order in memory."""
    return torch.cat([parameter.detach().reshape(-1) for parameter in parameters])
