"""What the paper calls tasks, metrics and encoders; what has no name keeps that of the tables."""

from __future__ import annotations

_TASKS = {
    "semseg": "의미 분할",
    "instances": "개체 분할",
    "depth": "깊이",
    "normals": "법선",
    "edges": "경계",
    "road": "도로",
    "vehicles": "차량",
    "scene": "장면",
    "mu": r"$\mu$",
    "alpha": r"$\alpha$",
    "homo": "HOMO",
    "lumo": "LUMO",
    "r2": "$R^2$",
    "zpve": "ZPVE",
    "u0": "$U_0$",
    "u298": "$U$",
    "h298": "$H$",
    "g298": "$G$",
    "cv": "$c_v$",
    "all": "전체",
}
_METRICS = {
    "miou": "mIoU",
    "pixel_accuracy": "정확도",
    "ap50": "AP$_{50}$",
    "centroid_l1": "중심",
    "inverse_depth_l1": "역깊이",
    "max_f1": "MaxF1",
    "ap_moderate": "AP$_{0.7}$",
    "ap_moderate_iou50": "AP$_{0.5}$",
    "accuracy": "정확도",
    "abs_err": "절대",
    "rel_err": "상대",
    "rmse": "RMSE",
    "angle_mean": "평균각",
    "angle_median": "중앙각",
    "within_11.25": "11.25°",
    "within_22.5": "22.5°",
    "within_30": "30°",
    "ods_f": "ODS-F",
    "mae": "MAE",
    "delta_m_per_task_primary": r"$\Delta_m$",
    "delta_m_per_metric": r"$\Delta_m^{\mathrm{P}}$",
    "delta_m_per_task_mean": r"$\Delta_m$",
}
_ENCODERS = {
    "thin": "얇은 ResNet",
    "vgg16": "VGG-16",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "resnet101": "ResNet-101",
    "hrnet_w18": "HRNet-W18",
    "hrnet_w18_small_v2": "HRNet-W18-small-v2",
}
_UNITS = {"%": r"\%", "a0^2": "$a_0^2$", "a0^3": "$a_0^3$"}


def task_name(task: str) -> str:
    """A task as a figure or table calls it; may contain LaTeX's mathematics."""
    return _TASKS.get(task, task)


def metric_name(metric: str) -> str:
    """A metric as the head of a column; may contain LaTeX."""
    return _METRICS.get(metric, metric.replace("_", r"\_"))


def unit_name(unit: str) -> str:
    """A unit as the head of a column; may contain LaTeX."""
    return _UNITS.get(unit, unit)


def encoder_name(encoder: str) -> str:
    """An encoder of a specification, in text."""
    return _ENCODERS.get(encoder, encoder.replace("_", r"\_"))
