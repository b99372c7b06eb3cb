"""Showing how it is done in a terminal: actions by their numbers, and where they lead in words.

In: a task, a question that wants an episode, lines on standard input. Out: what the person wants.
Touches standard input and output, and the task's environments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from rrm_tree.cli.answering import COMMANDS, PASS, QUIT, SKIP, UNDO, Keys, Press, read_command

if TYPE_CHECKING:
    from rrm_tree.asking import Asked
    from rrm_tree.contracts import Steering, Task
    from rrm_tree.outcomes import Judged
    from rrm_tree.steering import Way

DONE = "d"


def steer(keys: Keys, task: Task, asked: Asked, judged: Judged) -> Press:
    """What a person does, action by action, or wants instead.

    Raises:
        PluginError: people cannot act in the task.
    """
    from rrm_tree.asking import SHOWN
    from rrm_tree.errors import PluginError, UsageError
    from rrm_tree.outcomes import take_rows
    from rrm_tree.steered import steering_of
    from rrm_tree.steering import allowed_after, follow

    found = steering_of(task)
    if isinstance(found, str):
        raise PluginError(found)
    rows = judged.items.first[asked.item : asked.item + 1]
    about = take_rows(judged.outcomes.subjects, rows)
    moves = asked.moves or ()
    way = follow(task, asked.kind, about, moves)

    def show() -> None:
        allowed = None if way.over else allowed_after(task, asked.kind, about, moves)
        _show(task, way, moves, allowed or ())

    _explain(found, asked.kind)
    show()
    while (line := keys.line()) is not None:
        for word in line.lower().split():
            wanted = moves
            if word in (PASS, SKIP, QUIT) or (word == UNDO and not moves):
                return read_command(word)
            if word == DONE and way.enough:
                return Press("answer", SHOWN, moves)
            if word == UNDO:
                wanted = moves[:-1]
            elif word.isascii() and word.isdigit() and len(word) < 4:
                wanted = (*moves, int(word) - 1)
            else:
                say = "go on: so far it cannot be learned from" if word == DONE else "what is meant?"
                click.echo(say)
                continue
            try:
                way, moves = follow(task, asked.kind, about, wanted), wanted
            except UsageError as error:
                click.echo(str(error))
                break
        show()
    return Press("quit")


def _explain(steering: Steering, kind: str) -> None:
    from rrm_tree.showing import clean_text

    ends = "that is the goal" if kind == "goal" else "done"
    click.echo("\nwhat can be done, by its number:")
    for place, name in enumerate(steering.names, 1):
        click.echo(f"  {place:>2}  {clean_text(name)}")
    commands = {**COMMANDS, UNDO: "take the last one back", DONE: ends}
    click.echo("   ".join(f"[{key}] {words}" for key, words in commands.items()) + "   then Enter")


def _show(task: Task, way: Way, moves: tuple[int, ...], allowed: Sequence[bool]) -> None:
    from rrm_tree.outcomes import Advice
    from rrm_tree.showing import spell

    over = ", which is the end; [d] hands it in" if way.over else ""
    click.echo(f"\nafter {len(moves)} moves{over}:\n{spell(task, way.done, 0, 0, Advice())}")
    if forbidden := [str(place) for place, one in enumerate(allowed, 1) if not one]:
        click.echo(f"not allowed now: {' '.join(forbidden)}")
