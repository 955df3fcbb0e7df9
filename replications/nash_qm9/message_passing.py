"""The message passing network (Gilmer et al., ICML 2017) on molecules padded to one size.

Every operation is a dense one over (molecules, atoms, atoms), so that a step is deterministic on
CUDA too, where scattering messages to atoms adds them up in any order.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from replications.nash_qm9.molecules.options import ATOMIC_NUMBERS
from replications.nash_qm9.options import ModelOptions


class MessagePassing(nn.Module):
    """Molecules to what their properties are read from, (B, N, 4) to (B, dim).

    Messages run between all pairs of atoms of a molecule, a gated recurrent unit updates the atoms
    with them, and set2set reads the molecule out.
    """

    numbers: Tensor
    centres: Tensor

    def __init__(self, options: ModelOptions) -> None:
        super().__init__()
        dim = options.dim
        self.steps = options.steps
        self.register_buffer(
            "numbers", torch.tensor(list(ATOMIC_NUMBERS.values())), persistent=False
        )
        centres = torch.linspace(0, options.reach, options.distances)
        self.register_buffer("centres", centres, persistent=False)
        self.width = options.reach / options.distances
        self.embedding = nn.Linear(len(ATOMIC_NUMBERS), dim)
        self.message = EdgeNetwork(dim, options.distances, options.hidden)
        self.update = nn.GRUCell(dim, dim)
        self.readout = Set2Set(dim, options.readout_steps)
        self.out = nn.Linear(2 * dim, dim)

    def forward(self, molecules: Tensor) -> Tensor:
        """(B, N, 4), atomic number and position of every atom, 0 for none, to (B, dim)."""
        molecules = molecules[:, : most_atoms(molecules)]
        elements = (molecules[..., :1] == self.numbers).float()
        present = molecules[..., 0] > 0
        edges = self.message.edges(self.distances(molecules[..., 1:]), pairs_of(present))
        state = torch.relu(self.embedding(elements))
        for _ in range(self.steps):
            message = torch.relu(self.message(edges, state))
            state = self.update(message.flatten(0, 1), state.flatten(0, 1)).view_as(state)
        return torch.relu(self.out(self.readout(state, present)))

    def distances(self, positions: Tensor) -> Tensor:
        """(B, N, 3) to (B, N, N, distances): Gaussians of the distance of every pair of atoms."""
        squared = (positions[:, :, None] - positions[:, None]).square().sum(dim=-1)
        distance = squared.sqrt()  # of the input alone, so the slope at 0 does not matter
        return torch.exp(-0.5 * ((distance[..., None] - self.centres) / self.width).square())


def most_atoms(molecules: Tensor) -> int:
    """Atoms of the largest of (B, N, 4) molecules; what lies beyond is padding in all of them."""
    return int((molecules[..., 0] > 0).sum(dim=1).max())


def pairs_of(present: Tensor) -> Tensor:
    """(B, N), which atoms are there, to (B, N, N): one over the number of the others where i and j
    are different atoms, else 0, so that a sum over j is a mean."""
    both = present[:, :, None] & present[:, None]
    different = ~torch.eye(present.shape[1], dtype=torch.bool, device=present.device)
    others = (present.sum(dim=1) - 1).clamp(min=1)
    return (both & different) / others[:, None, None]


class EdgeNetwork(nn.Module):
    """Messages m_i = R h_i + b + mean over j of A(e_ij) h_j, where a network of one hidden layer
    gives the matrix A(e) of an edge (Gilmer et al., section 5, "edge network").

    A(e) = sum over k of a_k(e) W_k is linear in the hidden layer a, so the sum over j is taken
    before W is applied: an atom needs one product with W instead of one for each of its edges, and
    no edge has a matrix in memory. Nothing else changes.
    """

    def __init__(self, dim: int, features: int, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, hidden)
        # W_1 to W_hidden, the constant term of A, and R.
        self.out = nn.Linear((hidden + 2) * dim, dim)

    def edges(self, features: Tensor, pairs: Tensor) -> Tensor:
        """(B, N, N, features) and weights (B, N, N) to (B, N, hidden + 1, N): a(e) and 1, weighted;
        the same in every step."""
        hidden = torch.relu(self.hidden(features)).transpose(2, 3)
        weights = pairs[:, :, None]
        return torch.cat([hidden * weights, weights], dim=2)

    def forward(self, edges: Tensor, state: Tensor) -> Tensor:
        """Edges and (B, N, dim) to messages, (B, N, dim)."""
        mixed = torch.bmm(edges.flatten(1, 2), state).view(*state.shape[:2], -1)
        message: Tensor = self.out(torch.cat([mixed, state], dim=2))
        return message


class Set2Set(nn.Module):
    """Reads a set out by attending to it repeatedly (Vinyals, Bengio and Kudlur, ICLR 2016)."""

    def __init__(self, dim: int, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.memory = nn.LSTMCell(2 * dim, dim)

    def forward(self, state: Tensor, present: Tensor) -> Tensor:
        """(B, N, dim) and which atoms are there, (B, N), to (B, 2 dim)."""
        read = state.new_zeros(len(state), 2 * state.shape[2])
        query = cell = state.new_zeros(len(state), state.shape[2])
        for _ in range(self.steps):
            query, cell = self.memory(read, (query, cell))
            scores = torch.bmm(state, query[:, :, None])[..., 0]
            attention = scores.masked_fill(~present, -torch.inf).softmax(dim=1)
            read = torch.cat([query, torch.bmm(attention[:, None], state)[:, 0]], dim=1)
        return read
