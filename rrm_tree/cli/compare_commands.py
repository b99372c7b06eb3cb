"""Commands that set runs side by side: compare.

In: the names of runs, a store. Out: text or JSON on standard output, an exit code.
Touches nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rrm_tree.cli.opening import collect_run, find_run, store_option
from rrm_tree.cli.spec_commands import format_option
from rrm_tree.errors import ExitCode

if TYPE_CHECKING:
    from rrm_tree.propagation.comparing import Comparison
    from rrm_tree.store import Store


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@store_option
@format_option
def compare(first: str, second: str, address: str, form: str) -> int:
    """Say what differs between two runs, and what of that is more than noise.

    A and B are runs of the store, or folders of runs in any store. Exits with 7 if anything is worse
    in B than in A.
    """
    found = compare_stored(*(find_run(address, name) for name in (first, second)))
    print_comparison(found, form)
    return ExitCode.WORSE if found.verdict == "worse" else ExitCode.DONE


def compare_stored(first: tuple[Store, str], second: tuple[Store, str]) -> Comparison:
    """Two runs of stores side by side, each of one seed or of several; pair by pair where that can be."""
    from rrm_tree.paired import pair_runs
    from rrm_tree.propagation.comparing import UNPAIRED, compare_runs
    from rrm_tree.records import SeedsResult
    from rrm_tree.results import compare_configurations

    runs = [collect_run(*run) for run in (first, second)]
    one, other = (run.results if isinstance(run, SeedsResult) else (run,) for run in runs)
    edits = compare_configurations(one[0].configuration, other[0].configuration)
    if len(one) > 1 or len(other) > 1:
        # Which seeds there are is said apart: the first one's is not a setting of the whole.
        edits = tuple(edit for edit in edits if edit.path != "seed")
    alone = len(one) == len(other) == 1 and one[0].seed == other[0].seed
    paired = pair_runs((first[0], one[0]), (second[0], other[0])) if alone else UNPAIRED
    return compare_runs(one, other, edits, paired, names=(runs[0].run, runs[1].run))


def print_comparison(found: Comparison, form: str) -> None:
    """As text, or as one JSON object."""
    from rrm_tree.report.comparing import write_comparison

    click.echo(found.model_dump_json() if form == "json" else write_comparison(found), nl=form == "json")
