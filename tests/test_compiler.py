"""Optimisers work the same without torch's compiler, which is imported once it is asked for."""

from __future__ import annotations

import subprocess
import sys

from conftest import ROOT

_PROGRAM = """
import sys
import torch
from replications.core.engine.compiler import leave_compiler_out

def trained():
    parameter = torch.nn.Parameter(torch.linspace(-1, 1, 5))
    optimizer = torch.optim.AdamW([parameter], lr=0.1, fused=True)
    for _ in range(3):
        optimizer.zero_grad()
        parameter.square().sum().backward()
        optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    return parameter.detach()

leave_compiler_out()
without = trained()
assert not any(name.startswith("torch._dynamo.") for name in sys.modules)
import torch._dynamo.config
assert torch._dynamo.is_compiling() is False
assert "torch._dynamo.eval_frame" in sys.modules
assert torch.equal(trained(), without)
double = torch.compile(lambda x: 2 * x, backend="eager")
assert torch.equal(double(torch.ones(2)), torch.full((2,), 2.0))
"""


def test_the_compiler_is_left_out_until_it_is_needed() -> None:
    subprocess.run([sys.executable, "-c", _PROGRAM], cwd=ROOT, check=True)
