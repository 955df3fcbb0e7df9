"""Faster R-CNN and Mask R-CNN, of torchvision's parts on the project's encoders."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import MultiScaleRoIAlign

from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.nets.learner import Learner, Losses, Moment
from replications.core.nets.registry.multiscale import MULTISCALE, SCALES
from replications.core.nets.shared_trunk import seeded
from replications.core.tasks.base import Task
from replications.mask_rcnn.objects.task import FIELDS, MASK, Objects
from replications.mask_rcnn.options import ModelOptions

_LEAST = 0.05
"""The score below which nothing is found."""
_CANONICAL = 224 / 128
"""The side of a region that is pooled from the third map, in anchors of that map (Lin et al., CVPR
2017, equation 1: of 224 pixels, where the anchors have 128)."""


class MaskRCNN(Learner):
    """Regions that a small network proposes are classified and their boxes refined (Ren et al.,
    NeurIPS 2015); with masks, a third branch draws what is seen of the thing inside, for each class
    apart (He et al., ICCV 2017, section 3)."""

    def __init__(self, classes: int, masks: bool, options: ModelOptions, seed: int) -> None:
        super().__init__()
        with seeded(seed, "trunk"):
            kind = MULTISCALE[options.encoder]
            self.trunk = kind.build(options.width, options.pyramid, options.pretrained)
            anchors = AnchorGenerator(
                tuple((side,) for side in options.anchors), ((0.5, 1.0, 2.0),) * SCALES
            )
            self.proposals = RegionProposalNetwork(
                anchors,
                RPNHead(options.pyramid, anchors.num_anchors_per_location()[0]),
                fg_iou_thresh=0.7,
                bg_iou_thresh=0.3,
                batch_size_per_image=64,
                positive_fraction=0.5,
                pre_nms_top_n={"training": 200, "testing": 400},
                post_nms_top_n={"training": 100, "testing": 200},
                nms_thresh=0.7,
            )
        pooled: dict[str, Any] = {
            "featmap_names": [str(scale) for scale in range(SCALES)],
            "sampling_ratio": 2,
            "canonical_scale": round(_CANONICAL * options.anchors[2]),
        }
        with seeded(seed, "head/objects"):
            self.heads = RoIHeads(
                MultiScaleRoIAlign(output_size=7, **pooled),
                TwoMLPHead(options.pyramid * 7 * 7, options.hidden),
                FastRCNNPredictor(options.hidden, classes + 1),
                fg_iou_thresh=0.5,
                bg_iou_thresh=0.5,
                batch_size_per_image=64,
                positive_fraction=0.25,
                bbox_reg_weights=None,
                score_thresh=_LEAST,
                nms_thresh=0.5,
                detections_per_img=options.detections,
            )
        if masks:
            width = options.pyramid
            with seeded(seed, "head/masks"):
                self.heads.mask_roi_pool = MultiScaleRoIAlign(output_size=MASK // 2, **pooled)
                self.heads.mask_head = MaskRCNNHeads(width, [width] * 4, 1)
                self.heads.mask_predictor = MaskRCNNPredictor(width, width, classes + 1)
        self.masks, self.detections = masks, options.detections

    def _passed(self, images: Tensor, targets: list[dict[str, Tensor]] | None) -> Any:
        """Detections of each picture, and in training the losses by torchvision's names."""
        size = (images.shape[-2], images.shape[-1])
        maps = OrderedDict((str(i), f) for i, f in enumerate(self.trunk(images)))
        proposals, of_proposals = self.proposals(
            ImageList(images, [size] * len(images)), maps, targets
        )
        heads = self.heads
        branch = heads.mask_head
        if not (self.masks or self.training):
            heads.mask_head = None  # torchvision's sign that there is no such branch
        detections, of_regions = heads(maps, proposals, [size] * len(images), targets)
        heads.mask_head = branch
        return detections, of_proposals | of_regions

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """Of `objects`: what is proposed, its class and its box; of `masks`: cross entropy of every
        pixel of the mask of the true class (equation 1 has the sum of all)."""
        task = next(iter(tasks.values()))
        assert isinstance(task, Objects)
        targets = []
        for things in task.found(batch.labels):
            kept = ~things.tiny
            target = {"boxes": things.boxes[kept], "labels": things.classes[kept] + 1}
            targets.append(target | {"masks": things.masks[kept].to(torch.uint8)})
        _, found = self._passed(batch.inputs, targets)
        of_masks = found.pop("loss_mask", None)
        by_task = {"objects": torch.stack(list(found.values())).sum()}
        if of_masks is not None:
            by_task["masks"] = of_masks
        return Losses({name: loss for name, loss in by_task.items() if name in tasks})

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """Detections, see `Objects`; no condition changes them."""
        found, _ = self._passed(inputs, None)
        width = FIELDS + MASK * MASK * self.masks
        rows = inputs.new_full((len(found), self.detections, width), -1.0)
        for row, own in zip(rows, found, strict=True):
            count = len(own["boxes"])
            row[:count, :4] = own["boxes"]
            row[:count, 4] = own["scores"]
            row[:count, 5] = own["labels"] - 1
            if self.masks:
                row[:count, FIELDS:] = own["masks"].clamp(1e-6, 1 - 1e-6).logit().flatten(1)
        return {"objects": rows}

    def forward(self, inputs: Any) -> dict[str, Tensor]:
        """Detections without masks: what inference costs in either run."""
        masks, self.masks = self.masks, False
        try:
            return self.predict(inputs)
        finally:
            self.masks = masks

    def inference_parameters(self) -> list[Parameter]:
        """Without the branch for masks, which only serves training."""
        branch = {id(p) for p in self.task_parameters("masks")}
        return [p for p in self.parameters() if id(p) not in branch]

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the encoder and of what proposes regions."""
        return [*self.trunk.parameters(), *self.proposals.parameters()]

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of the branch for boxes or for masks."""
        named = self.heads.named_parameters()
        return [p for name, p in named if name.startswith("mask_") == (task == "masks")]


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> MaskRCNN:
    """The model for the tasks in `channels` (task: number of classes of things)."""
    return MaskRCNN(channels["objects"], "masks" in channels, options, seed)
