"""The library of meshes and materials that all streets share, built once per process."""

from dataclasses import dataclass

import bpy
from buildings import building_meshes
from furniture import furniture_meshes
from materials import all_materials
from people import person_meshes
from vegetation import vegetation_meshes
from vehicles import vehicle_meshes


@dataclass(frozen=True)
class Library:
    """Blender meshes and materials by name."""

    meshes: dict[str, bpy.types.Mesh]
    materials: dict[str, bpy.types.Material]


def build_library() -> Library:
    """Create every mesh and material in the open Blender file."""
    materials = all_materials()
    meshes: dict[str, bpy.types.Mesh] = {}
    for group in (
        vehicle_meshes,
        person_meshes,
        vegetation_meshes,
        furniture_meshes,
        building_meshes,
    ):
        meshes |= group(materials)
    return Library(meshes, materials)
