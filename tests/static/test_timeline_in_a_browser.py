"""The timeline as a browser draws it: what is where on the picture, and in which colour."""

import json
import os
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.support.png import Png
from tests.support.recorded_runs import NOON, run
from threadrun_cli.recorded_runs import PHASES, Run
from threadrun_cli.timeline_page import timeline_page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLAYWRIGHT = Path.home() / ".cache" / "ms-playwright"
LINE = "#d8dde3"
"""The darkest that there is between a name and its bar."""
FILLS = re.compile(r"^\.(\w+) { --fill: (#\w+);", re.MULTILINE)
"""The colour of each phase: first those of the light scheme."""
SCHEMES = {"light": (slice(len(PHASES)), "#ffffff", "1"), "dark": (slice(len(PHASES), None), "#0f1318", "0")}
"""Which colours, the background, and Blink's own number of what the user prefers."""
MEASURE = """<script>
const place = (each) => { const { left, top, right, bottom } = each.getBoundingClientRect();
  return { name: each.getAttribute("class"), text: each.textContent, left, top, right, bottom } };
const found = (what) => [...document.querySelectorAll(what)].map(place);
const chart = [...document.querySelectorAll("svg")].filter((each) => each.getBoundingClientRect().width);
const inside = (what) => [...chart[0].querySelectorAll(what)].map(place);
const lines = (each) => { const range = document.createRange(); range.selectNodeContents(each);
  return new Set([...range.getClientRects()].map((part) => part.top)).size };
const told = { charts: chart.map(place), bars: inside("rect"), texts: inside("text"),
  scale: chart[0].getBoundingClientRect().width / chart[0].viewBox.baseVal.width,
  lines: Math.max(...[...document.querySelectorAll("td.number")].map(lines)),
  page: document.body.scrollWidth };
document.body.textContent = JSON.stringify(told);
</script>"""

NARROW = 400
WIDTHS = (NARROW, 1248)

RUNS = [
    run(("starting", 0.4), ("queued", 1.5), ("running", 9), ("answering", 0.6), name="Summary"),
    run(("queued", 2), ("running", 6), ("tools", 5), ("running", 8), ("answering", 1), at=NOON + 12, name="Gate"),
    run(("starting", 3), ("running", 20), ("answering", 2), at=NOON + 600, name="N" * 60, stack="s" * 128),
]


@pytest.fixture(scope="module")
def browser() -> str:
    found = [path for name in NAMES if (path := shutil.which(name))]
    found += [str(path) for path in sorted(PLAYWRIGHT.glob("chromium-*/chrome-linux*/chrome"))]
    if not found:
        pytest.skip("no Chromium is installed: the page is looked at as XML only")
    return found[0]


class Shown:
    """A page in a window of this width, 700 pixels high."""

    def __init__(self, browser: str, folder: Path, runs: list[Run], scheme: str = "light", width: int = 1248) -> None:
        text = timeline_page("threadrun-Table", runs, NOON + 3600)
        page, measured = folder / "timeline.html", folder / "measured.html"
        page.write_text(text)
        self.fills = dict(FILLS.findall(text)[SCHEMES[scheme][0]])
        # The page itself forbids scripts.
        policy = next(line for line in text.splitlines() if "Content-Security-Policy" in line)
        # Without a picture Chromium's windows are 500 pixels wide at the least.
        exactly = f"<style>html {{ width: {width}px; }}</style>{MEASURE}</body>"
        measured.write_text(text.replace(policy, "").replace("</body>", exactly))
        self._command = [browser, "--headless", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},700"]
        self._command += [f"--user-data-dir={folder / 'profile'}", "--disable-background-networking", "--no-first-run"]
        self._command += [f"--blink-settings=preferredColorScheme={SCHEMES[scheme][2]}"]
        self._command += ["--no-sandbox"] if os.geteuid() == 0 else []
        self._run(f"--screenshot={folder / 'timeline.png'}", page)
        self.picture = Png(folder / "timeline.png")
        dom = self._run("--dump-dom", measured)
        told: dict[str, Any] = json.loads(dom[dom.index("{", dom.index("<body")) : dom.rindex("}") + 1])
        [self.chart] = told["charts"]
        self.bars, self.texts, self.scale = told["bars"], told["texts"], told["scale"]
        self.lines_of_a_number, self.page_width = told["lines"], told["page"]

    def _run(self, option: str, page: Path) -> str:
        command = [*self._command, option, page.as_uri()]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_bar_is_drawn_in_its_colour_where_its_time_is(
    browser: str, tmp_path: Path, scheme: str, width: int
) -> None:
    shown = Shown(browser, tmp_path, RUNS, scheme, width)
    background = SCHEMES[scheme][1]
    assert len(shown.bars) == sum(len(each.spans) for each in RUNS)
    for bar in shown.bars:
        if bar["right"] - bar["left"] < 3:
            continue
        y = bar["top"] + 2
        for x in (bar["left"] + 1.5, bar["right"] - 1.5):
            assert shown.picture.colour(x, y) == shown.fills[bar["name"]], bar
        assert shown.picture.colour(bar["left"] + 2, bar["top"] - 3) == background, "nothing is drawn above it"
    assert shown.picture.colour(2, 2) == background


@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_is_legible_without_scrolling(browser: str, tmp_path: Path, width: int) -> None:
    """The smallest letters have 12 units of the chart; a number stands on one line."""
    shown = Shown(browser, tmp_path, RUNS, width=width)
    assert 12 * shown.scale >= 10
    assert shown.page_width <= width
    assert shown.lines_of_a_number == 1


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [1, 3, 200])
def test_every_word_is_on_the_chart_and_none_on_another(browser: str, tmp_path: Path, count: int, width: int) -> None:
    more = [run(("running", 30 + number), at=NOON + 700 * number, stack=f"s{number}") for number in range(2, count)]
    shown = Shown(browser, tmp_path, [*RUNS[-min(count, 2) :], *more], width=width)
    assert all(text["left"] >= shown.chart["left"] - 1 for text in shown.texts)
    assert all(text["right"] <= shown.chart["right"] + 1 for text in shown.texts)
    assert all(text["bottom"] <= shown.chart["bottom"] + 1 for text in shown.texts)
    first_bar, in_sight = min(bar["left"] for bar in shown.bars), min(shown.chart["bottom"], shown.picture.height)
    if width > NARROW:
        between = {shown.picture.colour(first_bar - 4, y) for y in range(int(shown.chart["top"]) + 40, int(in_sight))}
        assert min(between) >= LINE, "long names end before the bars"
    others = [text for text in shown.texts if "label" not in text["name"]]
    assert len(shown.texts) - len(others) == 2 * count
    rows = sorted(others, key=lambda text: (round(text["top"]), text["left"]))
    for one, after in pairwise(rows):
        is_one_line = round(one["top"]) == round(after["top"])
        assert not is_one_line or one["right"] <= after["left"], (one["text"], after["text"])
