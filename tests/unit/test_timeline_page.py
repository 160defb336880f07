"""The page of the timeline, read as XML."""

import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from local.recorded_runs import PHASES, Run
from local.timeline_page import BAR, LEFT, RIGHT, TOP, WIDTH, deployments, ticks, timeline_page
from tests.support.recorded_runs import NOON, run

ONE = run(("starting", 1), ("queued", 2), ("running", 10), ("tools", 5), ("running", 20), ("answering", 2))


def read(*runs: Run) -> ElementTree.Element:
    return ElementTree.fromstring(timeline_page("threadrun-Table", runs, NOON + 3600))


def bars(page: ElementTree.Element) -> list[tuple[str, float, float, float]]:
    """Phase, left end, width and top of each."""
    found = page.iterfind(".//rect")
    return [(each.attrib["class"], *(float(each.attrib[name]) for name in ("x", "width", "y"))) for each in found]


def test_every_bar_says_what_it_is_to_a_reader_who_sees_no_colours_and_the_table_has_the_same() -> None:
    page = read(ONE)
    told = [title.text for title in page.iterfind(".//rect/title")]
    assert told[3] == "waiting for tools: 5.0 s, from 13.0 s to 18.0 s"
    assert {each.attrib["class"]: each.text for each in page.iterfind(".//li")} == PHASES
    [chart] = page.iterfind(".//svg")
    named = {each.attrib["id"]: each.text for each in chart if "id" in each.attrib}
    assert chart.attrib["role"] == "img"
    assert all(named[each] for each in chart.attrib["aria-labelledby"].split())
    [row] = page.iterfind(".//tbody/tr")
    assert [cell.text for cell in row] == [
        *("2027-01-15 12:00:00", "Summary", "docs", "gpt-5.4-mini", "completed"),
        *("120", "1.0", "2.0", "30.0", "5.0", "2.0", "40.0"),
    ]


def test_names_are_text_whatever_they_hold() -> None:
    evil = "</title><script>alert(1)</script>&\"'"
    page = read(replace(run(("running", 3), name=evil, stack=evil), model=evil, status=evil))
    assert list(page.iter("script")) == []
    assert [cell.text for cell in next(page.iterfind(".//tbody/tr"))][1:5] == [evil] * 4


def test_the_page_needs_nothing_else() -> None:
    """No script, no font and no picture; the browser is told to load none."""
    text = timeline_page("threadrun-Table", [ONE], NOON)
    page = ElementTree.fromstring(text)
    assert not {"script", "link", "img", "iframe", "object"} & {each.tag for each in page.iter()}
    assert re.findall(r"https?:|url\((?!#)|@import|src=|href=", text) == []
    assert "default-src 'none'" in text


@pytest.mark.parametrize("count", [1, 7, 200])
def test_all_runs_are_on_it_one_below_the_other(count: int) -> None:
    runs = [run(("running", 1 + number % 9), at=NOON + 300 * number, stack=f"s{number}") for number in range(count)]
    page = read(*runs)
    tops = [y for _, _, _, y in bars(page)]
    assert len(tops) == count
    assert all(after - before > BAR for before, after in pairwise(tops))
    height = float(page.find(".//svg").attrib["viewBox"].split()[3])  # type: ignore[union-attr]
    assert TOP < min(tops) < max(tops) + BAR < height
    assert all(x >= LEFT and x + width <= WIDTH - RIGHT + 0.01 for _, x, width, _ in bars(page))
    names = [cell.text for cell in page.iterfind(".//tbody/tr/td[3]")]
    assert names == [f"s{number}" for number in reversed(range(count))], "the newest is first"


def test_runs_of_one_deployment_share_their_zero() -> None:
    first = run(("running", 10), name="First")
    second = run(("running", 5), at=NOON + 12, name="Second")
    later = run(("running", 5), at=NOON + 3600, name="First")
    other = run(("running", 5), at=NOON + 1, name="Other", stack="other")
    every = [first, other, second, later]
    assert deployments(every) == [[later], [other], [first, second]]
    scale = (WIDTH - LEFT - RIGHT) / 17
    offsets = [round((x - LEFT) / scale) for _, x, _, _ in bars(read(*every))]
    assert offsets == [0, 0, 0, 12]


@pytest.mark.parametrize("seconds", [0.3, 0.7, 3, 8.4, 47, 61, 250, 599, 3600, 5400, 90_000, 4_000_000])
def test_an_axis_has_a_few_round_marks(seconds: float) -> None:
    marks = ticks(seconds)
    assert 2 <= len(marks) <= 9
    assert marks[0] == (0, "0")
    assert marks[-1][0] <= seconds
    assert len({told for _, told in marks}) == len(marks)


def test_marks_are_told_in_one_unit() -> None:
    assert [told for _, told in ticks(0.5)] == ["0", "0.1 s", "0.2 s", "0.3 s", "0.4 s", "0.5 s"]
    assert [told for _, told in ticks(75)] == ["0", "10 s", "20 s", "30 s", "40 s", "50 s", "60 s", "70 s"]
    assert [told for _, told in ticks(610)] == ["0", "2 min", "4 min", "6 min", "8 min", "10 min"]
    assert [told for _, told in ticks(8000)] == ["0", "30 min", "60 min", "90 min", "120 min"]
    assert [told for _, told in ticks(15_000)] == ["0", "1 h", "2 h", "3 h", "4 h"]
