"""A few tries of the campaign (``make faults`` makes all): the call after each fault ends well."""

from __future__ import annotations

import signal
from copy import copy

import pytest

from tests.faults.campaign import Campaign, table
from tests.faults.case import STUDY, changed, judged
from tests.faults.damage import cut, damaged
from tests.faults.faults import FAULTS, Fault, to_job
from tests.workflow.conftest import ROOT


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return Campaign(tmp_path_factory.mktemp("faults"), warm=True)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("SIGKILL to a job", to_job(signal.SIGKILL)),
        Fault("files cut short", damaged(cut, 10), each=10, finished=True),
    ],
    ids=lambda fault: fault.name,
)
def test_the_call_after_a_fault_ends_well(campaign: Campaign, fault: Fault) -> None:
    outcome = campaign.outcome(fault, 0)
    assert outcome.is_right, outcome
    assert table([(fault, outcome)])[-1] == f"| {fault.name} | {fault.each} | 0 | 0 | 0 | 0 | 0 | 0 |"


def test_what_is_wrong_is_counted(campaign: Campaign) -> None:
    """So that zeros in the table mean something."""
    whole = campaign.undisturbed(STUDY)
    truth, records = whole.values(), whole.records()
    assert judged(whole, 0, truth).is_right
    other = truth.assign(test_loss=truth["test_loss"].where(truth.index != truth.index[0], 7.0))
    assert judged(whole, 0, other).wrong == 1
    assert judged(whole, 1, truth).words[0].startswith("exit status 1")
    trace = 'Traceback (most recent call last):\n  File "{}", line 1\n    main()\n{}\n'
    for file, error, many in (
        (ROOT / "study" / "errors.py", "KeyboardInterrupt", 1),
        ("snakemake/cli.py", "KeyboardInterrupt", 0),  # before it read the Snakefile
        ("snakemake/cli.py", "ValueError: no", 1),
    ):
        other_words = copy(whole)
        other_words.said = [f"so\n{trace.format(file, error)}more"]
        assert judged(other_words, 0, truth).tracebacks == many
    assert changed(records, records, ()) == 0
    [first, *others] = records
    assert changed(records, {first: (0, b"")}, ()) == len(records)
    assert changed(records, {first: records[first]}, others[1:]) == 1


def test_names_of_faults_are_unique() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
