"""Files of a finished study that are not what was written."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.faults.case import STUDY, Case

Change = Callable[[bytes, Random], bytes]


def damaged(change: Change, many: int) -> Callable[[Case, Random], None]:
    """``change`` so many files of a finished study, of every kind."""

    def does(case: Case, rng: Random) -> None:
        change_files(case, rng, change, many)

    return does


def change_files(case: Case, rng: Random, change: Change, many: int) -> None:
    files = sorted(path for path in case.results.rglob("*") if path.is_file() and path.stat().st_size)
    files = [path for path in files if path.name != "history.json"]
    kinds = sorted({path.suffix for path in files})
    for _ in range(many):
        kind = rng.choice(kinds)
        path = rng.choice([one for one in files if one.suffix == kind])
        path.write_bytes(change(path.read_bytes() or b"0", rng))
        if path.parent.parent.name == "arms":  # both files of a block are made again
            case.excused |= {str(one.relative_to(case.results)) for one in path.parent.glob("runs-*")}
        if path.parent.name == "searches":
            case.excused |= {str(one.relative_to(case.results)) for one in case.results.glob("arms/*/runs-*")}


def damaged_on_the_way(change: Change, many: int) -> Callable[[Case, Random], None]:
    """While a job trains more seeds, so that some of it is found only when all is collected."""

    def does(case: Case, rng: Random) -> None:
        (case.folder / case.study).write_text(STUDY.replace("seeds: 6", "seeds: 7"))
        with case.running():
            if case.job():
                change_files(case, rng, change, many)
        (case.folder / case.study).write_text(STUDY)

    return does


def flipped(content: bytes, rng: Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << rng.randrange(8))]) + content[place + 1 :]


def cut(content: bytes, rng: Random) -> bytes:
    return content[: rng.randrange(len(content))]
