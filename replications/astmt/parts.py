"""What a task has of its own in an encoder of all tasks (Maninis et al., CVPR 2019, section 3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from replications.astmt.options import ModelOptions
from replications.core.nets.passes import PerTask, Switch

_BLOCKS = ("BasicBlock", "InvertedResidual")
"""Classes of residual blocks: ours and torchvision's."""


class Excitation(nn.Module):
    """A factor for every channel, from the mean of all (Hu et al., CVPR 2018, equations 2 to 4)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Linear(channels, hidden), nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        factors: Tensor = self.excite(F.relu(self.squeeze(x.mean(dim=(2, 3))))).sigmoid()
        return x * factors[:, :, None, None]


class Adapter(nn.Module):
    """A 1x1 convolution that adds nothing at first, of the size and stride of another."""

    def __init__(self, beside: nn.Conv2d) -> None:
        super().__init__()
        self.stride = beside.stride
        channels = (beside.in_channels, beside.out_channels)
        self.conv = nn.Conv2d(*channels, 1, groups=beside.groups, bias=False)
        nn.init.zeros_(self.conv.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H/stride, W/stride)."""
        down, right = self.stride
        added: Tensor = self.conv(x[..., ::down, ::right])
        return added


class Adapted(nn.Module):
    """A convolution of all tasks and beside it the adapter of the task in use."""

    def __init__(self, conv: nn.Conv2d, adapters: PerTask) -> None:
        super().__init__()
        self.conv, self.adapters = conv, adapters

    def forward(self, x: Tensor) -> Tensor:
        """As the convolution's."""
        found: Tensor = self.conv(x) + self.adapters(x)
        return found


def adapt(
    module: nn.Module, tasks: Sequence[str], options: ModelOptions, switch: Switch
) -> nn.Module:
    """A module with the excitations and adapters that its tasks are to have of their own."""
    if isinstance(module, nn.Conv2d):
        if not options.adapters or module.kernel_size != (3, 3):
            return module
        return Adapted(module, PerTask({task: Adapter(module) for task in tasks}, switch))
    channels = [m.num_features for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    for name, child in module.named_children():
        setattr(module, name, adapt(child, tasks, options, switch))
    if not options.excitation or type(module).__name__ not in _BLOCKS:
        return module
    # The last batch norm of a block that is no shortcut's; both have as many channels.
    hidden = max(options.least, channels[-1] // options.reduction)
    excited = {task: Excitation(channels[-1], hidden) for task in tasks}
    return nn.Sequential(module, PerTask(excited, switch))
