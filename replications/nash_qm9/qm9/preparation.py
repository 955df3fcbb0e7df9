"""QM9 (Ramakrishnan et al., Scientific Data, 2014): molecules and their properties, prepared.

The data come with the package `qm9pack`: 130,831 organic molecules of up to nine atoms of carbon,
nitrogen, oxygen and fluorine besides hydrogen, with the geometry and the properties that density
functional theory (B3LYP/6-31G(2df,p)) gives them.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from replications.core.data.labels import Array
from replications.core.data.prepare import Prepared
from replications.core.errors import StudyError
from replications.core.files import md5_of
from replications.nash_qm9.molecules.options import ATOMIC_NUMBERS, PROPERTIES
from replications.nash_qm9.qm9.options import QM9Options

PACKAGE = "qm9pack"
FILES = {
    "qm9_part1.csv": "bf00723b300e10892ab90fd3fe2f86a7",
    "qm9_part2.csv": "28a2e37cf78ad547aacd27904642e77d",
    "qm9_part3.csv": "0bc3653148d46e4d1b8d6be6009f8f95",
}
"""The package's tables of molecules and the MD5 of each in version 1.0.3."""
MOLECULES = 130_831
HELD_OUT = 10_000
"""Molecules of which validation, and as many of which test, may take some; the rest may train."""
MOST_ATOMS = 29

_MEV = 27_211.386246
"""Millielectronvolts of one hartree (CODATA 2018)."""


@dataclass(frozen=True)
class Source:
    """Where a property is found: a column, the factor to its unit, and what the free atoms account
    for, in hartree, in the order of `ATOMIC_NUMBERS`: an energy of atomisation leaves it out."""

    column: str
    factor: float = 1.0
    atoms: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)


# Energies of free atoms: atomref.txt of the dataset (doi 10.6084/m9.figshare.c.978904).
SOURCES = {
    "mu": Source("Dipole_debye"),
    "alpha": Source("Polarizability_bohr3"),
    "homo": Source("HOMO_au", _MEV),
    "lumo": Source("LUMO_au", _MEV),
    "r2": Source("R2_bohr2"),
    "zpve": Source("ZPVE_au", _MEV),
    "u0": Source(
        "InternalEnergy_0K_au",
        _MEV,
        (-0.500273, -37.846772, -54.583861, -75.064579, -99.718730),
    ),
    "u298": Source(
        "InternalEnergy_298K_au",
        _MEV,
        (-0.498857, -37.845355, -54.582445, -75.063163, -99.717314),
    ),
    "h298": Source(
        "Enthalphy_298K_au",
        _MEV,
        (-0.497912, -37.844411, -54.581501, -75.062219, -99.716370),
    ),
    "g298": Source(
        "GibbsFreeEnergy_298K_au",
        _MEV,
        (-0.510927, -37.861317, -54.598897, -75.079532, -99.733544),
    ),
    "cv": Source("Heatcapacity_Cv_cal_mol_K"),
}


def prepare(options: QM9Options, source: Path | None = None) -> Prepared:
    """The dataset with as many molecules as asked for.

    Arguments:
        source: folder of the package's tables; none given: where it is installed.

    Raises:
        StudyError: a table is missing or altered, holds an invalid molecule, or has too few.
    """
    folder = source or package_folder()
    counts = dict(zip(("train", "val", "test"), options.molecules, strict=True))
    rows = splits(counts)
    hashes = {name: _verified_md5(folder / name) for name in FILES}
    table = read_table(folder)
    arrays = {split: stacked(table.iloc[chosen]) for split, chosen in rows.items()}
    statistics = {
        name: {
            "mean": float(arrays["train"][name].mean(dtype=np.float64)),
            "spread": float(arrays["train"][name].std(dtype=np.float64)),
            "unit": unit,
        }
        for name, unit in PROPERTIES.items()
    }
    return Prepared(arrays.items(), hashes, {"properties": statistics})


def package_folder() -> Path:
    """Where the package keeps its tables.

    Raises:
        StudyError: it is not installed.
    """
    # Found, not imported: importing the package needs setuptools' pkg_resources.
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise StudyError(f"the package {PACKAGE} is not installed; `make setup` installs it")
    return Path(found.submodule_search_locations[0]) / "data"


def splits(counts: dict[str, int]) -> dict[str, Array]:
    """The rows of the whole table in each split: the first of three disjoint parts of one random
    order, so that a molecule which tests in one study trains in none.

    Raises:
        StudyError: more are asked for than there are.
    """
    # The stream of RandomState is frozen; those of newer generators may change with numpy.
    order = np.random.RandomState(0).permutation(MOLECULES)
    held_out = 2 * HELD_OUT
    parts = {
        "train": order[held_out:],
        "val": order[HELD_OUT:held_out],
        "test": order[:HELD_OUT],
    }
    for split, part in parts.items():
        if not 0 < counts[split] <= len(part):
            raise StudyError(
                f"{counts[split]} molecules for {split}; QM9 has 1 to {len(part)} for it"
            )
    return {split: part[: counts[split]] for split, part in parts.items()}


def read_table(source: Path) -> pd.DataFrame:
    """Geometry and properties of all molecules, as the tables have them.

    Raises:
        StudyError: a table cannot be read, or the number of molecules is wrong.
    """
    columns = ["XYZ_file", "Elements", "XYZ_Ang", *(s.column for s in SOURCES.values())]
    try:
        tables = [pd.read_csv(source / name, usecols=columns) for name in FILES]
    except ValueError as error:
        raise StudyError(f"{source}: cannot be read as QM9 ({error})") from None
    table = pd.concat(tables, ignore_index=True)
    if len(table) != MOLECULES:
        raise StudyError(f"{source}: {len(table)} molecules, QM9 has {MOLECULES}")
    return table


def stacked(table: pd.DataFrame) -> dict[str, Array]:
    """Arrays over the molecules of `table`.

    Returns:
        `atoms`, float32, (N, 29, 4): atomic number and position in angstrom of each atom, rows of
        0 after the last; and float32, (N,), for each of `PROPERTIES` in its unit.

    Raises:
        StudyError: a molecule is invalid; named.
    """
    atoms = np.zeros((len(table), MOST_ATOMS, 4), np.float32)
    for row, name, elements, positions in zip(
        atoms, table["XYZ_file"], table["Elements"], table["XYZ_Ang"], strict=True
    ):
        molecule = read_atoms(name, elements, positions)
        row[: len(molecule)] = molecule
    arrays = {"atoms": atoms}
    numbers = np.array(list(ATOMIC_NUMBERS.values()))
    composition = (atoms[:, :, :1] == numbers).sum(axis=1)
    for name, source in SOURCES.items():
        values = table[source.column].to_numpy(np.float64)
        bad = ~np.isfinite(values)
        if bad.any():
            molecule = table["XYZ_file"].iloc[int(np.argmax(bad))]
            raise StudyError(f"molecule {molecule}: {source.column} is no number")
        free = composition @ np.array(source.atoms)
        arrays[name] = ((values - free) * source.factor).astype(np.float32)
    return arrays


def read_atoms(name: str, elements: str, positions: str) -> Array:
    """(atoms, 4) float64 from a molecule's lists of elements and of positions, as text.

    Raises:
        StudyError: an unknown element, too many atoms, or positions that do not fit.
    """
    try:
        numbers = [ATOMIC_NUMBERS[symbol] for symbol in json.loads(elements.replace("'", '"'))]
        # By hand: the lists have numbers such as `1.`, which are not JSON.
        places = np.array(positions.replace("[", "").replace("]", "").split(","), np.float64)
    except (KeyError, ValueError) as error:
        raise StudyError(
            f"molecule {name}: {error} is no element of {', '.join(ATOMIC_NUMBERS)} or no number"
        ) from None
    if not 0 < len(numbers) <= MOST_ATOMS or places.size != 3 * len(numbers):
        raise StudyError(
            f"molecule {name}: {len(numbers)} atoms with {places.size} coordinates; expected are "
            f"1 to {MOST_ATOMS} atoms with three each"
        )
    return np.column_stack([numbers, places.reshape(-1, 3)])


def _verified_md5(path: Path) -> str:
    """MD5 of a table of the package, which must be the one of version 1.0.3."""
    if not path.is_file():
        raise StudyError(f"{path}: missing; install {PACKAGE}==1.0.3 again")
    found = md5_of(path)
    if found != FILES[path.name]:
        raise StudyError(
            f"{path}: MD5 is {found}, that of {PACKAGE} 1.0.3 is {FILES[path.name]}: the file was "
            f"altered or is of another version; install {PACKAGE}==1.0.3 again"
        )
    return found
