"""A trained run as ONNX, for other programs; checked against torch.

python -m replications.core.inference.export RUN_FOLDER --output MODEL.onnx

Input: `image`, float32 (N, 3, H, W) of the run's size, RGB from 0 to 255, N any number or 1, as
the network allows. Outputs: what the head of each task says, by the task's name.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, RuntimeException
from torch import Tensor, nn

from replications.core.data.labels import Array
from replications.core.errors import StudyError, run_command
from replications.core.files import replacing
from replications.core.inference.trained import Trained, load_trained

_REFUSALS = (RuntimeException, InvalidArgument, Fail)
"""What onnxruntime raises of a file that it cannot run."""
TOLERANCE = 1e-3
"""Greatest difference from torch, as a share of the greatest value of an output."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="results/<study>/<replication>/<run>/<seed>")
    parser.add_argument("--output", type=Path, required=True, help="the file to write")
    own = parser.parse_args()
    difference, any_number = export(load_trained(own.run, torch.device("cpu")), own.output)
    count = "any number of images at once" if any_number else "one image at a time"
    print(f"{own.output}: {count}; differs from torch by {difference:.1e} of the greatest value")


class FromImage(nn.Module):
    """Images from 0 to 255 to a prediction of each task, in the order of the run."""

    def __init__(self, trained: Trained) -> None:
        super().__init__()
        self.trained, self.learner = trained, trained.learner

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """The predictions."""
        predictions = self.learner.predict(self.trained.decoding.input({"image": image}))
        return tuple(predictions[name] for name in self.trained.tasks)


def export(trained: Trained, path: Path) -> tuple[float, bool]:
    """Write a run as ONNX; returns the greatest difference from torch, see `TOLERANCE`, and whether
    it takes any number of images at once, or else one.

    Raises:
        StudyError: torch cannot express the network in ONNX, or the file says something else.
    """
    model = FromImage(trained).eval()
    torch.manual_seed(0)
    images = torch.randint(256, (3, 3, *trained.size)).float()
    with torch.no_grad():
        expected = [[output.numpy() for output in model(own)] for own in (images, images[:1])]
    reason = ""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.onnx")
        for any_number, wanted in zip((True, False), expected, strict=True):
            checked = images if any_number else images[:1]
            try:
                _write(model, checked[:2], file, any_number)
                difference = _difference(file, checked, wanted)
            except (torch.onnx.OnnxExporterError, *_REFUSALS) as error:
                reason = str(error).strip().splitlines()[0]
                continue
            if difference <= TOLERANCE:
                with replacing(path) as temporary:
                    shutil.copyfile(file, temporary)
                return difference, any_number
            reason = f"it differs from torch by {difference:.1e}"
    raise StudyError(f"{trained.run} of {trained.plan.name} cannot be written as ONNX: {reason}")


def _write(model: FromImage, followed: Tensor, path: Path, any_number: bool) -> None:
    """Write what the model does with some images, followed step by step."""
    torch.onnx.export(
        model,
        (followed,),
        str(path),
        input_names=["image"],
        output_names=list(model.trained.tasks),
        dynamic_shapes=({0: torch.export.Dim("batch")},) if any_number else None,
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def _difference(path: Path, image: Tensor, expected: Sequence[Array]) -> float:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(None, {"image": image.numpy()})
    return max(
        float(np.abs(own - other).max() / np.abs(other).max())
        for own, other in zip(found, expected, strict=True)
    )


if __name__ == "__main__":
    run_command(main)
