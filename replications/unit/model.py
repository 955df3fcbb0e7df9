"""UniT: every task asks what the encoders remember, through one decoder or one of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.data.text.ids import VOCABULARY
from replications.core.errors import StudyError
from replications.core.nets.learner import Learner, Losses, Moment
from replications.core.nets.registry.staged import STAGED
from replications.core.nets.shared_trunk import seeded
from replications.core.tasks.base import Task
from replications.mask_rcnn.objects.task import FIELDS, Objects
from replications.unit.attention import Block
from replications.unit.options import ModelOptions
from replications.unit.sets import set_loss

THINGS = "objects"
"""The task whose answer is a set of things; others have one answer."""
_PICTURES = (THINGS, "scene")
_LEAST = 0.05


class Decoder(nn.Module):
    """Blocks through which queries ask a memory."""

    def __init__(self, dim: int, heads: int, layers: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(dim, heads, asks=True) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)

    def forward(self, queries: Tensor, memory: Tensor, hidden: Tensor | None) -> Tensor:
        """(B, Q, D) and (B, M, D) to (B, Q, D)."""
        for block in self.blocks:
            queries = block(queries, memory, hidden)
        found: Tensor = self.norm(queries)
        return found


class UniT(Learner):
    """Pictures and texts are encoded apart; the queries of a task ask the memory of its kind
    (Hu and Singh, 2021, section 3). A task's embedding joins what the encoder of texts is fed with,
    and what is remembered of pictures."""

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__()
        self.options, dim = options, options.dim
        self.kinds = {task: "image" if task in _PICTURES else "text" for task in channels}
        kind = STAGED[options.encoder]
        self.encoders = nn.ModuleDict()
        if "image" in self.kinds.values():
            with seeded(seed, "encoder/image"):
                stages = kind.build(options.width, options.stride, options.pretrained)
                project = nn.Conv2d(kind.channels(options.width)[-1], dim, 1)
                self.encoders["image"] = nn.Sequential(*stages, project)
        if "text" in self.kinds.values():
            with seeded(seed, "encoder/text"):
                self.encoders["text"] = Texts(options)
        self.queries, self.tasks, self.decoders, self.heads = (
            nn.ParameterDict(),
            nn.ParameterDict(),
            nn.ModuleDict(),
            nn.ModuleDict(),
        )
        shared = options.decoder == "shared"
        for task, outputs in channels.items():
            count = options.queries[0] * options.queries[1] if task == THINGS else 1
            with seeded(seed, f"task/{task}"):
                self.queries[task] = Parameter(torch.randn(count, dim) / dim**0.5)
                self.tasks[task] = Parameter(torch.randn(dim) / dim**0.5)
                # Of things the classes, none of them, and the box.
                self.heads[task] = nn.Linear(dim, outputs + 5 if task == THINGS else outputs)
            whose = "all" if shared else task
            if whose not in self.decoders:
                with seeded(seed, "decoder"):
                    self.decoders[whose] = Decoder(dim, options.attention_heads, options.layers)

    def answered(self, inputs: Any, task: str) -> Tensor:
        """What the decoder says to each query of a task: (B, Q, D), of texts (B T, 1, D)."""
        kind = self.kinds[task]
        own = self.tasks[task]
        if kind == "image":
            maps = self.encoders[kind](inputs["image"])
            memory = (maps.flatten(2) + _places(maps.shape[2], maps.shape[3], maps)).transpose(
                1, 2
            ) + own
            hidden = None
        else:
            ids = inputs["text"].flatten(0, 1)
            hidden = ids == 0
            memory = self.encoders[kind](ids, hidden, own)
        queries = self.queries[task] + memory.new_zeros(len(memory), 1, 1)
        if task == THINGS:
            queries = queries + _places(*self.options.queries, memory).T
        decoder = self.decoders["all" if self.options.decoder == "shared" else task]
        found: Tensor = decoder(queries, memory, hidden)
        return found

    def decoded(self, inputs: Any, task: str) -> Tensor:
        """The output of a task's head: of things (B, Q, C + 5), see `boxes_of`; of the scene
        (B, C), of texts (B, T, C)."""
        found: Tensor = self.heads[task](self.answered(inputs, task))
        if task == THINGS:
            return found
        found = found[:, 0]
        return found if self.kinds[task] == "image" else found.view(*inputs["text"].shape[:2], -1)

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """Of things the loss of sets, of the others their task's; where steps alternate, of the
        tasks whose turn it is."""
        found = {}
        kinds = sorted({self.kinds[name] for name in tasks})
        turn = kinds[moment.step % len(kinds)]
        for name, task in tasks.items():
            if self.options.steps == "alternating" and self.kinds[name] != turn:
                continue
            output = self.decoded(batch.inputs, name)
            if isinstance(task, Objects):
                size = batch.inputs["image"].shape[-2:]
                classes, boxes = self.boxes_of(output, (int(size[0]), int(size[1])))
                found[name] = set_loss(classes, boxes, task.found(batch.labels), size)
            else:
                found[name] = task.loss(output, batch.labels)
        return Losses(found)

    def boxes_of(self, output: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """The logits of classes, the last for none, (B, Q, C + 1), and boxes as x1, y1, x2, y2 in
        pixels, (B, Q, 4), from where a query looks: its cell's middle moves, its size is free."""
        rows, columns = self.options.queries
        classes, box = output[..., :-4], output[..., -4:]
        y, x = torch.meshgrid(
            (torch.arange(rows, device=output.device) + 0.5) / rows,
            (torch.arange(columns, device=output.device) + 0.5) / columns,
            indexing="ij",
        )
        middle = torch.stack([x, y], dim=2).flatten(0, 1)
        reach = torch.tensor([1.5 / columns, 1.5 / rows], device=output.device)
        middle = middle + reach * box[..., :2].tanh()
        half = (box[..., 2:] - 2.0).sigmoid() / 2
        limits = torch.tensor([size[1], size[0]], device=output.device)
        return classes, torch.cat([(middle - half) * limits, (middle + half) * limits], dim=2)

    def predict(self, inputs: Any, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task; no condition changes it."""
        found = {task: self.decoded(inputs, task) for task in self.heads}
        if THINGS in found:
            found[THINGS] = self._detections(found[THINGS], inputs["image"].shape[-2:])
        return found

    def _detections(self, output: Tensor, size: Any) -> Tensor:
        """The queries that found something, best first: (B, K, 6), see `Objects`."""
        classes, boxes = self.boxes_of(output, (int(size[0]), int(size[1])))
        scores, kinds = classes.softmax(dim=2)[..., :-1].max(dim=2)
        best = scores.argsort(dim=1, descending=True, stable=True)[:, : self.options.detections]
        limits = boxes.new_tensor([size[1], size[0], size[1], size[0]])
        boxes = torch.minimum(boxes.clamp(min=0), limits)
        rows = torch.cat([boxes, scores[..., None], kinds[..., None].to(boxes)], dim=2)
        rows = rows.gather(1, best[..., None].expand(-1, -1, FIELDS))
        sized = (rows[..., 2] > rows[..., 0]) & (rows[..., 3] > rows[..., 1])
        return torch.where((sized & (rows[..., 4] >= _LEAST))[..., None], rows, -1.0)

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the encoders, and of the decoder that all tasks have."""
        common = [self.decoders["all"]] if "all" in self.decoders else []
        return [p for part in (self.encoders, *common) for p in part.parameters()]

    def task_parameters(self, task: str) -> list[Parameter]:
        """A task's queries, embedding and head, and its decoder, if it has one."""
        own = [self.decoders[task]] if task in self.decoders else []
        parts = [p for part in (self.heads[task], *own) for p in part.parameters()]
        return [self.queries[task], self.tasks[task], *parts]


class Texts(nn.Module):
    """Characters and places to a memory.

    A character has fewer numbers than the memory has channels: of thousands of characters they
    would be most of the parameters of any model of texts.
    """

    def __init__(self, options: ModelOptions) -> None:
        super().__init__()
        self.letters = nn.Embedding(VOCABULARY, options.letters, padding_idx=0)
        self.widened = nn.Linear(options.letters, options.dim, bias=False)
        self.places = Parameter(torch.randn(options.length, options.dim) / options.dim**0.5)
        self.blocks = nn.ModuleList(
            Block(options.dim, options.attention_heads, asks=False) for _ in range(options.layers)
        )
        self.norm = nn.LayerNorm(options.dim)

    def forward(self, ids: Tensor, hidden: Tensor, task: Tensor) -> Tensor:
        """Ids (N, L), what is behind the end of each text, bool, (N, L), and the task's embedding,
        (D,), to (N, L, D).

        Raises:
            StudyError: texts are longer than the model has places.
        """
        if ids.shape[1] > len(self.places):
            raise StudyError(
                f"texts of {ids.shape[1]} characters, and model.length is {len(self.places)}; "
                "make it as large as data.length"
            )
        x = self.widened(self.letters(ids)) + self.places[: ids.shape[1]] + task
        for block in self.blocks:
            x = block(x, hidden=hidden)
        found: Tensor = self.norm(x)
        return found


def _places(rows: int, columns: int, like: Tensor) -> Tensor:
    """Sines and cosines of the row and the column, (D, rows x columns), half of the channels each
    (Carion et al., ECCV 2020, appendix A.4); D as in `like`, (B, D, h, w) or (B, N, D)."""
    dim = like.shape[1] if like.dim() == 4 else like.shape[2]
    wave = torch.arange(dim // 4, device=like.device) / (dim // 4)
    rates = 100.0**-wave
    found = []
    for count, other, axis in ((rows, columns, 1), (columns, rows, 0)):
        place = 2 * torch.pi * (torch.arange(count, device=like.device) + 0.5) / count
        angles = rates[:, None] * place
        values = torch.cat([angles.sin(), angles.cos()])
        whole = values[:, :, None].expand(-1, -1, other)
        found.append((whole if axis else whole.transpose(1, 2)).flatten(1))
    return torch.cat(found).to(like)


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> UniT:
    """The model for the tasks in `channels` (task: width of its head)."""
    return UniT(channels, options, seed)
