"""An encoder and a head for each task; the convolutions of all encoders come from factors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import Parameter

from replications.core.nets.columns import Columns, continued, encoder
from replications.core.nets.learner import Learner
from replications.core.nets.shared_trunk import seeded
from replications.tensor_factorisation.factors import Factors
from replications.tensor_factorisation.options import ModelOptions


class FactorisedColumns(Columns):
    """Columns without kernels of their own; biases, batch norms and heads are the task's."""

    def __init__(
        self,
        channels: Mapping[str, int],
        options: ModelOptions,
        seed: int,
        trained: Mapping[str, Learner],
    ) -> None:
        """`trained`: of each task the network that is factorised; without any, networks that each
        start from others, since of equal ones the factors have rank one."""
        super().__init__(channels, options, seed)
        continued(self, trained)
        for task in channels if not trained else ():
            with seeded(seed, f"trunk/{task}"):
                own_seed = int(torch.randint(2**31, ()))
            self.columns[task].load_state_dict(encoder(options, own_seed).state_dict())
        convolutions = [_convolutions(column) for column in self.columns.values()]
        self.places = list(convolutions[0])
        self.factors = nn.ModuleList(
            Factors(
                options.form,
                torch.stack([own[place].weight.detach() for own in convolutions]),
                options.rank,
            )
            for place in self.places
        )
        for own in convolutions:
            for convolution in own.values():
                # The place where a kernel is put in while the column is called.
                empty = torch.empty_like(convolution.weight)
                del convolution.weight
                convolution.register_buffer("weight", empty, persistent=False)

    def columned(self, common: Tensor) -> dict[str, Tensor]:
        """The last features of every column."""
        made = [factors.kernels() for factors in self.factors]  # type: ignore[operator]
        found = {}
        for index, (task, column) in enumerate(self.columns.items()):
            kernels = {
                f"{place}.weight": layer[index]
                for place, layer in zip(self.places, made, strict=True)
            }
            found[task] = functional_call(nn.Sequential(*column.children()), kernels, (common,))
        return found

    def shared_parameters(self) -> list[Parameter]:
        """The factors."""
        return list(self.factors.parameters())


def _convolutions(column: nn.Module) -> dict[str, nn.Conv2d]:
    return {name: m for name, m in column.named_modules() if isinstance(m, nn.Conv2d)}


def build_model(
    channels: Mapping[str, int],
    options: ModelOptions,
    seed: int,
    needs: Mapping[str, Learner] | None = None,
) -> FactorisedColumns:
    """The model for the tasks in `channels` (task: channels of its prediction); `needs`: the
    trained single-task networks that it starts from, by task."""
    return FactorisedColumns(channels, options, seed, needs or {})
