"""What a run has found so far, a line each as it comes: a run that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from testkit.mutants.tree import listed

WRITTEN = "testkit/mutants/result.md"
"""By the run itself: it makes no other tree."""


@dataclass(frozen=True)
class Verdict:
    """What the tests of one stage of a run say of a mutant."""

    stage: str
    mutant: str
    killed_by: str | None
    """None where it lives: then the next stage is asked."""
    seconds: float


def fingerprint(root: Path) -> str:
    """Tells this working tree from others: what was found in another one is not believed."""
    digest = hashlib.sha256()
    for name in sorted(listed(root)):
        if name != WRITTEN:
            digest.update(name.encode() + b"\0" + hashlib.sha256((root / name).read_bytes()).digest())
    return digest.hexdigest()


class Journal:
    """The verdicts on one tree; without a path they are forgotten at the end."""

    def __init__(self, path: Path | None, tree: str) -> None:
        self._path, self._verdicts = path, dict[tuple[str, str], Verdict]()
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        if lines[:1] == [tree]:
            # The last line ends in its middle if the run was stopped as it was written.
            verdicts = [Verdict(**json.loads(line)) for line in lines[1:] if line.endswith("}")]
            self._verdicts = {(each.stage, each.mutant): each for each in verdicts}
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in [tree, *map(_line, self._verdicts.values())]))

    def add(self, verdict: Verdict) -> None:
        """Note what was found."""
        self._verdicts[verdict.stage, verdict.mutant] = verdict
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(_line(verdict) + "\n")

    def has(self, stage: str, mutant: str) -> bool:
        """Whether a stage has tried a mutant."""
        return (stage, mutant) in self._verdicts

    def of(self, mutant: str) -> list[Verdict]:
        """All verdicts on a mutant, in the order in which they came."""
        return [each for each in self._verdicts.values() if each.mutant == mutant]

    def lives(self, mutant: str) -> bool:
        """Whether no stage has killed a mutant yet."""
        return all(each.killed_by is None for each in self.of(mutant))

    def close(self) -> None:
        """Forget it: the run has come to its end."""
        if self._path is not None:
            self._path.unlink()


def _line(verdict: Verdict) -> str:
    return json.dumps(asdict(verdict))
