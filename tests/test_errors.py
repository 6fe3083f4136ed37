"""What a user is told of many problems: the message first, then a few of each kind."""

from __future__ import annotations

import pytest

from admoe_monai.cli import main as command
from admoe_monai.errors import (
    UserError,
    first_of_each_kind,
    nearest,
    one_line_errors,
    reason_of,
    root_cause,
    some_of,
    told,
    user_error,
)

LOST = [f"/data/table.csv line {n}: no image: /data/p{n}.nii.gz" for n in range(247)]
CODES = [f"/data/table.csv line {n}: column 'CDR' holds the unknown code '{n}'" for n in range(214)]


def test_five_of_each_kind_are_shown_and_the_others_counted() -> None:
    shown = first_of_each_kind([LOST[0], *CODES, *LOST[1:], "table.csv: something else"])
    assert shown == [
        *LOST[:5],
        "... and 242 more of this kind",
        *CODES[:5],
        "... and 209 more of this kind",
        "table.csv: something else",
    ]


def test_five_are_all_shown_and_of_six_the_last_is_counted() -> None:
    assert first_of_each_kind(LOST[:5]) == LOST[:5]
    assert first_of_each_kind(LOST[:6])[5:] == ["... and 1 more of this kind"]


def test_columns_are_of_kinds_of_their_own() -> None:
    sexes = [line.replace("CDR", "M/F") for line in CODES[:7]]
    assert sexes[0] in first_of_each_kind([*CODES, *sexes])


def test_a_list_without_any_order_has_an_end() -> None:
    words = [chr(97 + n // 26) + chr(97 + n % 26) for n in range(300)]
    shown = first_of_each_kind([f"place: {word} is wrong" for word in words])
    assert len(shown) == 11
    assert shown[-1] == "... and 290 of other kinds"


def test_the_message_comes_first_and_the_problem_that_it_quotes_is_not_repeated() -> None:
    assert told(UserError(f"247 problems; the first: {LOST[0]}", LOST)) == [
        f"error: 247 problems; the first: {LOST[0]}",
        *(f"  {line}" for line in LOST[1:6]),
        "  ... and 241 more of this kind",
    ]
    assert told(UserError("one thing is wrong")) == ["error: one thing is wrong"]


def test_a_run_and_a_command_say_the_same(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    error = UserError("much is wrong", LOST)

    def fail() -> None:
        raise error

    with pytest.raises(SystemExit) as left, one_line_errors():
        fail()
    assert left.value.code == "\n".join(told(error))
    monkeypatch.setattr(command, "app", fail)
    with pytest.raises(SystemExit) as left:
        command.main()
    assert left.value.code == 1
    assert capsys.readouterr().err.splitlines() == told(error)


def test_an_error_that_was_raised_from_itself_has_an_end() -> None:
    error = ValueError("its own cause")
    error.__cause__ = error
    assert user_error(error) is None
    assert root_cause(error) is error


def test_what_a_terminal_would_obey_is_shown_instead() -> None:
    error = UserError("'a\nb\x1b[2J\ud800' is no class; 'é 脳'", ["line 1: '\u202eabc'"])
    assert told(error) == [r"error: 'a\nb\x1b[2J\ud800' is no class; 'é 脳'", r"  line 1: '\u202eabc'"]


def test_of_many_names_the_first_are_shown() -> None:
    assert some_of(["a", "b", "c"]) == "a, b, c"
    assert some_of(["a", "b", "c", "d"]) == "a, b, c, …"
    assert some_of(["a", "b"], 1) == "a, …"
    assert some_of([]) == ""


def test_a_reason_is_a_few_words() -> None:
    assert reason_of(OSError(28, "No space left on device", "figures.json")) == "No space left on device"
    assert reason_of(UnicodeDecodeError("utf-8", b"\x89", 0, 1, "invalid start byte")) == "it is no text"
    assert reason_of(KeyError("tasks")) == "it has no 'tasks'"
    assert reason_of(RecursionError()) == "RecursionError"
    assert reason_of(ValueError("first line\nsecond line")) == "first line"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("DataLoader worker (pid 7) is killed by signal: Killed. ", "most likely for want of memory;"),
        ("DataLoader worker (pid(s) 7, 8) exited unexpectedly", "perhaps for want of memory;"),
        ("DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that dataloader's workers are out of "
         "shared memory.", "for want of shared memory"),
        ("DataLoader worker (pid 7) is killed by signal: Segmentation fault. ", "by the signal 'Segmentation fault';"),
    ],
)  # fmt: skip
def test_the_death_of_a_worker_is_one_line(said: str, why: str) -> None:
    error = RuntimeError("Exception in the loop")
    error.__context__ = RuntimeError(said)
    mistake = user_error(error)
    assert mistake is not None
    assert str(mistake).startswith("a worker that reads scans was ended from outside, ")
    assert why in str(mistake)
    assert "fewer --num_workers" in str(mistake)


def test_what_goes_wrong_within_a_worker_is_no_death_of_one() -> None:
    assert user_error(RuntimeError("Caught KeyError in DataLoader worker process 0.\nTraceback ...")) is None
    mistake = UserError("no image")
    mistake.__context__ = RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. ")
    assert user_error(mistake) is mistake


def test_the_nearest_name_is_asked_for_if_one_is_alike() -> None:
    assert nearest("batchsize", iter(["seed", "batch_size"])) == ", did you mean 'batch_size'?"
    assert nearest("batchsize", ["batch_size"], mark=";") == "; did you mean 'batch_size'?"
    assert nearest("batchsize", ["seed"]) == nearest("batchsize", ["batch_size"], cutoff=0.99) == ""
