"""QM9: its reader against the genuine package, its metric, and the message passing network."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torchmetrics
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from replications.core.data.batches import Split, read_description, read_split
from replications.core.data.prepare import write
from replications.core.engine.cost import inference_cost
from replications.core.engine.evaluate import evaluate, examples
from replications.core.errors import StudyError
from replications.core.nets.shared_trunk import SharedTrunk
from replications.core.spec import Settings, load_plan
from replications.nash_qm9.message_passing import EdgeNetwork, MessagePassing, Set2Set, pairs_of
from replications.nash_qm9.model import build_model
from replications.nash_qm9.molecules.options import PROPERTIES, PropertyOptions
from replications.nash_qm9.molecules.task import MoleculeProperty, Statistics, build
from replications.nash_qm9.options import ModelOptions
from replications.nash_qm9.qm9 import preparation as qm9
from replications.nash_qm9.qm9.decoding import Molecules
from replications.nash_qm9.qm9.options import QM9Options

DATA = QM9Options(molecules=(40, 10, 20))
OPTIONS = ModelOptions(dim=8, hidden=6, distances=5)
CPU = torch.device("cpu")


def split_of(prepared: Path, split: str, labels: Collection[str] = ()) -> Split:
    """A split of the prepared molecules."""
    return read_split(prepared, split, labels, CPU, Molecules(DATA))


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """All molecules of the genuine package."""
    return qm9.read_table(qm9.package_folder())


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few molecules, prepared."""
    folder = tmp_path_factory.mktemp("prepared") / "qm9-40x10x20"
    write(DATA, qm9.prepare(DATA), folder)
    return folder


@pytest.fixture(scope="module")
def molecules(prepared: Path) -> Tensor:
    """(20, 29, 4), the molecules of the test split."""
    return split_of(prepared, "test").inputs["atoms"]


def test_methane_by_hand(table: pd.DataFrame) -> None:
    """The first molecule, whose energies of atomisation MoleculeNet prints in kcal/mol."""
    arrays = qm9.stacked(table[table["XYZ_file"] == "dsgdb9nsd_000001.xyz"])
    atoms = arrays["atoms"][0]
    assert atoms.shape == (29, 4)
    assert atoms[:6, 0].tolist() == [6, 1, 1, 1, 1, 0]
    assert not atoms[5:].any()
    bonds = np.linalg.norm(atoms[1:5, 1:] - atoms[0, 1:], axis=1)
    assert bonds == pytest.approx([1.092] * 4, abs=1e-3)
    kcal_mol = 43.364106  # meV
    expected = {
        "mu": 0.0,
        "alpha": 13.21,
        "homo": -0.3877 * 27211.386,
        "lumo": 0.1171 * 27211.386,
        "r2": 35.3641,
        "zpve": 0.044749 * 27211.386,
        "u0": -395.999594594 * kcal_mol,
        "u298": -398.643290011 * kcal_mol,
        "h298": -401.014646522 * kcal_mol,
        "g298": -372.471772148 * kcal_mol,
        "cv": 6.469,
    }
    assert {name: float(arrays[name][0]) for name in PROPERTIES} == pytest.approx(
        expected, rel=1e-5
    )


def test_all_molecules_are_there_and_orbitals_are_apart(table: pd.DataFrame) -> None:
    assert len(table) == table["XYZ_file"].nunique() == 130_831
    assert (table["HOMO_au"] < table["LUMO_au"]).all()


def test_full_splits_use_every_molecule_once() -> None:
    splits = qm9.splits({"train": 110_831, "val": 10_000, "test": 10_000})
    assert np.array_equal(np.sort(np.concatenate(list(splits.values()))), np.arange(130_831))


@given(st.integers(1, 110_831), st.integers(1, 10_000), st.integers(1, 10_000))
@settings(max_examples=10, deadline=None)
def test_splits_are_disjoint_and_nest(train: int, val: int, test: int) -> None:
    small = qm9.splits({"train": train, "val": val, "test": test})
    full = qm9.splits({"train": 110_831, "val": 10_000, "test": 10_000})
    assert {name: len(rows) for name, rows in small.items()} == {
        "train": train,
        "val": val,
        "test": test,
    }
    for name, rows in small.items():
        assert np.array_equal(rows, full[name][: len(rows)])


def test_more_molecules_than_there_are() -> None:
    with pytest.raises(StudyError, match="10001 molecules for val; QM9 has 1 to 10000"):
        qm9.splits({"train": 5, "val": 10_001, "test": 5})


def test_an_altered_table_is_refused(tmp_path: Path) -> None:
    folder = qm9.package_folder()
    for name in qm9.FILES:
        (tmp_path / name).symlink_to(folder / name)
    first, *_ = qm9.FILES
    content = bytearray((folder / first).read_bytes())
    content[-2] ^= 1
    (tmp_path / first).unlink()
    (tmp_path / first).write_bytes(content)
    with pytest.raises(StudyError) as error:
        write(DATA, qm9.prepare(DATA, tmp_path), tmp_path / "out")
    assert str(tmp_path / first) in str(error.value)
    assert qm9.FILES[first] in str(error.value)
    assert "install qm9pack==1.0.3 again" in str(error.value)
    (tmp_path / first).unlink()
    with pytest.raises(StudyError, match=f"{first}: missing"):
        write(DATA, qm9.prepare(DATA, tmp_path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qm9, "PACKAGE", "qm9unpacked")
    with pytest.raises(StudyError, match="qm9unpacked is not installed; `make setup`"):
        qm9.package_folder()


@pytest.mark.parametrize(
    ("elements", "positions", "message"),
    [
        ("['C','Xe']", "[[0.,0.,0.],[0.,0.,1.]]", "'Xe'"),
        ("['C','H']", "[[0.,0.,0.]]", "2 atoms with 3 coordinates"),
        ("['C']", "[[0.,0.,?]]", "no number"),
        ("[]", "[[0.,0.,0.]]", "0 atoms"),
        (json.dumps(["H"] * 30), str([[0.0] * 3] * 30), "30 atoms"),
    ],
)
def test_an_invalid_molecule_is_named(elements: str, positions: str, message: str) -> None:
    with pytest.raises(StudyError, match="molecule m7") as error:
        qm9.read_atoms("m7", elements, positions)
    assert message in str(error.value)


def test_a_missing_property_is_named(table: pd.DataFrame) -> None:
    rows = table.iloc[:3].copy()
    rows.loc[1, "LUMO_au"] = np.nan
    with pytest.raises(StudyError, match=r"molecule dsgdb9nsd_000002.xyz: LUMO_au"):
        qm9.stacked(rows)


def test_statistics_are_those_of_the_training_split(prepared: Path) -> None:
    description = read_description(prepared)
    assert (description.name, description.variant) == ("qm9", "40x10x20")
    assert description.splits == {"train": 40, "val": 10, "test": 20}
    labels = split_of(prepared, "train", PROPERTIES).labels
    for name, unit in PROPERTIES.items():
        found = Statistics(**description.facts["properties"][name])
        assert found.unit == unit
        assert found.mean == pytest.approx(labels[name].mean().item(), rel=1e-5)
        assert found.spread == pytest.approx(labels[name].std(correction=0).item(), rel=1e-5)


def test_loss_and_error_against_torch_and_torchmetrics() -> None:
    generator = torch.Generator().manual_seed(0)
    task = MoleculeProperty("u0", Statistics(-70_000.0, 10_000.0, "meV"))
    truth = -70_000 + 10_000 * torch.randn(25, generator=generator)
    standardised = torch.randn(25, 1, generator=generator)
    target = (truth - -70_000) / 10_000
    expected = nn.functional.mse_loss(standardised[:, 0], target)
    assert task.loss(standardised, {"u0": truth}).item() == pytest.approx(expected.item())
    ours, theirs = task.accumulator(complete=True), torchmetrics.MeanAbsoluteError()
    for part in torch.arange(25).split(7):
        ours.update(standardised[part], {"u0": truth[part]})
        theirs.update(10_000 * standardised[part, 0] - 70_000, truth[part])
    found = ours.compute()["mae"]
    assert found.value == pytest.approx(theirs.compute().item(), rel=1e-5)
    assert (found.unit, found.higher_is_better) == ("meV", False)


def test_no_molecule_no_metric() -> None:
    task = MoleculeProperty("mu", Statistics(0.0, 1.0, "D"))
    assert task.accumulator(complete=True).compute() == {}


def test_tasks_of_the_other_kind_of_dataset(prepared: Path) -> None:
    assert build("homo", PropertyOptions(), read_description(prepared)).name == "homo"
    settings = load_plan("nash_qm9", "quick").settings.model_dump()
    Settings.model_validate(settings | {"tasks": {"homo": {}}})
    with pytest.raises(ValueError, match="'depth' needs depth, which dataset qm9 does not have"):
        Settings.model_validate(settings | {"tasks": {"depth": {}}})
    pictures = {"name": "streets", "size": [128, 256]}
    with pytest.raises(ValueError, match="'homo' needs homo, which dataset streets does not have"):
        Settings.model_validate(settings | {"data": pictures, "tasks": {"homo": {}}})


def by_edges(network: MessagePassing, molecule: Tensor) -> Tensor:
    """The network on one molecule, (N, 4) without padding, edge by edge: a matrix per edge,
    messages scattered by index_add, and torch's own recurrent layers."""
    n, dim = len(molecule), network.embedding.out_features
    source, target = (index for index in torch.ones(n, n).fill_diagonal_(0).nonzero().T)
    distance = (molecule[source, 1:] - molecule[target, 1:]).norm(dim=1)
    features = torch.exp(-0.5 * ((distance[:, None] - network.centres) / network.width) ** 2)
    hidden = torch.relu(network.message.hidden(features))
    weight = network.message.out.weight
    *terms, constant, root = weight.split(dim, dim=1)
    matrices = constant + torch.einsum("ek,koc->eoc", hidden, torch.stack(terms))
    state = torch.relu(network.embedding((molecule[:, :1] == network.numbers).float()))
    for _ in range(network.steps):
        messages = torch.einsum("eoc,ec->eo", matrices, state[source])
        total = torch.zeros(n, dim).index_add(0, target, messages)
        message = torch.relu(state @ root.T + total / max(n - 1, 1) + network.message.out.bias)
        state = network.update(message, state)
    query, cell, read = torch.zeros(dim), torch.zeros(dim), torch.zeros(2 * dim)
    for _ in range(network.readout.steps):
        query, cell = network.readout.memory(read, (query, cell))
        read = torch.cat([query, (state @ query).softmax(dim=0) @ state])
    return torch.relu(network.out(read))


@torch.no_grad()
def test_the_network_is_the_one_that_goes_edge_by_edge(molecules: Tensor) -> None:
    torch.manual_seed(0)
    network = MessagePassing(OPTIONS)
    found = network(molecules)
    assert found.shape == (len(molecules), OPTIONS.dim)
    assert found.abs().max() > 1e-3
    for row, molecule in zip(found, molecules, strict=True):
        expected = by_edges(network, molecule[molecule[:, 0] > 0])
        torch.testing.assert_close(row, expected, rtol=1e-4, atol=1e-5)


def test_pairs_are_different_atoms_of_one_molecule() -> None:
    present = torch.tensor([[True, True, True, False], [True, False, False, False]])
    pairs = pairs_of(present)
    assert torch.equal(pairs[0, :3, :3], (1 - torch.eye(3)) / 2)
    assert not pairs[0, 3].any()
    assert not pairs[0, :, 3].any()
    assert not pairs[1].any()


@given(st.permutations(range(18)), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
@torch.no_grad()
def test_order_place_orientation_and_padding_do_not_matter(order: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(1)
    network = MessagePassing(OPTIONS)
    numbers = network.numbers[torch.randint(5, (18, 1), generator=generator)]
    places = 4 * torch.rand(18, 3, generator=generator)
    molecule = torch.cat([numbers.float(), places], dim=1)
    rotation, _ = torch.linalg.qr(torch.randn(3, 3, generator=generator))
    moved = torch.cat([numbers.float(), places @ rotation + 3], dim=1)[order]
    padded = nn.functional.pad(moved, (0, 0, 0, 11))
    larger = torch.cat([molecule, molecule + torch.tensor([0.0, 9, 9, 9])])[:29]
    batch = torch.stack([padded, larger])
    expected = network(molecule[None])[0]
    torch.testing.assert_close(network(batch)[0], expected, rtol=1e-3, atol=1e-4)


def test_messages_tell_distances_and_elements_apart() -> None:
    torch.manual_seed(0)
    network = MessagePassing(OPTIONS)
    near = torch.tensor([[6.0, 0, 0, 0], [8.0, 0, 0, 1.1]])
    far, other = near.clone(), near.clone()
    far[1, 3], other[1, 0] = 1.4, 7.0
    found = network(torch.stack([near, far, other]))
    assert not torch.allclose(found[0], found[1], atol=1e-4)
    assert not torch.allclose(found[0], found[2], atol=1e-4)


def test_single_atom_has_no_messages_and_no_nan() -> None:
    network = MessagePassing(OPTIONS)
    found = network(torch.tensor([[[6.0, 0, 0, 0], [0, 0, 0, 0]]]))
    found.sum().backward()
    assert found.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_parts_have_the_size_their_papers_give_them() -> None:
    edges, readout = EdgeNetwork(8, 5, 6), Set2Set(8, 3)
    assert edges.out.weight.numel() == 8 * 8 * (6 + 1) + 8 * 8
    assert readout(torch.zeros(2, 4, 8), torch.ones(2, 4, dtype=torch.bool)).shape == (2, 16)


def model() -> SharedTrunk:
    return build_model({"mu": 1, "u0": 1}, OPTIONS, 0)


def test_single_and_joint_start_alike() -> None:
    joint, single = model(), build_model({"u0": 1}, OPTIONS, 0)
    for name, values in single.state_dict().items():
        assert torch.equal(values, joint.state_dict()[name])


def test_evaluation_examples_and_cost_of_molecules(prepared: Path) -> None:
    description = read_description(prepared)
    tasks = {name: build(name, PropertyOptions(), description) for name in ("mu", "u0")}
    test = split_of(prepared, "test", ["mu", "u0"])
    network = model()
    shown = examples(network, tasks, test)
    assert shown["atoms"].shape == (20, 29, 4)
    for name in tasks:
        error = np.abs(shown[f"predicted_{name}"].astype(float) - shown[f"truth_{name}"]).mean()
        found = evaluate(network, tasks, test)[name]["mae"].value
        assert found == pytest.approx(error, rel=1e-4)
    cost = inference_cost(network, test.batch(torch.tensor([0])).inputs, repeats=3)
    assert cost["parameters"] == sum(p.numel() for p in network.parameters())
    # A molecule's pairs of atoms through the hidden layer of the edge network, at the least.
    atoms = int((test.inputs["atoms"][0, :, 0] > 0).sum())
    assert cost["flops"] > 2 * atoms**2 * OPTIONS.distances * OPTIONS.hidden
