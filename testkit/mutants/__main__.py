"""`make mutants`: breaks each fact of the list in copies of the tree, and writes which test noticed."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from testkit.mutants.catalog import LIST, Mutant, problems, read
from testkit.mutants.journal import Journal, Verdict, fingerprint
from testkit.mutants.result import BEFORE, RESULT, SURVIVED, Death, newly_alive
from testkit.mutants.result import read as read_result
from testkit.mutants.result import write as write_result
from testkit.mutants.tiers import TIERS, Failure, Tier, TierError, first_failure, observe
from testkit.mutants.tree import Tree, commit

ROOT = Path(__file__).parents[2]
WORDS = ROOT / ".build" / "mutants"
"""What pytest said of each mutant's death."""
JOURNAL = ROOT / ".build" / "mutants.journal"
AGAIN = "what killed before"
CORES = 2
_SECONDS_EACH = 5
"""Of a mutant that was never run."""


class Hunt:
    """One run through the list."""

    def __init__(self, console: Console, folder: Path, workers: int, journal: Journal) -> None:
        self._console, self._workers, self._journal = console, workers, journal
        self._trees: SimpleQueue[Tree] = SimpleQueue()
        for number in range(workers):
            copy = folder / str(number)
            copy.mkdir()
            self._trees.put(Tree(ROOT, copy))

    def again(self, mutants: Sequence[Mutant], known: Mapping[str, Death]) -> None:
        """Try each mutant on the test that killed it the last time, if there still is one."""
        killers = {each.name: known[each.name].killed_by for each in mutants if each.name in known}
        there = {name: test for name, test in killers.items() if (ROOT / test.partition("::")[0]).is_file()}
        if chosen := self._untried(AGAIN, [each for each in mutants if each.name in there]):
            observed = self._observe(AGAIN, sorted({there[each.name] for each in chosen}), chosen)
            reached = {name: [test] for name, test in there.items() if test in observed.reached.get(name, ())}
            self._try_all(AGAIN, chosen, replace(observed, reached=defaultdict(list, reached)))

    def through(self, tier: str, mutants: Sequence[Mutant]) -> None:
        """Try each mutant that lives on the tests of a tier."""
        if chosen := self._untried(tier, mutants):
            self._try_all(tier, chosen, self._observe(tier, [f"tests/{each}" for each in TIERS[tier]], chosen))

    def _untried(self, stage: str, mutants: Sequence[Mutant]) -> list[Mutant]:
        journal = self._journal
        return [each for each in mutants if journal.lives(each.name) and not journal.has(stage, each.name)]

    def _observe(self, stage: str, tests: Sequence[str], mutants: Sequence[Mutant]) -> Tier:
        trees = [self._trees.get() for _ in range(self._workers)]
        with self._console.status(f"{stage}: looking which tests get to {len(mutants)} mutants"):
            observed = observe(trees[0], tests, mutants, self._workers)
        for tree in trees:
            tree.prepare(observed.modules)
            self._trees.put(tree)
        return observed

    def _try_all(self, stage: str, mutants: Sequence[Mutant], tier: Tier) -> None:
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
        pool = ThreadPoolExecutor(self._workers)
        tries = {pool.submit(self._try, each, tier): each for each in mutants}
        try:
            with Progress(TextColumn(stage), *columns, console=self._console) as progress:
                task = progress.add_task(stage, total=len(mutants))
                for number, done in enumerate(as_completed(tries), 1):
                    progress.advance(task)
                    failure, seconds = done.result()
                    self._note(stage, tries[done], failure, seconds)
                    if not self._console.is_terminal:
                        print(f"{stage} {number}/{len(mutants)} {tries[done].name}", flush=True)
        finally:
            pool.shutdown(cancel_futures=True)

    def _try(self, mutant: Mutant, tier: Tier) -> tuple[Failure | None, float]:
        tree, began = self._trees.get(), time.monotonic()
        try:
            return first_failure(tree, tier, mutant), time.monotonic() - began
        finally:
            self._trees.put(tree)

    def _note(self, stage: str, mutant: Mutant, failure: Failure | None, seconds: float) -> None:
        self._journal.add(Verdict(stage, mutant.name, failure.test if failure else None, seconds))
        if failure is not None:
            WORDS.mkdir(parents=True, exist_ok=True)
            (WORDS / f"{mutant.name}.txt").write_text(f"{failure.test}\n\n{failure.why}\n")

    def close(self) -> None:
        for _ in range(self._workers):
            self._trees.get().close()


def main() -> int:
    arguments = _arguments()
    console, mutants = Console(), read(LIST.read_text())
    if missing := problems(mutants, ROOT):
        console.print("\n".join(missing), style="red", markup=False)
        return 1
    if arguments.check:
        console.print(f"{len(mutants)} mutants can be made")
        return 0
    known = read_result(RESULT.read_text()) if RESULT.exists() else {}
    chosen = [each for each in mutants if _is_chosen(each, arguments, known)]
    expected = sum(known[each.name].seconds if each.name in known else _SECONDS_EACH for each in chosen)
    expected /= arguments.workers
    console.print(f"{len(chosen)} of {len(mutants)} mutants, {expected / 60:.0f} min and a run of each tier they need")
    began, is_whole = time.monotonic(), len(chosen) == len(mutants)
    journal = Journal(JOURNAL if is_whole else None, f"{fingerprint(ROOT)} {arguments.from_scratch} {arguments.tiers}")
    if tried := sum(bool(journal.of(each.name)) for each in mutants):
        console.print(f"going on with a run that was stopped: it has tried {tried}")
    try:
        with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
            hunt = Hunt(console, Path(folder), arguments.workers, journal)
            if not arguments.from_scratch:
                hunt.again(chosen, known)
            for tier in arguments.tiers:
                hunt.through(tier, chosen)
            hunt.close()
    except TierError as error:
        console.print(str(error), style="red", markup=False)
        return 1
    alive = [each for each in chosen if journal.lives(each.name)]
    deaths = {**known, **{each.name: _death(journal.of(each.name)) for each in chosen}}
    RESULT.write_text(write_result(mutants, deaths, commit(ROOT), len(chosen)))
    journal.close()
    for each in alive:
        console.print(f"[red]alive[/red] {each.name} ({each.file})", soft_wrap=True)
    minutes = (time.monotonic() - began) / 60
    console.print(f"{len(chosen) - len(alive)} killed, {len(alive)} alive, {minutes:.1f} min")
    _compare(console)
    return 1 if alive else 0


def _death(verdicts: Sequence[Verdict]) -> Death:
    killed_by = next((each.killed_by for each in verdicts if each.killed_by is not None), SURVIVED)
    return Death(killed_by, sum(each.seconds for each in verdicts))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m testkit.mutants", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only look whether each mutant's code is there, once")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="mutants, or files of the list")
    parser.add_argument("--survivors", action="store_true", help="only those that nothing killed the last time")
    parser.add_argument(
        "--from-scratch", action="store_true", help="do not begin with the test that killed it the last time"
    )
    parser.add_argument("--workers", type=int, default=CORES, help="how many mutants are tried at the same time")
    parser.add_argument("--tiers", nargs="+", choices=TIERS, default=list(TIERS), help="which tests, in this order")
    return parser.parse_args()


def _compare(console: Console) -> None:
    """Print which mutants are alive that were killed before."""
    if not BEFORE.exists() or not RESULT.exists():
        return
    names = newly_alive(read_result(BEFORE.read_text()), read_result(RESULT.read_text()))
    console.print(f"{len(names)} alive that were killed before ({BEFORE.name})", style="red" if names else None)
    for name in names:
        console.print(f"  {name}", soft_wrap=True)


def _is_chosen(mutant: Mutant, arguments: argparse.Namespace, known: dict[str, Death]) -> bool:
    if arguments.only:
        return mutant.name in arguments.only or mutant.file in arguments.only
    if arguments.survivors:
        return mutant.name not in known or known[mutant.name].killed_by == SURVIVED
    return True


if __name__ == "__main__":
    sys.exit(main())
