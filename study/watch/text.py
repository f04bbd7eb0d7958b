"""How far a study is, in lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from study.errors import printed
from study.metrics import METRICS
from study.plan.workflow.command import command, results_option, run_command
from study.store.failures import told_once
from study.store.layout import Store, words_of
from study.watch.processes import Process
from study.watch.state import ArmState, ComparisonState, State
from study.wording import beginning, counted, duration

ARMS, FAILURES, UNITS = 12, 10, 3  # lines for arms of a comparison, for failures; names of what a process has in hand
BARS = "▁▂▃▄▅▆▇█"
POINTS = 12  # of a curve


def lines(state: State | None, file: str, store: Store) -> list[str]:
    """All that there is to say; None: nothing is planned yet."""
    if state is None:
        return [printed(f"{file}: not begun in {store.root}/; it begins with: {run_command(file, store.root)}")]
    return [printed(line) for line in _lines(state, file, store)]


def _lines(state: State, file: str, store: Store) -> Iterator[str]:
    plan = state.plan
    yield f"{file}: {plan.title}"
    for comparison in state.comparisons:
        yield from _comparison(comparison)
    if state.timed is not None:
        running = f"running on {state.timing}" if state.timing else "still to be done, alone on the machine"
        yield f"timing: {'done' if state.timed else running}"
    if state.failures:
        told = told_once(state.failures)
        stopped = all(each.is_interrupted for each in state.failures)
        yield "interrupted:" if stopped else f"{counted(len(told), 'failure')}:"
        for each, more in told[:FAILURES]:
            reason = each.why if stopped else each.reason
            yield f"  {plan.names[each.arm]}, {each.what}{more}: {reason} (log: {each.log})"
        if len(told) > FAILURES:
            yield f"  and {len(told) - FAILURES:,} more"
    if state.processes:
        yield f"{counted(len(state.processes), 'job')} running:"
        for process in state.processes:
            yield from _process(state, process)
    if state.left and state.left.guessed:
        time = command("check", file, *results_option(store.root))
        yield f"left: how long is not known yet, as some of it never ran here; to time it: {time}"
    elif state.left:
        at_once = f" with {counted(state.left.at_once, 'job')} at a time" if state.processes else ""
        yield f"left: about {duration(state.left.seconds)} of training{at_once}"
    if state.report:
        yield f"All is done. Report: {state.report}"
        return
    old = f"; {state.page} shows an earlier state" * bool(state.page)
    if state.drawing:
        yield f"now: the report is being drawn{old}"
    elif not state.busy:
        trained = state.left is None and state.timed is not False
        what = f"the report is still to be drawn{old}" if trained else "nothing is training, or not yet"
        yield f"now: {what}; unless it runs already, go on with: {run_command(file, store.root)}"


def _comparison(comparison: ComparisonState) -> Iterator[str]:
    """A line for it, then one for each arm, those first in hand that are not done."""
    arms, about = comparison.arms, METRICS[comparison.metric]
    runs, wanted = sum(arm.runs for arm in arms), sum(arm.wanted for arm in arms)
    done, searches = sum(arm.searched for arm in arms), sum(arm.searches for arm in arms)
    searched = f", {done:,} of {counted(searches, 'search')}" * (done < searches)
    curves = f"; {about.title}, mean of the runs:" * any(arm.curve for arm in arms)
    yield f"{comparison.name}: {runs:,} of {counted(wanted, 'run')}{searched}{curves}"
    ranked = sorted(arms, key=lambda arm: (arm.is_done, not (arm.is_running or arm.has_failed)))
    shown = arms if len(arms) <= ARMS else [arm for arm in arms if arm in ranked[: ARMS - 1]]
    values = [value for arm in shown for value in arm.curve]
    ends = (min(values), max(values)) if values else (0.0, 0.0)
    width = max(len(arm.name) for arm in shown)
    for arm in shown:
        yield f"  {arm.name:{width}}  {_arm(arm, ends, about.percent == '%')}"
    if rest := [arm for arm in arms if arm not in shown]:
        yield f"  and {counted(len(rest), 'arm')} more, {sum(arm.is_done for arm in rest):,} of them done"


def _arm(arm: ArmState, ends: tuple[float, float], is_share: bool) -> str:
    parts = [f"{arm.runs:>{len(str(arm.wanted))}} of {counted(arm.wanted, 'run')}"]
    if arm.curve:
        last = f"{100 * arm.curve[-1]:.1f} %" if is_share else f"{arm.curve[-1]:.4g}"
        parts.append(f"{sparkline(arm.curve, ends)} {last}")
    if arm.searched < arm.searches:
        parts.append(f"{arm.searched} of {counted(arm.searches, 'search')}")
    return "  ".join([*parts, *["running"] * arm.is_running, *["failed"] * arm.has_failed])


def sparkline(values: Sequence[float], ends: tuple[float, float]) -> str:
    """``▁▃▆█``: so many of the ``values`` as there is room for, the first and the last among them, between ``ends``."""
    number, (low, high) = min(POINTS, len(values)), ends
    places = [round(i * (len(values) - 1) / max(1, number - 1)) for i in range(number)]
    heights = [(values[i] - low) / (high - low) if high > low else 0.0 for i in places]
    return "".join(BARS[min(len(BARS) - 1, int(height * len(BARS)))] for height in heights)


def _process(state: State, process: Process) -> Iterator[str]:
    """Where, since when and at what; then how far, in its own words."""
    names = state.plan.names
    units = [f"{names[arm]}, {words_of(sorted(blocks))}" for arm, blocks in sorted(process.blocks.items())]
    tuned = {search.id: names[arm] for arm in reversed(names) for search in state.plan.searches_of(arm)}
    units += dict.fromkeys(f"tuning of {tuned[search]}" for search in process.searches)
    where = f"{process.host}{'' if process.known else ', if it still lives'}, since {since(process.since)}"
    yield f"  job {process.job} ({where}): {'; '.join(beginning(units, UNITS))}"
    if process.said:
        yield f"    {process.said}"


def since(time: str) -> str:
    """A time of a mark, which is in UTC, by the clock here: ``12:20``, and its day where it is another."""
    try:
        local = datetime.fromisoformat(time).astimezone()
    except ValueError:
        return "an unknown time"
    return f"{local:%H:%M}" if local.date() == datetime.now().date() else f"{local:%Y-%m-%d %H:%M}"
