"""What nobody writes by hand in a study file is refused in a line, before it costs anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Check = Callable[[Any], tuple[int, str, list[str]]]
HEAD = (
    "study: a\nbaseline: {dataset: digits, network: mlp, optimizer: {name: sgd, lr: 0.1}, batch_size: 8, epochs: 1}\n"
)
TAIL = "comparisons: {a: {vary: {dropout: [0, 0.5]}, metrics: [test_loss]}}\n"
VALID = HEAD + TAIL


def listed(count: int) -> str:
    return f"[{', '.join(map(str, range(1, count + 1)))}]"


def multiplying(first: str, again: str) -> str:
    """Nine aliases, each of ten of the one before."""
    made = f"a0: &a0 {first}\n"
    return made + "".join(f"a{i}: &a{i} {again % ', '.join([f'*a{i - 1}'] * 10)}\n" for i in range(1, 10))


CASES = {
    "a scalar of ten megabytes": (
        VALID + f"title: {'x' * 10_000_000}\n",
        "is larger than 500 kB; give the path of a study file, which is a few pages of text",
    ),
    "aliases that multiply": (
        VALID + multiplying("[x, x]", "[%s]"),
        "line 9, column 10: is where there are more than 50,000 values, with those that aliases stand for; write fewer",
    ),
    "merge keys that multiply": (
        VALID + multiplying("{x: 1}", "{<<: [%s]}"),
        "line 9, column 15: is where there are more than 50,000 values, with those that aliases stand for; write fewer",
    ),
    "lists 400 deep": (
        VALID + f"title: {'[' * 400}{']' * 400}\n",
        "line 4, column 37: is more than 30 levels deep; write it with fewer",
    ),
    "mappings 400 deep": (
        VALID + "title:\n" + "".join(f"{' ' * i}a:\n" for i in range(1, 400)),
        "line 33, column 30: is more than 30 levels deep; write it with fewer",
    ),
    "ten million arms": (
        HEAD + f"comparisons: {{a: {{vary: {{optimizer.lr: {listed(216)}, batch_size: {listed(216)}, "
        f"grad_clip: {listed(216)}}}, metrics: [test_loss]}}}}\n",
        "comparisons.a: makes 10,077,696 arms, and the study 10,077,696, with those that are skipped; "
        "vary fewer, 20,000 at most",
    ),
    "a grid of a million points": (
        HEAD.replace("lr: 0.1", "") + TAIL + "tune: {optimizer.lr: {log: [0.001, 1], points: 1000}, "
        "grad_clip: {log: [0.1, 10], points: 1000}}\n",
        "tune: is a grid of 1,000,000 points, and 10,000 is the most; give fewer, or search: sobol, trials: 100",
    ),
    "a name of 300 letters": (
        VALID.replace("study: a", f"study: {'a' * 300}"),
        f"study: '{'a' * 75} … is refused; give a name of at most 100 letters",
    ),
    "a comparison's name of 300 letters": (
        VALID.replace("{a:", f"{{{'a' * 300}:"),
        f"comparisons.{'a' * 76} …: '{'a' * 75} … is refused; give a name of at most 100 letters",
    ),
    "a whole number of thousands of digits": (
        VALID + f"seeds: {'1' * 5000}\n",
        f"line 4, column 8: '{'1' * 75} … is not a whole number; this is not valid YAML",
    ),
    "another version of YAML": (
        "%YAML 1.1\n---\n" + VALID,
        "line 1, column 1: study files are YAML 1.2; take this line out",
    ),
    "a lone surrogate": (
        VALID + r'title: "a\ud800"',
        "title: 'a\\ud800' holds U+D800, which cannot be printed; take it out",
    ),
    "a control character": (
        VALID + r'title: "a\e"',
        "title: 'a\\x1b' holds U+001B, which cannot be printed; take it out",
    ),
    "a control character as it is": (
        VALID + "title: a\x1b\n",
        "line 4, column 9: holds a character that cannot be printed; this is not valid YAML",
    ),
} | {
    f"!!{tag}": (VALID + f"seeds: !!{tag} 'x'\n", f"line 4, column 8: {words}; this is not valid YAML")
    for tag, words in {
        "bool": "'x' is not true or false",
        "int": "'x' is not a whole number",
        "float": "'x' is not a number",
        "binary": "could not determine a constructor for the tag 'tag:yaml.org,2002:binary'",
        "omap": "could not determine a constructor for the tag 'tag:yaml.org,2002:omap'",
    }.items()
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_nobody_writes_by_hand_is_refused_in_a_line(case: str, check: Check) -> None:
    text, line = CASES[case]
    assert check(text) == (2, "", [f"s.yaml: {line}"])


def test_of_very_many_mistakes_the_first_are_told_and_the_others_counted(check: Check) -> None:
    code, _, lines = check(VALID + "".join(f"key{i}: 1\n" for i in range(5000)))
    assert code == 2
    assert len(lines) == 51
    assert lines[0] == "s.yaml: key0: 'key0' is not a key; known: " + lines[0].partition("known: ")[2]
    assert lines[-1] == "s.yaml: and 4,950 more mistakes; mend these first"


def test_a_file_may_begin_with_a_mark_of_its_encoding(check: Check) -> None:
    assert check("\ufeff" + VALID)[0] == 0


def test_what_is_no_regular_file_is_not_read(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    from study.__main__ import main

    assert main(["check", "/dev/zero"]) == 2
    assert capsys.readouterr().err == "/dev/zero: is no regular file; give the path of a study file\n"


def test_a_separator_may_be_a_control_character(check: Check) -> None:
    with open("t.csv", "w") as file:
        file.writelines(f"{i % 7}\x01{i * i % 11}\x01{'ab'[i % 2]}\n" if i else "x\x01z\x01y\n" for i in range(60))
    dataset = r'{name: table, path: t.csv, target: y, read: {sep: "\x01"}}'
    assert check(VALID.replace("digits", dataset))[0] == 0
