"""What others read of the project: the schema of its configuration, its entry in the catalogue of
workflows, what a server is to run."""

from __future__ import annotations

import json

import yaml
from snakemake.utils import validate

from conftest import ROOT
from replications.core.spec.study import StudyConfig


def test_the_schema_is_that_of_the_configuration() -> None:
    schema = json.loads((ROOT / "config" / "schema.json").read_text(encoding="utf-8"))
    assert schema.pop("$schema").startswith("https://json-schema.org/")
    assert schema == StudyConfig.model_json_schema()
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    validate(config, str(ROOT / "config" / "schema.json"))
    described = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{key}` |" in described for key in StudyConfig.model_fields)


def test_the_catalogue_finds_what_it_asks_for() -> None:
    """Its rules: the Snakefile and the configuration's page in their places, and how it is used."""
    entry = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))
    usage = entry["usage"]
    assert {"mandatory-flags", "software-stack-deployment", "report"} <= set(usage)
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    assert all(isinstance(v, bool) for v in usage["software-stack-deployment"].values())
    for file in ("workflow/Snakefile", "config/README.md", "config/config.yaml", "LICENSE"):
        assert (ROOT / file).is_file()


def test_a_server_runs_the_two_commands_and_the_linters() -> None:
    path = ROOT / ".github" / "workflows" / "study.yml"
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    commands = [step["run"] for step in jobs["build"]["steps"] if "run" in step]
    assert [command.split()[:2] for command in commands] == [
        ["make", "PYTHON=python3"],
        ["make", "lint"],
        ["make", "test"],
    ]
    page = " ".join(step.get("run", "") for step in jobs["page"]["steps"])
    assert "snakemake --cores all site" in page
