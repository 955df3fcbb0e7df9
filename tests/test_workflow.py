"""The whole workflow on the micro study: from the bundled data to a PDF, and what happens when
something changes, breaks or is missing. The tests follow one project through its life, in order."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from conftest import ROOT

MODEL = Path("replications/uncertainty/model.py")
KEPT = ("replications/__init__.py", "replications/core/", "replications/uncertainty/")
FAMILY = Path("results/micro/kcc")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as a new user has it, in a folder of its own, with the one replication."""
    folder = tmp_path_factory.mktemp("clone")
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, files.split("\0")):
        others = name.startswith("replications/") and not name.startswith(KEPT)
        others |= name.startswith("results/published/")
        if (ROOT / name).is_file() and not others:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def snakemake(
    project: Path, *arguments: str, study: str = "micro"
) -> subprocess.CompletedProcess[str]:
    """Run the workflow of a study; both streams in `stdout`."""
    return subprocess.run(
        ["snakemake", "--cores", "2", *arguments, "--config", f"study={study}", "device=cpu"],
        cwd=project,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def planned(project: Path, *targets: str) -> dict[str, int]:
    """Jobs by rule that a call would run."""
    done = snakemake(project, "--dry-run", *targets)
    assert done.returncode == 0, done.stdout[-3000:]
    rows = re.findall(r"(?m)^(\w+) +(\d+)$", done.stdout)
    return {rule: int(count) for rule, count in rows if rule not in ("total", "all")}


@contextlib.contextmanager
def changed(path: Path, old: str, new: str) -> Iterator[None]:
    """Replace `old` by `new` in a file, and put it back, with its time stamp, afterwards."""
    before, times = path.read_text(encoding="utf-8"), path.stat()
    assert old in before
    path.write_text(before.replace(old, new, 1), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@contextlib.contextmanager
def restored(project: Path, tmp_path: Path) -> Iterator[None]:
    """Put back afterwards, with their time stamps, what was made and what Snakemake remembers."""
    made = ("results", ".snakemake", "paper", "data")
    for name in made:
        shutil.copytree(project / name, tmp_path / "kept" / name)
    try:
        yield
    finally:
        for name in made:
            shutil.rmtree(project / name)
            shutil.move(tmp_path / "kept" / name, project / name)


def test_a_killed_workflow_carries_on(project: Path) -> None:
    process = subprocess.Popen(
        ["snakemake", "--cores", "2", "--config", "study=micro", "device=cpu"],
        cwd=project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 240
    while not list(project.glob("results/micro/uncertainty/*/*/metrics.json")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = snakemake(project)
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_paper_and_the_tables_are_there(project: Path) -> None:
    assert (project / "paper" / "main.pdf").read_bytes().startswith(b"%PDF")
    results = project / FAMILY
    runs = pd.read_csv(results / "runs.csv")
    assert set(runs["role"]) == {"single", "multi"}
    assert set(runs["split"]) == {"train", "val", "test"}
    assert len(pd.read_csv(results / "costs.csv")) == 12
    assert set(pd.read_csv(results / "delta_m.csv")["definition"]) == {
        *("per_task_primary", "per_metric", "per_task_mean"),
    }
    assert set(pd.read_csv(results / "claims.csv")["verdict"]) == {"undecided"}


def test_numbers_in_the_paper_are_those_of_the_tables(project: Path) -> None:
    results = project / FAMILY
    runs = pd.read_csv(results / "runs.csv")
    chosen = runs[(runs["run"] == "uncertainty") & (runs["split"] == "test")]
    mean = chosen[chosen["metric"] == "centroid_l1"]["value"].mean()
    numbers = (results / "generated" / "numbers.tex").read_text(encoding="utf-8")
    key = r"uncertainty\.uncertainty\.instances\.centroid_l1\.mean"
    found = re.search(rf"\{{{key}\}}\{{([\d.]+)\}}", numbers)
    assert found is not None
    assert float(found.group(1)) == pytest.approx(mean, abs=0.06)
    text = subprocess.run(
        ["pdftotext", project / "paper" / "main.pdf", "-"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert found.group(1) in text


def test_every_run_is_in_the_supplement(project: Path) -> None:
    command = ["pdftotext", str(project / "paper" / "supplement.pdf"), "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True)
    runs = pd.read_csv(project / FAMILY / "runs.csv")
    assert all(run in text.stdout for run in runs["run"].unique())
    assert all(source in text.stdout for source in runs["source_hash"].unique())


def test_nothing_to_do_does_nothing(project: Path) -> None:
    assert planned(project) == {}


def test_a_comment_reruns_nothing(project: Path) -> None:
    with changed(project / MODEL, "class Trunk", "# A comment.\nclass Trunk"):
        assert planned(project) == {}
    loop = project / "replications" / "core" / "engine" / "loop.py"
    with changed(loop, "def train(", "# A comment.\ndef train("):
        assert planned(project) == {}


def test_a_change_of_the_model_retrains(project: Path) -> None:
    with changed(
        project / MODEL, "self.aspp(self.encoder(images))", "self.aspp(self.encoder(images * 1))"
    ):
        assert planned(project)["train"] == 12


def test_results_are_not_believed_without_their_origin(project: Path) -> None:
    """With Snakemake's own memory gone, and time stamps that say all is well."""
    shutil.rmtree(project / ".snakemake")
    assert planned(project) == {}
    path = project / "replications" / "uncertainty" / "replication.yaml"
    with changed(path, "      steps: 6\n", "      steps: 60\n"):
        assert planned(project)["train"] == 12
    with changed(project / MODEL, "encoder(images)", "encoder(images * 1)"):
        assert planned(project)["train"] == 12
    statistics = project / "replications" / "core" / "evidence" / "statistics.py"
    with changed(statistics, "ALPHA = 0.05", "ALPHA = 0.04"):
        assert set(planned(project)) >= {"summarise_uncertainty", "join_kcc", "paper_kcc"}
        assert "train" not in planned(project)
    folder = project / "results" / "micro" / "uncertainty" / "equal" / "0"
    with changed(folder / "provenance.json", '"torch": "', '"torch": "0.'):
        assert planned(project)["train"] == 1
    assert planned(project) == {}


def test_two_edits_in_a_row_are_both_seen(project: Path, tmp_path: Path) -> None:
    """Whose outputs were made anew once are made anew again: of a training and of the tables."""
    one = "results/micro/uncertainty/equal/0/metrics.json"
    tables = "results/micro/uncertainty/runs.csv"
    statistics = project / "replications" / "core" / "evidence" / "statistics.py"
    with restored(project, tmp_path):
        for level in ("0.03", "0.02"):
            with changed(statistics, "ALPHA = 0.05", f"ALPHA = {level}"):
                assert planned(project)["summarise_uncertainty"] == 1
                assert snakemake(project, tables).returncode == 0
        for factor in ("2", "3"):
            with changed(project / MODEL, "encoder(images)", f"encoder({factor} * images)"):
                assert planned(project)["train"] == 12
                assert snakemake(project, one).returncode == 0
        assert planned(project)["train"] == 1


def test_auto_is_cpu_where_there_is_no_gpu(project: Path) -> None:
    if shutil.which("nvidia-smi"):
        pytest.skip("there is a GPU")
    command = ["snakemake", "--dry-run", "--config", "study=micro", "device=auto"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    assert "Nothing to be done" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("kcc/generated/numbers.tex", "{uncertainty.steps}{6}", "{uncertainty.steps}{600}"),
        ("uncertainty/equal/0/metrics.json", '"value": ', '"value": 1'),
        ("uncertainty/runs.csv", ",val,", ",test,"),
        ("uncertainty/numbers.tex", "{uncertainty.steps}{6}", "{uncertainty.steps}{600}"),
    ],
)
def test_a_number_edited_by_hand_does_not_reach_the_paper(
    project: Path, file: str, old: str, new: str
) -> None:
    path = project / "results" / "micro" / file
    with changed(path, old, new):
        # What is made from it is asked for, as after any other change.
        others = [] if "numbers" not in file else ["-R", "join_kcc", "--until", "join_kcc"]
        done = snakemake(project, *(others if file.startswith("uncertainty") else []))
        assert done.returncode != 0
        assert f"{file}: not what was written there" in done.stdout
    assert snakemake(project, file.partition("/")[0]).returncode == 0


def test_a_failing_rerun_keeps_what_is_there(project: Path, tmp_path: Path) -> None:
    """Of a training that cannot run, and of arrays that cannot be prepared again."""
    run = Path("results/micro/uncertainty/equal/0")
    prepared = project / "data" / "prepared" / "streets-32x64"

    def made() -> dict[Path, bytes]:
        files = (*(project / run).iterdir(), *prepared.iterdir())
        return {path: path.read_bytes() for path in files}

    before = made()
    archive = project / "data" / "streets" / "train.tar"
    with restored(project, tmp_path):
        with changed(project / MODEL, "class Trunk(nn.Module):", "class Trunk(no.Module):"):
            assert snakemake(project, "-f", f"{run}/metrics.json").returncode != 0
        archive.write_bytes(archive.read_bytes()[:-1000])
        done = snakemake(project, "-f", f"{prepared.relative_to(project)}/dataset.json")
        assert done.returncode != 0
        assert "altered or cut short" in done.stdout
        assert made() == before
    assert snakemake(project).returncode == 0


def test_another_replication_is_left_alone(project: Path) -> None:
    """A second replication with the same runs: changing one model retrains that one only."""
    folder = project / "replications" / "second"
    # What the first declares, the second uses and need not declare again.
    declared = shutil.ignore_patterns("objective", "instances")
    shutil.copytree(project / "replications" / "uncertainty", folder, ignore=declared)
    for file in folder.glob("*.py"):
        file.write_text(file.read_text().replace("replications.uncertainty", "replications.second"))
    try:
        assert planned(project)["train"] == 12
        with changed(project / MODEL, "encoder(images)", "encoder(images * 1)"):
            assert planned(project)["train"] == 24
        with changed(folder / "model.py", "encoder(images)", "encoder(images * 1)"):
            assert planned(project)["train"] == 12
    finally:
        shutil.rmtree(folder)
    assert planned(project) == {}


def test_text_of_the_paper_rebuilds_the_paper_only(project: Path) -> None:
    text = project / "paper" / "kcc" / "main.tex"
    with changed(text, "\\section{서론}", "\\section{서론}\n% text\n"):
        assert planned(project) == {"paper_kcc": 1, "page": 1}


def test_a_paper_that_fails_its_checks_fails_again(project: Path) -> None:
    """The paper of before stays where it is, and is not taken for the one that failed."""
    text, paper = project / "paper" / "kcc" / "main.tex", project / "paper" / "main.pdf"
    before = paper.read_bytes()
    with changed(text, "\\section{서론}", "\\section{서론} 그림~\\ref{fig:none}"):
        for _ in range(2):
            done = snakemake(project)
            assert done.returncode != 0
            assert "error: paper_kcc: paper/main.refused.pdf breaks the rules" in done.stdout
            assert "Traceback" not in done.stdout
            assert paper.read_bytes() == before
    assert planned(project) == {"paper_kcc": 1, "page": 1}
    assert snakemake(project).returncode == 0


def test_one_replication_and_one_run_can_be_asked_for(project: Path) -> None:
    shutil.rmtree(project / "results" / "micro" / "uncertainty" / "equal" / "1")
    done = snakemake(project, "uncertainty")
    assert done.returncode == 0, done.stdout[-3000:]
    assert (project / "results/micro/uncertainty/equal/1/metrics.json").is_file()
    log = project / "results" / "micro" / "logs" / "train" / "uncertainty" / "equal" / "1.log"
    assert "step 6/6" in log.read_text()


def test_in_a_terminal_one_line_stays(project: Path) -> None:
    """What jobs say is in their logs, and a page tells of those under way."""
    shutil.rmtree(project / "results" / "micro" / "uncertainty" / "equal" / "1")
    command = ["snakemake", "--cores", "1", "uncertainty", "--config", "study=micro", "device=cpu"]
    primary, secondary = pty.openpty()
    running = subprocess.Popen(command, cwd=project, stdout=secondary, stderr=secondary)
    os.close(secondary)
    said = b""
    with contextlib.suppress(OSError):  # raised at the end
        while part := os.read(primary, 1 << 16):
            said += part
    os.close(primary)
    assert running.wait() == 0
    started = said.decode().partition("Job stats")[2]
    assert "\r\x1b[2K[study micro] 0 of 1 trainings" in started
    assert "1 of 1 trainings, 100 % of the work" in started
    assert started.count("\n") < 20
    assert "step 6/6" not in started
    log = project / "results" / "micro" / "logs" / "train" / "uncertainty" / "equal" / "1.log"
    assert "step 6/6" in log.read_text(encoding="utf-8")
    page = (project / "results" / "micro" / "watch.html").read_text(encoding="utf-8")
    assert "1 of 1 trainings, 100 % of the work; 0:00:00 left. Done." in page


def test_an_error_in_a_model_is_named(project: Path) -> None:
    with changed(project / MODEL, "class Trunk", "clas Trunk"):
        done = snakemake(project, "--dry-run")
    assert done.returncode != 0
    assert re.search(r"replications/uncertainty/model.py: line \d+: invalid syntax", done.stdout)


def test_a_typo_in_the_configuration_is_refused_before_anything_runs(project: Path) -> None:
    path = project / "replications" / "uncertainty" / "replication.yaml"
    with changed(path, "batch_size: 8", "batchsize: 8"):
        done = snakemake(project)
    assert done.returncode != 0
    assert "batchsize: unknown key; allowed: data, steps, batch_size" in done.stdout
    assert "Traceback" not in done.stdout


def test_an_altered_data_file_is_refused_and_restored(project: Path, tmp_path: Path) -> None:
    archive = project / "data" / "streets" / "val.tar"
    whole = archive.read_bytes()
    prepared = "data/prepared/streets-32x64/dataset.json"
    with restored(project, tmp_path):
        content = bytearray(whole)
        content[5000] ^= 1
        archive.write_bytes(content)
        done = snakemake(project)
        assert done.returncode != 0
        assert "altered or cut short. Delete it and run again" in done.stdout
        archive.unlink()
        done = snakemake(project, prepared)
        assert done.returncode == 0, done.stdout[-3000:]
        assert archive.read_bytes() == whole


def test_an_altered_byte_in_the_bundle_is_refused(project: Path, tmp_path: Path) -> None:
    """DVC verifies what it pulls; a damaged bundle never becomes data."""
    broken = tmp_path / "broken"
    shutil.copytree(project / ".dvc" / "bundled", broken / ".dvc" / "bundled")
    for name in (".dvc/config", "data.dvc"):
        shutil.copy(project / name, broken / name)
    subprocess.run(["git", "init", "--quiet"], cwd=broken, check=True)
    subprocess.run(["dvc", "pull", "--quiet"], cwd=broken, check=True)
    shutil.rmtree(broken / ".dvc" / "cache")
    shutil.rmtree(broken / "data")
    victim = next(p for p in (broken / ".dvc" / "bundled").rglob("*") if p.is_file())
    victim.chmod(0o644)
    content = bytearray(victim.read_bytes())
    content[5000] ^= 1
    victim.write_bytes(content)
    done = subprocess.run(["dvc", "pull"], cwd=broken, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert len(list(broken.glob("data/streets/*.tar"))) == 2


def test_a_download_without_git_fetches_its_data(project: Path, tmp_path: Path) -> None:
    """What a zip of the project holds is enough."""
    download = tmp_path / "a download"
    for name in ("workflow", "replications", "config", ".dvc/bundled", "paper"):
        shutil.copytree(project / name, download / name, symlinks=True)
    shutil.copy(project / ".dvc" / "config", download / ".dvc" / "config")
    (download / "data").mkdir()
    for path in [project / "data.dvc", *project.glob("data/*.dvc")]:
        shutil.copy(path, download / path.relative_to(project))
    target = "data/streets/train.tar"
    done = subprocess.run(
        ["snakemake", "--cores", "1", target], cwd=download, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (download / target).is_file()


def test_a_full_disk_is_a_clear_error_and_leaves_nothing_half_written(project: Path) -> None:
    """Results on a tmpfs too small for them."""
    results = project / "results" / "micro" / "uncertainty" / "single_depth"
    shutil.rmtree(results)
    results.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(results)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs root")
    try:
        done = snakemake(project, "uncertainty")
        assert done.returncode != 0
        assert "No space left on device" in done.stdout
        assert not list(results.rglob("metrics.json"))
        assert not list(results.rglob("*.part"))
    finally:
        subprocess.run(["umount", str(results)], check=True)
    done = snakemake(project, "uncertainty")
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_second_snakemake_in_the_same_folder_is_refused(project: Path) -> None:
    shutil.rmtree(project / "results" / "micro" / "uncertainty" / "equal")
    first = subprocess.Popen(
        ["snakemake", "--cores", "1", "uncertainty", "--config", "study=micro", "device=cpu"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert first.stdout is not None
    for line in first.stdout:
        if "rule train" in line:
            break
    second = snakemake(project, "uncertainty")
    rest = first.communicate()[0]
    assert second.returncode != 0
    assert "another snakemake is at work in this folder" in second.stdout
    assert first.returncode == 0, rest[-3000:]


def test_retraining_gives_the_same_tables(project: Path) -> None:
    """What the previous test trained again equals, bit for bit, what stood in the study's table."""
    before = (project / FAMILY / "runs.csv").read_bytes()
    assert snakemake(project).returncode == 0
    assert (project / FAMILY / "runs.csv").read_bytes() == before


def test_provenance_names_data_and_source(project: Path) -> None:
    path = project / "results" / "micro" / "uncertainty" / "equal" / "0" / "provenance.json"
    origin = json.loads(path.read_text(encoding="utf-8"))
    record = (project / "data.dvc").read_text(encoding="utf-8")
    assert all(md5 in record for md5 in origin["data"]["md5"].values())
    assert origin["command"][:3] == ["python", "-m", "replications.core.engine.train"]


def test_published_results_make_the_paper_and_are_compared(project: Path) -> None:
    published = snakemake(project, "publish")
    assert published.returncode == 0, published.stdout[-3000:]
    origins = pd.read_csv(project / "results" / "published" / "uncertainty" / "provenance.csv")
    assert len(origins) == 12
    page = (project / "results" / "published" / "README.md").read_text(encoding="utf-8")
    assert "| 2 | Uncertainty weighting beats equal weights on every task | undecided" in page
    draft = snakemake(project, "draft")
    assert draft.returncode == 0, draft.stdout[-3000:]
    answers = project / "replications" / "core" / "evidence" / "answers.py"
    with changed(answers, "import pandas as pd", "import pandas as pd\n\nOTHER = 1"):
        assert set(planned(project, "draft")) == {"join_published_kcc", "draft_kcc", "draft"}
    with changed(project / "results/published/uncertainty/claims.csv", "undecided", "reproduced"):
        refused = snakemake(project, "-f", "join_published_kcc")
        assert refused.returncode != 0
        assert "uncertainty/claims.csv: not what was written there" in refused.stdout
    assert snakemake(project, "draft").returncode == 0
    paper = project / "paper"
    assert (paper / "draft.pdf").read_bytes() == (paper / "main.pdf").read_bytes()
    site = snakemake(project, "site")
    assert site.returncode == 0, site.stdout[-3000:]
    made = project / "results" / "site"
    assert (made / "draft.pdf").read_bytes() == (paper / "draft.pdf").read_bytes()
    own = project / "results" / "micro" / "index.html"
    pages = [page.read_text(encoding="utf-8") for page in (made / "index.html", own)]
    assert [re.findall(r'href="([^"]*\.pdf)"', page) for page in pages] == [
        ["draft.pdf"],
        ["../../paper/main.pdf", "../../paper/supplement.pdf"],
    ]
    data = [page.partition('id="data">')[2].partition("</script>")[0] for page in pages]
    figures = [json.loads(text)["plots"] for text in data]
    assert figures[0] == figures[1] != {}
    assert planned(project) == {"compare_kcc": 1}
    assert snakemake(project).returncode == 0
    comparison = pd.read_csv(project / FAMILY / "published.csv")
    assert set(comparison["outcome"]) == {"identical"}


def test_published_runs_are_restored_instead_of_trained(project: Path, tmp_path: Path) -> None:
    elsewhere = snakemake(project, "restore", study="quick")
    assert elsewhere.returncode != 0
    assert "Published are, each with its study: uncertainty (micro)" in elsewhere.stdout
    results = project / "results" / "micro"
    with restored(project, tmp_path):
        before = (results / "uncertainty" / "runs.csv").read_bytes()
        single = results / "uncertainty" / "single_depth" / "0"
        shutil.move(single, tmp_path / "single")
        shutil.rmtree(results)
        shutil.move(tmp_path / "single", single)
        own = (single / "provenance.json").read_bytes()
        done = snakemake(project, "restore")
        assert done.returncode == 0, done.stdout[-3000:]
        assert "results/micro/uncertainty: 12 folders restored" in done.stdout
        assert (single / "provenance.json").read_bytes() == own
        # A run, and every table and figure; none of the other eleven, and no floor.
        file = (single / "metrics.json").relative_to(project)
        again = snakemake(project, "-f", str(file), "uncertainty")
        assert again.returncode == 0, again.stdout[-3000:]
        logs = (results / "logs" / "train").rglob("*.log")
        assert sum("starting (no checkpoint)" in log.read_text() for log in logs) == 1
        assert (results / "uncertainty" / "runs.csv").read_bytes() == before
        assert not (results / "logs" / "floor").exists()


def test_report(project: Path) -> None:
    done = snakemake(project, "--report", "report.html")
    assert done.returncode == 0, done.stdout[-3000:]
    page = (project / "report.html").read_text(encoding="utf-8")
    for name in ("figure_examples", "figure_plane", "runs.csv", "main.pdf", "supplement.pdf"):
        assert name in page


def opened(page: Path) -> tuple[str, list[str]]:
    """The document Chromium makes of a page, and what the page says on the console."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium to open the report in; .ci/run installs one")
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    command += ["--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout, re.findall(r":CONSOLE:\d+\] (.*)", done.stderr)


def test_report_in_a_browser(project: Path, tmp_path: Path) -> None:
    """The page draws its menu without an error, and every figure in it is an image."""
    report = project / "report.html"
    document, console = opened(report)
    # Snakemake's page carries a style sheet that warns of its use in production.
    assert [line for line in console if "tailwindcss" not in line] == []
    for category in ("Overview", "Paper", "Tables", "uncertainty"):
        assert f">{category}<" in document
    figure = r"data:image/svg[^\"]+filename=figure_[^\"]+"
    images = re.findall(figure, report.read_text(encoding="utf-8"))
    assert len(images) >= 4
    gallery = tmp_path / "gallery.html"
    tags = "".join(f'<img src="{image}" onerror="console.error(this.src)">' for image in images)
    script = "onload=()=>document.title=[...document.images].filter(i=>i.naturalWidth).length"
    gallery.write_text(f"<html><body>{tags}<script>{script}</script></body></html>")
    document, console = opened(gallery)
    assert console == []
    assert f"<title>{len(images)}</title>" in document
