"""`make docs`: gathers the pages of the repository, and what they link to, for the site that mkdocs builds.

The pages keep their places, so that their links hold on GitHub and on the site alike. A link to a folder, which a site
cannot show, leads to the folder's README.md.
"""

import re
import shutil
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / ".build" / "site"
PATTERNS = ("*.md", "bench/**/*.md", "cdk/**/*.md", "docs/**/*.md", "terraform/**/*.md")
_LINK = re.compile(r"(\]\()([^)#\s]+)(#[^)\s]*)?(\))")
_INDEX = ROOT / "docs" / "README.md"


def pages(root: Path = ROOT) -> list[Path]:
    """Return the pages of the repository, without what tools keep beside them."""
    found = {path for pattern in PATTERNS for path in root.glob(pattern)}
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts))


def gather(page: Path, target: Path, root: Path = ROOT) -> None:
    """Copy a page, and the files that it links to and that are no pages."""
    text = page.read_text()

    def linked(match: re.Match[str]) -> str:
        opened, link, anchor, closed = match.groups(default="")
        path = (page.parent / link).resolve()
        if ":" in link or not path.is_relative_to(root):
            return match[0]
        if path.is_dir():
            link = f"{link.rstrip('/')}/README.md"
        elif path.is_file() and path.suffix != ".md":
            _copy(path, target / path.relative_to(root))
        return f"{opened}{link}{anchor}{closed}"

    copy = target / page.relative_to(root)
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(_LINK.sub(linked, text))


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)


def navigation(index: str, folder: str = "docs") -> list[object]:
    """Return the sections and pages of the index, in its order."""
    found: list[object] = [{"Start": "README.md"}, {"Index": f"{folder}/README.md"}]
    for section in index.split("\n## ")[1:]:
        name, _, text = section.partition("\n")
        links = re.findall(r"\[([^\]]+)\]\(([^)#]+\.md)\)", text)
        named = [link.removeprefix("../") if link.startswith("../") else f"{folder}/{link}" for _, link in links]
        found.append({name: list(dict.fromkeys(named))})
    return found


def main() -> int:
    """Gather the pages, and write mkdocs' configuration beside them."""
    shutil.rmtree(SITE, ignore_errors=True)
    for page in pages():
        gather(page, SITE / "pages")
    settings = (ROOT / "local" / "mkdocs.yml").read_text()
    menu = yaml.safe_dump({"nav": navigation(_INDEX.read_text())}, sort_keys=False)
    (SITE / "mkdocs.yml").write_text(f"{settings}{menu}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
