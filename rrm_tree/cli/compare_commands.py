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
    from rrm_tree.records import RunResult, SeedsResult


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
    from rrm_tree.propagation.comparing import compare_runs
    from rrm_tree.report.comparing import write_comparison
    from rrm_tree.results import compare_configurations

    one, other = (_results(collect_run(*find_run(address, name))) for name in (first, second))
    edits = compare_configurations(one[0].configuration, other[0].configuration)
    if len(one) > 1 or len(other) > 1:
        # Which seeds there are is said apart: the first one's is not a setting of the whole.
        edits = tuple(edit for edit in edits if edit.path != "seed")
    found = compare_runs(one, other, edits)
    if form == "json":
        click.echo(found.model_dump_json())
    else:
        click.echo(write_comparison(found), nl=False)
    return ExitCode.WORSE if found.verdict == "worse" else ExitCode.DONE


def _results(result: RunResult | SeedsResult) -> tuple[RunResult, ...]:
    from rrm_tree.records import SeedsResult

    return result.results if isinstance(result, SeedsResult) else (result,)
