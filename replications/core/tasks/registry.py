"""The tasks by name, built for a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replications.core.data.batches import Description, Molecules, Pictures
from replications.core.data.labels import PROPERTIES
from replications.core.errors import StudyError
from replications.core.tasks.base import Task
from replications.core.tasks.depth import Depth
from replications.core.tasks.edges import Edges
from replications.core.tasks.instances import Instances
from replications.core.tasks.molecules import MoleculeProperty
from replications.core.tasks.normals import Normals
from replications.core.tasks.options import TASK_OPTIONS
from replications.core.tasks.road import Road
from replications.core.tasks.scene import Scene
from replications.core.tasks.semseg import Semseg
from replications.core.tasks.vehicles import Vehicles


def build_task(name: str, options: Mapping[str, Any], dataset: Description) -> Task:
    """The task `name` with its options (see `tasks.options`) for `dataset`.

    Raises:
        StudyError: the task is one of molecules and the dataset holds pictures, or the reverse.
    """
    checked: Any = TASK_OPTIONS[name].model_validate(options)
    if isinstance(dataset, Molecules) and name in PROPERTIES:
        return MoleculeProperty(name, dataset.properties[name])
    if not isinstance(dataset, Pictures) or name in PROPERTIES:
        raise StudyError(f"task '{name}' is not one of the dataset {dataset.name}")
    if name == "semseg":
        return Semseg(len(dataset.classes))
    if name == "instances":
        return Instances(checked, dataset.things)
    if name == "depth":
        return Depth(checked, dataset.focal)
    if name == "edges":
        return Edges(checked)
    if name == "normals":
        return Normals(checked)
    if name == "road":
        return Road(dataset.classes.index("road"))
    if name == "vehicles":
        return Vehicles(checked, dataset.size, dataset.box_classes)
    if name == "scene":
        return Scene(len(dataset.scenes))
    raise ValueError(f"task '{name}' has options but no implementation in tasks.registry")
