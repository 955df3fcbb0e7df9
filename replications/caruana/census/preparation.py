"""Census-Income (KDD): answers of people to the US Census Bureau's surveys of 1994 and 1995.

199,523 people to train and 99,762 to test, 42 columns without a head. What is left out:

- column 24, by how many people each answer counts, is no feature of a person;
- columns 41 (income), 7 (marital status) and 4 (education) are what is asked, and no inputs, as in
  Ma et al. (KDD 2018), of all tasks alike;
- rows of the test file that are in the training file as well, the weight included: 2.9 %.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from replications.caruana.census.options import CensusOptions
from replications.core.data.labels import Array
from replications.core.data.prepare import Prepared, tracked_md5
from replications.core.errors import StudyError
from replications.core.spec.reading import REPLICATIONS

COLUMNS = 42
NUMBERS = (0, 5, 16, 17, 18, 30, 39)
"""Age; dollars by the hour, gained, lost and from shares; people the employer has; weeks worked."""
DOLLARS = (5, 16, 17, 18)
WEIGHT, INCOME, MARRIED, EDUCATION = 24, 41, 7, 4
CATEGORIES = tuple(
    c for c in range(COLUMNS) if c not in {*NUMBERS, WEIGHT, INCOME, MARRIED, EDUCATION}
)
_RICH, _POOR = "50000+.", "- 50000."
_COLLEGE = ("Associates", "Bachelors", "Masters", "Prof school", "Doctorate")
_TOP = REPLICATIONS.parent


def prepare(options: CensusOptions, folder: Path | None = None) -> Prepared:
    """The dataset with as many people as asked for.

    Arguments:
        folder: of `train.csv` and `test.csv`; none given: where they are fetched to.

    Raises:
        StudyError: a file is missing, altered or no table of people, or has too few.
    """
    paths = [folder / Path(s).name if folder else _TOP / s for s in options.sources]
    record = _TOP / "data" / "census_income.dvc"
    md5 = {} if folder else {path.name: tracked_md5(path, record) for path in paths}
    training, test = (read_table(path) for path in paths)
    held_out = unseen(test, training)
    tables = split(training, held_out, options.people)
    vocabulary = categories_of(training)
    arrays = {name: encoded(table, tables["train"], vocabulary) for name, table in tables.items()}
    width = sum(map(len, vocabulary.values())) + len(NUMBERS)
    facts = {"width": width, "unseen": len(held_out), "test": len(test)}
    return Prepared(arrays.items(), md5, facts)


def read_table(path: Path) -> pd.DataFrame:
    """All columns as text, by their numbers.

    Raises:
        StudyError: it is no such table.
    """
    try:
        table = pd.read_csv(
            path, header=None, skipinitialspace=True, dtype=str, keep_default_na=False
        )
    except (OSError, ValueError) as error:
        raise StudyError(f"{path}: cannot be read as a table ({error})") from None
    if table.shape[1] != COLUMNS:
        raise StudyError(f"{path}: {table.shape[1]} columns; Census-Income has {COLUMNS}")
    if unknown := set(table[INCOME]) - {_RICH, _POOR}:
        raise StudyError(f"{path}: income {min(unknown)!r}; it should be {_RICH!r} or {_POOR!r}")
    return table


def unseen(test: pd.DataFrame, training: pd.DataFrame) -> pd.DataFrame:
    """The people of the test file who are not, in every column, in the training file."""
    # The weight too: people who merely answer alike, such as most children, differ in it.
    known = set(training.itertuples(index=False, name=None))
    fresh = [row not in known for row in test.itertuples(index=False, name=None)]
    return test[fresh]


def split(
    training: pd.DataFrame, held_out: pd.DataFrame, people: tuple[int, int, int]
) -> dict[str, pd.DataFrame]:
    """The first people of one random order of the training file, and of the halves of one of the
    test file.

    Raises:
        StudyError: more are asked for than there are.
    """
    # The stream of RandomState is frozen; those of newer generators may change with numpy.
    order = np.random.RandomState(0).permutation(len(training))
    others = np.random.RandomState(1).permutation(len(held_out))
    half = len(others) // 2
    parts = {
        "train": training.iloc[order],
        "val": held_out.iloc[others[:half]],
        "test": held_out.iloc[others[half:]],
    }
    for (name, part), wanted in zip(parts.items(), people, strict=True):
        if wanted > len(part):
            raise StudyError(
                f"{wanted} people for {name}; Census-Income has 1 to {len(part)} for it"
            )
    return {
        name: part.iloc[:wanted] for (name, part), wanted in zip(parts.items(), people, strict=True)
    }


def categories_of(training: pd.DataFrame) -> dict[int, list[str]]:
    """What each column of categories may hold, as the whole training file has it."""
    return {column: sorted(training[column].unique()) for column in CATEGORIES}


def encoded(
    table: pd.DataFrame, training: pd.DataFrame, vocabulary: dict[int, list[str]]
) -> dict[str, Array]:
    """Arrays over the people of `table`.

    Returns:
        `categories`, int16, (N, C): the unit of each column's category, from 1, 0 for one that
        training has not seen; `units`, int16, (N,): how many units there are; `numbers`, float32,
        (N, 7): standardised as in `training`, dollars as logarithms; bool, (N,), for each answer.
    """
    units, first = [], 1
    for column, known in vocabulary.items():
        place = pd.Series(range(first, first + len(known)), index=known)
        units.append(table[column].map(place).fillna(0).to_numpy(np.int16))
        first += len(known)
    numbers, reference = _numbers(table), _numbers(training)
    spread = reference.std(axis=0)
    numbers = (numbers - reference.mean(axis=0)) / np.where(spread > 0, spread, 1)
    arrays = {
        "categories": np.stack(units, axis=1),
        "units": np.full(len(table), first - 1, np.int16),
        "numbers": numbers.astype(np.float32),
    }
    return arrays | answers(table)


def answers(table: pd.DataFrame) -> dict[str, Array]:
    """bool, (N,): every answer; who is no child; and, shuffled, what somebody else answered."""
    found = {
        "income": (table[INCOME] == _RICH).to_numpy(),
        "never_married": (table[MARRIED] == "Never married").to_numpy(),
        "college": table[EDUCATION].str.startswith(_COLLEGE).to_numpy(),
        "adult": (table[EDUCATION] != "Children").to_numpy(),
    }
    order = np.random.RandomState(2).permutation(len(table))
    found |= {f"{name}_shuffled": found[name][order] for name in ("never_married", "college")}
    return found


def _numbers(table: pd.DataFrame) -> Array:
    values = table[list(NUMBERS)].astype(np.float64)
    values[list(DOLLARS)] = np.log1p(values[list(DOLLARS)])
    found: Array = values.to_numpy()
    return found
