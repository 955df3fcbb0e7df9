"""The properties of molecules and what can be set about them; free of torch."""

from replications.core.spec.options import TaskOptions

ATOMIC_NUMBERS = {"H": 1, "C": 6, "N": 7, "O": 8, "F": 9}
"""Elements that molecules are made of."""
PROPERTIES = {
    "mu": "D",
    "alpha": "a0^3",
    "homo": "meV",
    "lumo": "meV",
    "r2": "a0^2",
    "zpve": "meV",
    "u0": "meV",
    "u298": "meV",
    "h298": "meV",
    "g298": "meV",
    "cv": "cal/(mol K)",
}
"""Properties of molecules and their units: dipole moment, polarisability, energies of the highest
occupied and the lowest unoccupied orbital, electronic spatial extent, zero-point vibrational
energy, the energies of atomisation at 0 K and at 298.15 K (internal energy, enthalpy, free energy)
and the heat capacity."""


class PropertyOptions(TaskOptions):
    """Nothing."""

    called = tuple(PROPERTIES)
    metrics = ("mae",)
    implementation = ".task:build"
    presentation = ".presentation:PRESENTATIONS"
