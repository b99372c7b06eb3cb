"""A run's tree as one looks at it: that of one seed, or the mean over all.

In: boards, results. Out: views, with what may be wished of each node. Touches nothing but the clock.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rrm_tree.asking import Progress
from rrm_tree.boards import Board, Line, SeedsBoard
from rrm_tree.propagation import Analysis, analyse, analyse_seeds
from rrm_tree.propagation.over_seeds import average
from rrm_tree.records import NodeResult, RunResult, SeedsResult
from rrm_tree.report.drawing import Drawing, draw_tree
from rrm_tree.report.seeds.means import analyse_means
from rrm_tree.report.words import clean

Wish = Literal["cancel", "retry"]

STATES = {"parked": "waits for people", "waits": "waits its turn", "blocked": "not trained"}
"""States in words, where the bare one would not do."""

DONE = frozenset({"done", "reused"})
UNDER_WAY = frozenset({"running", "parked", "waits"})
TELLING = ("failed", "lost", "running", "parked", "stopped")
"""What is said of a whole tree, the most urgent first."""
ENDED_BADLY = frozenset({"failed", "stopped", "lost"})

CURVES = 12
"""The most nodes whose curves are drawn."""
BOX_LETTERS, CELL_LETTERS = 24, 160


@dataclass(frozen=True)
class Curve:
    """Accuracy of a node's reward model, round by round."""

    node: str
    shares: tuple[float | None, ...]


@dataclass(frozen=True)
class Row:
    """What the table says of one entry, and what can be wished of it."""

    entry: str
    state: str
    cells: tuple[str, ...]
    wishes: tuple[Wish, ...]
    open: int
    questions: int
    """Of those that are put to people now, and how many of them lack answers."""


@dataclass(frozen=True)
class Learned:
    """What is known of a tree; it changes when a round more is stored."""

    result: RunResult
    """What the lines of the drawing follow."""
    analysis: Analysis
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class View:
    """A tree as it stands."""

    seed: int | None
    """Whose tree it is, where the run has several; None for all of them together."""
    titles: tuple[str, ...]
    rows: tuple[Row, ...]
    drawing: Drawing
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class Choice:
    """A seed that can be looked at."""

    seed: int
    words: str
    """How far it is."""


def list_rows(
    board: Board | SeedsBoard,
    boards: Mapping[str, Board],
    cancelled: Collection[str],
    asked: Sequence[Progress],
    *,
    one_by_one: bool,
) -> tuple[Row, ...]:
    """The table of a view.

    Args:
        board: what the table shows.
        boards: those of all seeds: a wish goes to every seed.
        cancelled: entries that shall be trained no further.
        asked: what is asked of people about the seeds that are shown.
        one_by_one: whether single nodes can be cancelled.
    """
    rows = []
    for entry, row in zip(next(iter(boards.values())).lines, board.rows(time.time()), strict=True):
        states = {one.lines[entry].state for one in boards.values()}
        state = row.cells[1]
        cells = [STATES.get(cell, cell) if place == 1 else cell for place, cell in enumerate(row.cells)]
        wishes: list[Wish] = []
        if entry in cancelled:
            cells[-1] = ", ".join(filter(None, ["cancelled", cells[-1]]))
        elif one_by_one and states & UNDER_WAY:
            wishes.append("cancel")
        if entry in cancelled or states & ENDED_BADLY:
            wishes.append("retry")
        put = [one for one in asked if one.entry == entry]
        counts = sum(one.open for one in put), sum(one.questions for one in put)
        shown = tuple(clean(cell, CELL_LETTERS) for cell in cells)
        rows.append(Row(entry, state, shown, tuple(wishes), *counts))
    return tuple(rows)


def learn_one(result: RunResult) -> Learned:
    """What one seed has learned."""
    return Learned(result, analyse(result), _curves_of(result))


def learn_all(results: Sequence[RunResult]) -> Learned:
    """The means over seeds, each of those that have come so far."""
    first = results[0]
    together = SeedsResult(
        name=first.name, run="", root=first.root, command="", versions={}, results=tuple(results)
    )
    curves = tuple(_mean_curves([_curves_of(one, None) for one in results]))
    return Learned(first, analyse_means(analyse_seeds(together)), curves)


def draw(learned: Learned, boards: Sequence[Board]) -> Drawing:
    """The tree with what is known of it, and how far it is; of several boards, in how many seeds."""
    remark = _remarks(boards[0]) if len(boards) == 1 else _remarks_on_seeds(boards)
    return draw_tree(learned.result, learned.analysis, remark)


def say_standing(board: Board) -> str:
    """How far one seed is, in a few words."""
    states = [line.state for line in board.lines.values()]
    done = sum(state in DONE for state in states)
    now = next((state for state in TELLING if state in states), "")
    return f"{done} of {len(states)} done" + (f", {STATES.get(now, now)}" if now else "")


def _remarks(board: Board) -> dict[str, str]:
    """What each box of the tree says last while its node is not done."""
    return {
        name: clean(line.text if line.state == "running" and line.text else _word(line), BOX_LETTERS)
        for name, line in board.lines.items()
        if line.state not in DONE
    }


def _word(line: Line) -> str:
    return STATES.get(line.state, line.state)


def _remarks_on_seeds(boards: Sequence[Board]) -> dict[str, str]:
    """In how many seeds a node is done, while it is not in all."""
    done = {name: sum(board.lines[name].state in DONE for board in boards) for name in boards[0].lines}
    return {name: f"done in {n} of {len(boards)} seeds" for name, n in done.items() if n < len(boards)}


def _curves_of(result: RunResult, most: int | None = CURVES) -> tuple[Curve, ...]:
    """Of nodes that were measured; of too many, those with the most rounds."""
    known = [Curve(clean(node.name, 40), _shares(node)) for node in result.nodes if node.arm is None]
    known = [curve for curve in known if any(share is not None for share in curve.shares)]
    return tuple(sorted(known, key=lambda curve: -len(curve.shares))[:most])


def _shares(node: NodeResult) -> tuple[float | None, ...]:
    values: list[float | None] = []
    for record in node.rounds:
        part = record.off or record.on
        share = part.distilled if part else None
        values.append(share.value if share is not None and share.pairs else None)
    return tuple(values)


def _mean_curves(every: Sequence[Sequence[Curve]]) -> Iterator[Curve]:
    """Round by round the mean over the seeds that have come so far."""
    by_node: dict[str, list[Curve]] = {}
    for curve in (curve for curves in every for curve in curves):
        by_node.setdefault(curve.node, []).append(curve)
    for node in sorted(by_node, key=lambda node: -max(len(curve.shares) for curve in by_node[node]))[:CURVES]:
        curves = by_node[node]
        rounds = max(len(curve.shares) for curve in curves)
        means = [
            average({n: curve.shares[place] for n, curve in enumerate(curves) if place < len(curve.shares)})
            for place in range(rounds)
        ]
        yield Curve(node, tuple(None if over is None else over.mean for over in means))
