"""`make mutants`: breaks each fact of the list in copies of the tree, and writes which test noticed."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from testkit.mutants.catalog import LIST, Mutant, problems, read
from testkit.mutants.result import BEFORE, RESULT, SURVIVED, Death, newly_alive
from testkit.mutants.result import read as read_result
from testkit.mutants.result import write as write_result
from testkit.mutants.tiers import TIERS, Failure, Tier, TierError, first_failure, observe
from testkit.mutants.tree import Tree

ROOT = Path(__file__).parents[2]
WORDS = ROOT / ".build" / "mutants"
"""What pytest said of each mutant's death."""
CORES = 2
_SECONDS_EACH = 5
"""Of a mutant that was never run."""


class Hunt:
    """One run through the list."""

    def __init__(
        self, console: Console, folder: Path, workers: int, keep: Callable[[Mapping[str, Death]], None]
    ) -> None:
        """`keep` is told what is known by now: a run may be long, and be stopped."""
        self._console, self._workers, self._keep, self._deaths = console, workers, keep, dict[str, Death]()
        self._trees: SimpleQueue[Tree] = SimpleQueue()
        for number in range(workers):
            copy = folder / str(number)
            copy.mkdir()
            self._trees.put(Tree(ROOT, copy))
        self._spent: defaultdict[str, float] = defaultdict(float)

    def again(self, mutants: Sequence[Mutant], known: Mapping[str, Death]) -> list[Mutant]:
        """Try each mutant on the test that killed it the last time, if there still is one; returns those that live."""
        killers = {each.name: known[each.name].killed_by for each in mutants if each.name in known}
        there = {name: test for name, test in killers.items() if (ROOT / test.partition("::")[0]).is_file()}
        chosen = [each for each in mutants if each.name in there]
        if not chosen:
            return list(mutants)
        observed = self._observe("what killed before", sorted(set(there.values())), chosen)
        reached = {name: [test] for name, test in there.items() if test in observed.reached[name]}
        alive = self._try_all("what killed before", chosen, replace(observed, reached=defaultdict(list, reached)))
        return [each for each in mutants if each.name not in there or each in alive]

    def through(self, tier: str, mutants: Sequence[Mutant]) -> list[Mutant]:
        """Try each mutant on the tests of a tier; returns those that live on."""
        return self._try_all(tier, mutants, self._observe(tier, [f"tests/{each}" for each in TIERS[tier]], mutants))

    def _observe(self, what: str, tests: Sequence[str], mutants: Sequence[Mutant]) -> Tier:
        trees = [self._trees.get() for _ in range(self._workers)]
        with self._console.status(f"{what}: looking which tests get to {len(mutants)} mutants"):
            observed = observe(trees[0], tests, mutants, self._workers)
        for tree in trees:
            tree.prepare(observed.modules)
            self._trees.put(tree)
        return observed

    def _try_all(self, what: str, mutants: Sequence[Mutant], tier: Tier) -> list[Mutant]:
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
        alive = []
        with Progress(TextColumn(what), *columns, console=self._console) as progress:
            task = progress.add_task(what, total=len(mutants))
            with ThreadPoolExecutor(self._workers) as pool:
                tries = {pool.submit(self._try, each, tier): each for each in mutants}
                for done in as_completed(tries):
                    progress.advance(task)
                    mutant, failure = tries[done], done.result()
                    if failure is None:
                        alive.append(mutant)
                    else:
                        self._note(mutant, failure)
        return alive

    def _try(self, mutant: Mutant, tier: Tier) -> Failure | None:
        tree, began = self._trees.get(), time.monotonic()
        try:
            return first_failure(tree, tier, mutant)
        finally:
            self._spent[mutant.name] += time.monotonic() - began
            self._trees.put(tree)

    def _note(self, mutant: Mutant, failure: Failure) -> None:
        self._deaths[mutant.name] = Death(failure.test, self._spent[mutant.name])
        self._keep(self._deaths)
        WORDS.mkdir(parents=True, exist_ok=True)
        (WORDS / f"{mutant.name}.txt").write_text(f"{failure.test}\n\n{failure.why}\n")

    def close(self) -> None:
        for _ in range(self._workers):
            self._trees.get().close()

    def give_up(self, mutant: Mutant) -> None:
        """Nothing killed it."""
        self._deaths[mutant.name] = Death(SURVIVED, self._spent[mutant.name])
        self._keep(self._deaths)
        self._console.print(f"[red]alive[/red] {mutant.name} ({mutant.file})", soft_wrap=True)


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
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        hunt = Hunt(console, Path(folder), arguments.workers, lambda deaths: _write(mutants, {**known, **deaths}))
        left = chosen
        try:
            if not arguments.from_scratch:
                left = hunt.again(left, known)
            for tier in arguments.tiers:
                left = hunt.through(tier, left) if left else []
            hunt.close()
        except TierError as error:
            console.print(str(error), style="red", markup=False)
            return 1
    for each in left:
        hunt.give_up(each)
    console.print(f"{len(chosen) - len(left)} killed, {len(left)} alive, {(time.monotonic() - began) / 60:.1f} min")
    _compare(console)
    return 1 if left else 0


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


def _write(mutants: Sequence[Mutant], deaths: Mapping[str, Death]) -> None:
    RESULT.write_text(write_result(mutants, deaths))


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
