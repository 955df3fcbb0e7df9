"""The page of results, made from what is published, as a reader uses it in a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from conftest import ROOT
from replications.core.data.prepare import write
from replications.core.data.streets.options import StreetsOptions
from replications.core.data.streets.preparation import prepare
from replications.core.evidence.study import Results, load_results
from replications.core.page.slides import slides
from replications.core.page.text import from_latex

NAMES = ("uncertainty", "mti_net")
FIELDS = ("replication", "role", "split", "task", "metric")


def test_samples_that_were_not_passed_on_are_no_slides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the learner has found out is kept of them."""
    results = replace(load_results(ROOT / "results" / "published" / "adashare"), folder=tmp_path)
    kept = tmp_path / results.plan.replication.reference / "0" / "examples.npz"
    kept.parent.mkdir(parents=True)
    kept.touch()
    monkeypatch.setattr(Results, "examples", lambda *_: {"learned_policy": np.zeros(3)})
    assert not list(slides(results))


@pytest.mark.parametrize(
    ("latex", "html"),
    [
        (r"$\Delta_m^{\mathrm{P}}$", "Δ<sub>m</sub><sup>P</sup>"),
        ("AP$_{50}$", "AP<sub>50</sub>"),
        (r"40\,\% of a_b at $10^{-8}$", "40\u202f% of a_b at 10<sup>\u22128</sup>"),
        ("less < more & $U_0$", "less &lt; more &amp; U<sub>0</sub>"),
        (r"an $\unheard$ symbol", "an unheard symbol"),
    ],
)
def test_names_in_latex_become_html(latex: str, html: str) -> None:
    assert from_latex(latex) == html


@pytest.fixture(scope="module")
def site(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page on two replications as they are published, its paper beside it."""
    folder = tmp_path_factory.mktemp("site")
    options = StreetsOptions(size=(64, 128))
    write(options, prepare(options, archives, ROOT / "data.dvc"), folder / options.folder)
    (folder / "draft.pdf").write_bytes(b"%PDF")
    command = [sys.executable, "-m", "replications.core.page", "--replications", *NAMES]
    command += ["--sources", str(ROOT / "results" / "published")]
    command += ["--papers", "draft.pdf", "--output", "index.html"]
    for name in ("replications", "data.dvc"):
        (folder / name).symlink_to(ROOT / name)
    subprocess.run(command, cwd=folder, check=True)
    return folder / "index.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium to open the page in; .ci/run installs one")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )


def opened(browser: Browser, site: Path, problems: list[str] | None = None, **how: Any) -> Page:
    """The page, all of it drawn; what goes wrong in it is added to `problems`."""
    page = browser.new_page(**{"locale": "en-US", "viewport": {"width": 1200, "height": 900}} | how)
    found: list[str] = [] if problems is None else problems
    page.on("console", lambda message: found.append(message.text))
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("request", lambda request: found.append(request.url))
    page.goto(site.as_uri())
    drawn(page, how.get("locale", "en-US")[:2] + (" dark" if how.get("color_scheme") else ""))
    return page


def drawn(page: Page, look: str) -> None:
    page.wait_for_function("look => document.documentElement.dataset.drawn === look", arg=look)


@pytest.fixture(scope="module")
def page(browser: Browser, site: Path) -> Page:
    return opened(browser, site)


@pytest.fixture(scope="module")
def data(site: Path) -> Any:
    text = site.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_it_opens_offline_without_an_error_and_asks_for_nothing(
    browser: Browser, site: Path
) -> None:
    problems: list[str] = []
    opened(browser, site, problems)
    own = ("file:", "blob:", "data:")
    assert [problem for problem in problems if not problem.startswith(own)] == []
    assert [problem for problem in problems if problem.startswith("file:")] == [site.as_uri()]


def test_every_figure_is_drawn_and_every_claim_that_is_tested_has_one(
    page: Page, data: Any, site: Path
) -> None:
    places = page.eval_on_selector_all("[data-plot]", "all => all.map(one => one.dataset.plot)")
    assert sorted(places) == sorted(data["plots"])
    points = page.eval_on_selector_all(
        "[data-plot]", "all => all.map(one => one.querySelectorAll('.points path').length)"
    )
    assert len(points) == len(places) > 15
    curves = [place.startswith("curve") for place in places]
    assert all(count > 0 or curve for count, curve in zip(points, curves, strict=True))
    for claim in ("uncertainty-1", "uncertainty-2", "mti_net-2"):
        # Ten seeds at every budget, as points of their own.
        seeds = [trace for trace in data["plots"][claim]["data"] if trace["mode"] == "markers"]
        assert all(len(trace["x"]) % 10 == 0 and len(set(trace["x"])) > 1 for trace in seeds)
    pictures = page.eval_on_selector_all("img", "all => all.map(one => one.naturalWidth)")
    assert len(pictures) >= 3 * 2 * 4
    assert all(width > 100 for width in pictures)


def test_comparisons_are_called_what_they_are(page: Page) -> None:
    """Also those between runs laid out along an axis, and in the language that is read."""
    page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true; })")

    def rows(claim: str) -> list[str]:
        return page.locator(f'[id="{claim}"] tbody tr').all_inner_texts()

    (slope,) = rows("mti_net-L")
    assert slope.split("\t")[0].strip() == "all tasks"
    assert "per doubling" in slope
    tasks = [row.split("\t")[0].strip() for row in rows("uncertainty-1")]
    assert tasks == ["semantic segmentation", "instance segmentation", "depth"]
    assert "margin" in rows("mti_net-F")[0]
    title = page.text_content("#plot-uncertainty-1 .ytitle")
    assert title == "difference (%)"


def test_nothing_of_latex_is_left_to_read(page: Page) -> None:
    text = page.inner_text("main")
    assert not re.search(r"[\\$]", text)
    assert "<sub>" not in text


def shown(page: Page) -> int:
    """How many rows the table of all runs says that it has."""
    return int(page.inner_text("#values_info").split(" of ")[1].split()[0].replace(",", ""))


def show_all(page: Page, rows: int) -> None:
    page.click("#filters button[type=reset]")
    said = "said => document.querySelector('#values_info').textContent.endsWith(said)"
    page.wait_for_function(said, arg=f" of {rows:,} rows")


def test_every_filter_shows_what_it_says(page: Page, data: Any) -> None:
    for field in FIELDS:
        show_all(page, len(data["values"]))
        options = page.eval_on_selector_all(
            f"#filters [name={field}] option", "all => all.map(one => one.value).filter(Boolean)"
        )
        assert set(options) == {row[field]["en"] for row in data["values"]}
        for value in options:
            page.select_option(f"#filters [name={field}]", value)
            expected = [row for row in data["values"] if row[field]["en"] == value]
            assert shown(page) == len(expected)
            titles = page.locator("#values thead th").all_inner_texts()
            column = [title.strip() for title in titles].index(field) + 1
            cells = page.eval_on_selector_all(
                f"#values tbody td:nth-child({column})", "all => all.map(one => one.innerHTML)"
            )
            assert set(cells) == {value}
    show_all(page, len(data["values"]))
    page.select_option("#filters [name=split]", "test")
    page.select_option("#filters [name=task]", "depth")
    page.fill("#filters [name=search]", "train_fraction=0.125")
    wanted = ("test", "depth")
    expected = [
        row
        for row in data["values"]
        if (row["split"]["en"], row["task"]["en"]) == wanted
        and "train_fraction=0.125" in row["along"]["en"]
    ]
    assert 0 < shown(page) == len(expected)


def test_the_keyboard_alone_suffices(browser: Browser, site: Path) -> None:
    page = opened(browser, site)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    drawn(page, "ko")
    assert page.evaluate("document.documentElement.lang") == "ko"
    assert "학습 단계" in page.inner_html("#plot-uncertainty-1")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    drawn(page, "ko dark")
    slider = page.locator(".slider input").first
    slider.focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    picture = page.locator(".slide").first
    assert picture.evaluate("one => one.style.getPropertyValue('--first')") == "30%"
    page.keyboard.press("End")
    assert picture.evaluate("one => one.style.getPropertyValue('--second')") == "100%"
    mean = page.locator("#values thead th").nth(8)
    mean.locator("[role=button]").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("one => one.ariaSort === 'ascending'", arg=mean.element_handle())
    column = "all => all.map(one => Number(one.textContent.replaceAll(',', '')))"
    means = page.eval_on_selector_all("#values tbody td:nth-child(9)", column)
    assert len(means) > 5
    assert means == sorted(means)
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.evaluate("one => one.open")
    page.reload()
    drawn(page, "ko dark")  # what was chosen is kept


@pytest.mark.parametrize("look", [{"locale": "ko-KR"}, {"locale": "en-US", "color_scheme": "dark"}])
def test_everyone_can_read_it(browser: Browser, site: Path, look: dict[str, Any]) -> None:
    """No violation that axe-core knows, contrast among them."""
    page = opened(browser, site, **look)
    page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true; })")
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_a_phone_and_a_printer(browser: Browser, site: Path) -> None:
    page = opened(browser, site, viewport={"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.emulate_media(media="print")
    assert not page.locator("header nav").is_visible()
    assert page.locator("h2").first.is_visible()
    assert page.locator('a[href="draft.pdf"]').count() == 1
