"""Commands about specs: validate, show, schema, list, init.

In: a spec's name and options. Out: text or JSON on standard output.
Touches the files that it is told to read; `init` writes into the folder that it is told.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rrm_tree.errors import ExitCode, SpecError

if TYPE_CHECKING:
    from rrm_tree.graph import TaskGraph
    from rrm_tree.mistakes import SpecMistakes

spec_argument = click.argument("spec", type=click.Path(path_type=str))
sets_option = click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change the spec, e.g. nodes.player.budget.judgments=500. Repeatable.",
)
format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to print.",
)


@click.command()
@spec_argument
@sets_option
@format_option
@click.pass_context
def validate(ctx: click.Context, spec: str, sets: tuple[str, ...], form: str) -> None:
    """Find every mistake in a spec."""
    from rrm_tree.graph import load_graph

    if form == "text":
        click.echo(_describe(load_graph(spec, sets)))
        return
    try:
        graph = load_graph(spec, sets)
    except SpecError as error:
        click.echo(json.dumps(_mistakes_as_json(spec, error), indent=2, ensure_ascii=False))
        ctx.exit(ExitCode.USAGE)
    nodes = [
        {"name": name, "level": graph.level[name], "helpers": list(graph.helpers[name])}
        for name in graph.order
    ]
    found = {"file": spec, "name": graph.tree.name, "root": graph.root, "mistakes": [], "nodes": nodes}
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


def _mistakes_as_json(file: str, error: SpecError) -> dict[str, Any]:
    from rrm_tree.mistakes import SpecMistakes

    if not isinstance(error, SpecMistakes):
        return {"file": file, "mistakes": [{"message": str(error)}]}
    return {"file": file, "mistakes": list(_each_mistake(error))}


def _each_mistake(error: SpecMistakes) -> list[dict[str, Any]]:
    from rrm_tree.mistakes import show_path

    return [
        {
            "path": show_path(one.path),
            "message": one.message,
            "line": one.place.line if one.place and one.place.setting is None else None,
            "column": one.place.column if one.place and one.place.setting is None else None,
            "set": one.place.setting if one.place else None,
        }
        for one in error.mistakes
    ]


def _describe(graph: TaskGraph) -> str:
    nodes, levels = len(graph.order), graph.level[graph.root] + 1
    counted = f"{nodes} node{'s' * (nodes > 1)} on {levels} level{'s' * (levels > 1)}"
    budget = sum(node.budget.judgments for node in graph.tree.nodes.values())
    lines = [f"{graph.tree.name} is valid: {counted}, root {graph.root}, {budget:,} judgments"]
    width = max(map(len, graph.order))
    for name in reversed(graph.order):
        helpers = ", ".join(graph.helpers[name])
        use = graph.tree.nodes[name].task.use
        line = f"  {graph.level[name]}  {name:<{width}}  {use}" + (f"  <- {helpers}" if helpers else "")
        lines.append(line)
    return "\n".join(lines)


@click.command()
@spec_argument
@click.argument("node", required=False)
@sets_option
@format_option
def show(spec: str, node: str | None, sets: tuple[str, ...], form: str) -> None:
    """Show every setting of a spec and where it comes from.

    With NODE that node alone, otherwise the whole tree. Defaults are resolved, those of plug-ins
    included.
    """
    from rrm_tree.cli.settings import list_settings
    from rrm_tree.graph import load_graph

    settings = list_settings(load_graph(spec, sets).tree, node)
    if form == "json":
        rows = [{"path": ".".join(one.path), "value": one.value, "from": one.origin} for one in settings]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False, default=str))
        return
    shown = [(".".join(one.path), json.dumps(one.value, ensure_ascii=False, default=str)) for one in settings]
    width = min(60, max(len(f"{path}: {value}") for path, value in shown))
    for one, (path, value) in zip(settings, shown, strict=True):
        click.echo(f"{f'{path}: {value}':<{width}}  # {one.origin}")


@click.command()
@click.option("--report", is_flag=True, help="The schema of report.json instead.")
@click.option("--seeds", is_flag=True, help="With --report: that of a run of several seeds.")
def schema(report: bool, seeds: bool) -> None:
    """Print the JSON schema by which editors check specs.

    Begin a spec with `# yaml-language-server: $schema=spec.schema.json` after
    `rrm schema > spec.schema.json`.
    """
    if report or seeds:
        from rrm_tree.report import report_schema, seeds_report_schema

        click.echo(json.dumps(seeds_report_schema() if seeds else report_schema(), indent=1))
        return
    from rrm_tree.schema import write_schema

    click.echo(write_schema(), nl=False)


@click.command("list")
@click.argument("kind", required=False, type=click.Choice(["task", "judge", "network", "algorithm"]))
@format_option
def list_plugins(kind: str | None, form: str) -> None:
    """List what a spec can use here.

    Built in, announced by installed distributions, and gymnasium's environments by their ids.
    """
    from rrm_tree.cli.settings import describe_plugins

    found = [one for one in describe_plugins() if kind in (None, one["kind"])]
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False, default=str))
        return
    for one in found:
        click.echo(f"{one['kind']:<9}  {one['name']:<16}  {one['doc']}")
        for name, text in one["options"].items():
            click.echo(f"{'':<29}{name}: {text}")


@click.command()
@click.argument("name")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
def init(name: str, folder: Path) -> None:
    """Copy a sample spec into a folder.

    The sample comes with its data and with the schema by which editors check it; nothing that is
    already there is overwritten.
    """
    from rrm_tree.cli.samples import copy_sample

    written = copy_sample(name, folder)
    for path in written:
        click.echo(f"wrote {path}")
    click.echo(f"next: rrm run {written[0]}")
