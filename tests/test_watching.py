"""The page on a study while it trains: made from what the logs of its trainings say."""

from __future__ import annotations

import re
from pathlib import Path

from replications.core.engine.progress import Progress
from replications.core.page.watching import HEIGHT, WIDTH, followed, write_watch


def test_losses_are_read_from_the_log_of_a_training(tmp_path: Path, capfd: object) -> None:
    """As `Progress` writes it, between other lines."""
    progress = Progress("uncertainty/equal seed 0", 0, 40)
    log = tmp_path / "0.log"
    for done, losses in ((10, {"depth": 4.0, "semseg": 2.0}), (40, {"depth": 1.0, "semseg": 2.0})):
        progress.last = -1e9
        progress.step(done, losses)
    written = capfd.readouterr().err  # type: ignore[attr-defined]
    log.write_text(f"[uncertainty/equal seed 0] starting (no checkpoint)\n{written}", "utf-8")
    found = followed("equal", log)
    assert (found.steps, found.of) == ([10, 40], 40)
    assert found.losses == {"depth": [4.0, 1.0], "semseg": [2.0, 2.0]}
    depth, semseg = found.lines
    # From the top to a quarter of the height; and level at the top.
    assert depth[2] == f"{WIDTH / 4:.1f},0.0 {WIDTH:.1f},{HEIGHT * 0.75:.1f}"
    assert semseg[2] == f"{WIDTH / 4:.1f},0.0 {WIDTH:.1f},0.0"


def test_the_page_tells_what_runs_and_what_is_left(tmp_path: Path) -> None:
    log = tmp_path / "0.log"
    log.write_text("[a] step 5/20  loss depth 0.5  normals 0.25  ETA 0:00:30\n", "utf-8")
    running = [followed("nash seed 0", log), followed("uw seed <1>", tmp_path / "none.log")]
    path = tmp_path / "watch.html"
    counts = {"nash_mtl": (3, 12), "multinet": (0, 4)}
    write_watch(path, "cpu", "3 of 16 trainings, 20 % of the work; 0:10:00 left", counts, running)
    text = path.read_text("utf-8")
    assert "0:10:00 left" in text
    assert re.findall(r"<td>(\d+ of \d+)</td>", text) == ["3 of 12", "0 of 4"]
    assert "step 5 of 20, 0:00:30 left" in text
    assert text.count("<polyline") == 2
    assert "uw seed &lt;1&gt;" in text
    assert 'http-equiv="refresh"' in text
