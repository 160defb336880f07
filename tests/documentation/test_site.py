"""The index of the documentation has every page once, and the site takes the pages with all that they link to."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from local.site import gather, navigation
from local.site import pages as site_pages
from tests.support.pages import ROOT, read

INDEX = (ROOT / "docs" / "README.md").read_text()


def test_the_index_has_every_page() -> None:
    sections = [section for section in navigation(INDEX) if isinstance(section, dict)]
    listed = [page for section in sections for page in next(iter(section.values())) if isinstance(page, str)]
    there = {
        str(path.relative_to(ROOT)) for path in [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("resources/*")]
    }
    assert there - {*listed, "docs/README.md"} == set()
    assert re.findall(r"\((\S+\.md)\)", INDEX), "the links were not found"


def test_the_site_has_each_page_of_the_repository() -> None:
    names = {str(path.relative_to(ROOT)) for path in site_pages()}
    assert {"README.md", "SECURITY.md", "docs/failures.md", "terraform/README.md", "bench/results/results.md"} <= names


def test_every_link_of_the_site_leads_to_something_that_it_has(tmp_path: Path) -> None:
    """mkdocs is strict about this, and is installed by `make docs` only."""
    for page in site_pages():
        gather(page, tmp_path)
    links = [link for path in tmp_path.rglob("*.md") for link in read(path, path.read_text()).links]
    inner = [(link, unquote(link.text.partition("#")[0])) for link in links if not urlsplit(link.text).scheme]
    missing = [f"{link.place}: {target}" for link, target in inner if not (link.path.parent / target).exists()]
    assert len(inner) > 200
    assert missing == []
    folders = [f"{link.place}: {target}" for link, target in inner if target and (link.path.parent / target).is_dir()]
    assert folders == []


def test_a_page_brings_the_files_that_it_links_to_and_a_folder_means_its_readme(tmp_path: Path) -> None:
    root, target = tmp_path / "root", tmp_path / "target"
    (root / "module").mkdir(parents=True)
    (root / "example.yaml").write_text("a: 1\n")
    page = root / "README.md"
    page.write_text("[a](example.yaml) [b](module#inputs) [c](https://example.com/) [d](other.md)\n")
    gather(page, target, root)
    text = (target / "README.md").read_text()
    assert text == "[a](example.yaml) [b](module/README.md#inputs) [c](https://example.com/) [d](other.md)\n"
    assert (target / "example.yaml").read_text() == "a: 1\n"
