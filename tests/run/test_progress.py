"""What people and programs see of a run, from its events alone."""

import io
import json

from rich.console import Console
from small_trees import make_plan, make_tree

from rrm_tree.boards import Board, show_seconds, show_share
from rrm_tree.ledger import Event
from rrm_tree.progress import JsonLines, LiveTable, TextLines


def happens(kind, at=0.0, entry="leaf", **data):
    return Event(1, at, "run", entry, kind, data)


def round_event(index, at, seconds):
    facts = {"of": 3, "distilled": [90.0, 100], "steps_per_second": 1234.5, "seconds": seconds}
    return happens("round", at, index=index, **facts)


def test_the_time_left_is_told_only_after_a_round_has_shown_what_it_takes():
    board = Board(make_plan(make_tree()))
    board.note(happens("started", 0.0, stored=0))
    assert board.lines["leaf"].left(5.0) is None
    board.note(round_event(0, at=10.0, seconds=10.0))
    assert board.lines["leaf"].left(now=14.0) == 16.0


def test_a_share_is_shown_with_its_interval():
    assert show_share([90.0, 100]) == ".90 [.83, .94]"
    assert show_share(None) == show_share([0.0, 0]) == ""


def test_times_are_shown_in_the_unit_that_fits():
    assert [show_seconds(seconds) for seconds in (39.6, 185, 7385)] == ["40 s", "3:05", "2:03:05"]


def test_a_pipe_gets_one_line_a_change_and_no_phases():
    lines = []
    display = TextLines(Board(make_plan(make_tree())), lines.append)
    display.show(
        [happens("started", stored=0), happens("phase", text="judging 1/9"), round_event(0, 1.0, 2.0)]
    )
    said = [line.split("  ", 1)[1] for line in lines]
    assert said == ["leaf: started", "leaf: round 1/3 in 2 s, distilled .90 [.83, .94], 1,234 steps/s"]


def worth(verdict):
    estimate = {"value": 0.84, "low": 0.8, "high": 0.88, "count": 300}
    gain = {"value": -0.03, "low": -0.05, "high": -0.01}
    before, after = estimate, {**estimate, "value": 0.81}
    looks = {"looks_alone": 16.8, "looks_assisted": 5.1, "solve_looks": None}
    return {"base": "alone", "before": before, "after": after, "gain": gain, "verdict": verdict, **looks}


def test_what_helpers_are_worth_is_said_in_words_and_does_not_scroll_away():
    event = happens("worth", **worth("hurts"))
    words = (
        "leaf: recursion does not pay: its helpers hurt the judge, -0.03 [-0.05, -0.01];"
        " 0.81 right with them, 0.84 alone; 5.1 looks a judgment instead of 16.8"
    )
    lines = []
    TextLines(Board(make_plan(make_tree())), lines.append).show([event])
    assert lines[0].split("  ", 1)[1] == words
    assert words in table(make_plan(make_tree()), event, width=200)


def test_a_program_gets_every_event_as_one_object():
    lines = []
    JsonLines(lines.append).show([happens("phase", 2.5, text="judging")])
    assert json.loads(lines[0]) == {
        "id": 1, "at": 2.5, "run": "run", "entry": "leaf", "kind": "phase", "text": "judging",
    }  # fmt: skip


def table(plan, *events, height=40, width=100):
    out = io.StringIO()
    console = Console(file=out, width=width, height=height)
    display = LiveTable(Board(plan), console)
    display.show(events)
    console.print(display.draw())
    return out.getvalue()


def test_the_table_has_a_line_for_every_entry():
    shown = table(make_plan(make_tree()), happens("started", stored=0), round_event(0, 1.0, 2.0))
    assert all(name in shown for name in ("leaf", "left", "right", "root"))
    assert ".90 [.83, .94]" in shown


def test_of_a_narrow_terminal_long_names_and_words_yield_before_states_and_rounds():
    long = "a_node_with_a_name_that_takes_half_of_a_line"
    events = (happens(kind, entry=long, **data) for kind, data in (
        ("started", {"stored": 0}), ("phase", {"text": "judging " * 9}),
    ))  # fmt: skip
    shown = table(make_plan(make_tree({long: []})), *events, width=80)
    assert "running" in shown
    assert "0/3" in shown


def test_what_waited_for_a_node_that_is_tried_again_is_not_shown_as_blocked():
    blocked = [
        happens("blocked", entry=name, text=f"waits for {culprit}: it broke")
        for name, culprit in (("left", "leaf"), ("root", "right"))
    ]
    board = Board(make_plan(make_tree()))
    for event in (*blocked, happens("retry")):
        board.note(event)
    assert [board.lines[name].state for name in ("left", "root")] == ["waits", "blocked"]
    board.note(happens("retry", entry=None))
    assert board.lines["root"].state == "waits"


def test_what_goes_wrong_does_not_scroll_away_and_its_text_is_no_markup():
    shown = table(make_plan(make_tree()), happens("failed", text="[bold]no[/bold] such thing"))
    assert "leaf: failed: [bold]no[/bold] such thing" in shown


def test_a_tree_larger_than_the_terminal_shows_what_is_going_on():
    events = (happens("started", stored=0), happens("done", entry="right"))
    shown = table(make_plan(make_tree()), *events, height=8)
    assert "leaf" in shown
    assert "right" not in shown
    assert "1 of 4 ended" in shown
