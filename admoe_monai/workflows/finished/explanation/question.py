"""What a network is asked when it is explained: why this class rather than that one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from admoe_monai.errors import UserError


@dataclass(frozen=True)
class Question:
    """Difference of two logits of a task.

    Attributes:
        task: Task of the two classes.
        names: Names of all its classes, in the order of its logits.
        towards: Index of the class whose logit counts.
        against: Index of the class whose logit is taken away.
    """

    task: str
    names: Sequence[str]
    towards: int
    against: int

    def in_words(self) -> str:
        """Say which logits are compared, in a few words."""
        return f"{self.names[self.towards]} against {self.names[self.against]}"


def question_of(classes: Mapping[str, Sequence[str]], task: str | None, pair: Sequence[str] | None) -> Question:
    """Look up the classes of a question.

    Args:
        classes: Class names of each task.
        task: Name of the task; None for the first.
        pair: Class that counts and class that is taken away; None for the last and the first of the task.

    Raises:
        UserError: If there is no such task or class, or both classes are one.
    """
    task = task or next(iter(classes))
    if task not in classes:
        raise UserError(f"--task must be one of {', '.join(classes)}, got {task}")
    names = classes[task]
    towards, against = pair or (names[-1], names[0])
    for name in (towards, against):
        if name not in names:
            raise UserError(f"--classes must be two of {', '.join(names)}, got {name}")
    if towards == against:
        raise UserError(f"--classes must be two different ones, got {towards} twice")
    return Question(task, names, names.index(towards), names.index(against))
