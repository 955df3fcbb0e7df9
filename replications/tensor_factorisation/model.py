"""An encoder and a head for each task; the convolutions of all encoders come from factors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import Parameter

from replications.core.nets.columns import Columns, continued, start_apart
from replications.core.nets.learner import Learner
from replications.tensor_factorisation.factors import Factors, fixed, ranks_of, share, within
from replications.tensor_factorisation.options import ModelOptions

_RANKS = "ranks_"


class FactorisedColumns(Columns):
    """Columns without kernels of their own; biases, batch norms and heads are the task's."""

    def __init__(
        self,
        channels: Mapping[str, int],
        options: ModelOptions,
        seed: int,
        trained: Mapping[str, Learner],
    ) -> None:
        """`trained`: of each task the network that is factorised, or gives the ranks; without any,
        networks that each start from others, since of equal ones the factors have rank one."""
        super().__init__(channels, options, seed)
        form = options.form
        kept = share(options.rank) if options.rank else within(options.error, form)
        given: dict[str, list[int]] = {}
        if trained and not options.begun:
            whole = Columns(channels, options, seed)
            continued(whole, trained)
            given = {place: ranks_of(form, own, kept) for place, own in _kernels(whole).items()}
        elif trained:
            continued(self, trained)
        if not (trained and options.begun):
            start_apart(self, options, seed)
        self.factors = nn.ModuleList(
            Factors(form, kernels, fixed(given[place]) if given else kept)
            for place, kernels in _kernels(self).items()
        )
        self.places = list(_convolutions(next(iter(self.columns.values()))))
        self.made: list[Tensor] | None = None
        """The kernels, while nothing is trained."""
        self.register_load_state_dict_post_hook(_forget)  # type: ignore[no-untyped-call]
        for column in self.columns.values():
            for convolution in _convolutions(column).values():
                # The place where a kernel is put in while the column is called.
                empty = torch.empty_like(convolution.weight)
                del convolution.weight
                convolution.register_buffer("weight", empty, persistent=False)

    def train(self, mode: bool = True) -> FactorisedColumns:
        """As of every module; for evaluation the kernels are made once."""
        super().train(mode)
        self.made = None
        if not mode:
            with torch.no_grad():
                self.made = self.kernels()
        return self

    def kernels(self) -> list[Tensor]:
        """Of each convolution those of all tasks, (K, C', C, h, w)."""
        return [factors.kernels() for factors in self.factors]  # type: ignore[operator]

    def columned(self, common: Tensor) -> dict[str, Tensor]:
        """The last features of every column."""
        made = self.made or self.kernels()
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


def _forget(model: FactorisedColumns, _: object) -> None:
    """Make the kernels from the weights that were loaded."""
    model.train(model.training)


def _convolutions(column: nn.Module) -> dict[str, nn.Conv2d]:
    return {name: m for name, m in column.named_modules() if isinstance(m, nn.Conv2d)}


def _kernels(network: Columns) -> dict[str, Tensor]:
    """Of each convolution the kernels of all tasks, (K, C', C, h, w)."""
    columns = [_convolutions(column) for column in network.columns.values()]
    return {
        place: torch.stack([own[place].weight.detach() for own in columns]) for place in columns[0]
    }


def build_model(
    channels: Mapping[str, int],
    options: ModelOptions,
    seed: int,
    needs: Mapping[str, Learner] | None = None,
) -> FactorisedColumns:
    """The model for the tasks in `channels` (task: channels of its prediction); `needs`: the
    trained single-task networks that it starts from, by task, or has the ranks of, by `ranks_` and
    task."""
    trained = {role.removeprefix(_RANKS): network for role, network in (needs or {}).items()}
    return FactorisedColumns(channels, options, seed, trained)
