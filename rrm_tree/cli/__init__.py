"""`rrm`: the commands by name, each imported when it is called.

In: the command line. Out: an exit code (see `rrm_tree.errors`) and text.
Touches standard output and standard error; this package alone prints.
"""

from __future__ import annotations

import sys
from typing import Final, NoReturn

import click

from rrm_tree.errors import ExitCode, RrmError

COMMANDS: Final = {
    "run": ("rrm_tree.cli.run_commands:run", "Train a tree, leaves first; the same command resumes."),
    "plan": ("rrm_tree.cli.look_commands:plan", "Show what would be trained, and why."),
    "status": (
        "rrm_tree.cli.look_commands:status",
        "Show how far a run is; the latest one if none is named.",
    ),
    "logs": ("rrm_tree.cli.look_commands:logs", "Show what a node's attempts have said."),
    "report": (
        "rrm_tree.cli.look_commands:report",
        "Write the report of a run again; the latest one if none is named.",
    ),
    "compare": (
        "rrm_tree.cli.compare_commands:compare",
        "Say what differs between two runs, and what of that is more than noise.",
    ),
    "measure": (
        "rrm_tree.cli.measure_command:measure",
        "Measure the trained nodes of a run again, training nothing; the latest run if none is named.",
    ),
    "whatif": (
        "rrm_tree.cli.whatif_command:whatif",
        "Say what an ideal or a corrupted helper, a judge without slips, or any edit would change.",
    ),
    "allocate": (
        "rrm_tree.cli.allocate_command:allocate",
        "Say at which node so many more judgments would gain the root most; the latest run if none is named.",
    ),
    "gc": ("rrm_tree.cli.gc_command:gc", "Remove from the store what no run refers to."),
    "label": (
        "rrm_tree.cli.people_command:label",
        "Answer the questions that a run puts to people, one key each; the latest run if none is named.",
    ),
    "ui": (
        "rrm_tree.cli.ui_command:ui",
        "Open the page on which people judge, and the dashboard; the latest run if none is named.",
    ),
    "labels": ("rrm_tree.cli.label_commands:labels", "List, export, import and compare judgments."),
    "validate": ("rrm_tree.cli.spec_commands:validate", "Find every mistake in a spec."),
    "show": ("rrm_tree.cli.spec_commands:show", "Show every setting of a spec and where it comes from."),
    "schema": ("rrm_tree.cli.spec_commands:schema", "Print the JSON schema by which editors check specs."),
    "list": ("rrm_tree.cli.spec_commands:list_plugins", "List what a spec can use here."),
    "init": ("rrm_tree.cli.spec_commands:init", "Copy a sample spec into a folder."),
    "cancel": (
        "rrm_tree.cli.wish_commands:cancel",
        "Stop a run, or the training of one node of it on a fleet, wherever it goes on.",
    ),
    "retry": (
        "rrm_tree.cli.wish_commands:retry",
        "Train after all what failed, was given up or was cancelled.",
    ),
    "doctor": (
        "rrm_tree.cli.doctor_command:doctor",
        "Check this machine, and the fleet's broker, ledger and store: ok, warn or fail, with the cure.",
    ),
    "worker": (
        "rrm_tree.cli.fleet_commands:worker",
        "Join the fleet: take tickets and train what they name, until told to stop.",
    ),
    "schedule": ("rrm_tree.cli.fleet_commands:schedule", ""),
    "nursery": ("rrm_tree.cli.fleet_commands:nursery", ""),
    "attempt": ("rrm_tree.cli.run_commands:attempt", ""),
}
"""Name → where the command is, and its line in `rrm --help`; without a line it is not shown."""


class LazyGroup(click.Group):
    """Commands that are imported when they are called, so that `rrm --help` imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names for completion and for did-you-mean."""
        return [name for name, (_, line) in COMMANDS.items() if line]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a suggestion for a wrong name."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from rrm_tree.mistakes import suggest

            ctx.fail(f"there is no command '{args[0]}'{suggest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items() if line])


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"rrm-tree {version('rrm-tree')}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def rrm() -> None:
    """Recursive reward modeling: declare a tree of tasks, train it leaves first, read its accuracy.

    Exit codes: 0 done; 1 something failed; 2 usage or spec error; 3 done, but a gate was missed;
    4 waiting for people; 5 store or broker not reachable; 6 work to do (plan --check);
    7 something got worse (compare); 130 interrupted.
    """


def _read_settings_file() -> None:
    """Let rrm.toml stand in for variables of the environment that are not set."""
    import os
    from pathlib import Path

    file = Path("rrm.toml")
    if not file.is_file():
        return
    import tomllib

    from rrm_tree.errors import UsageError

    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"rrm.toml: {error}") from error
    for name in ("store", "ledger"):
        if isinstance(settings.get(name), str):
            os.environ.setdefault(f"RRM_{name.upper()}", settings[name])


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run one command and exit with its code; errors raised on purpose are shown without traceback."""
    try:
        _read_settings_file()
        code = rrm.main(arguments, prog_name="rrm", standalone_mode=False)
    except RrmError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    sys.exit(code if isinstance(code, int) else ExitCode.DONE)
