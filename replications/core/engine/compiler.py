"""Keeps torch's compiler, which nothing here uses, from being imported: over a second a training.

torch.optim imports it in every step, just to tell it which functions to leave alone.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

import torch

Function = TypeVar("Function", bound=Callable[..., Any])
_NAME = "torch._dynamo"


def leave_compiler_out() -> None:
    """Let a stand-in answer `import torch._dynamo`, unless the compiler is there already."""
    if _NAME not in sys.modules:
        stand_in = StandIn(_NAME)
        sys.modules[_NAME] = stand_in
        torch._dynamo = stand_in


class StandIn(ModuleType):
    """The two functions that optimisers call; whoever asks for more gets the compiler itself."""

    @staticmethod
    def graph_break(message: str = "") -> None:
        """Nothing is traced, so there is nothing to break."""

    @staticmethod
    def disable(function: Function, recursive: bool = True, **options: Any) -> Function:
        """Nothing is compiled, so nothing needs to be left alone."""
        return function

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(_NAME) is self:
            del sys.modules[_NAME]
        return getattr(importlib.import_module(_NAME), name)
