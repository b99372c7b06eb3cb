"""Commands about judgments: what was asked in a run and answered, to be listed, counted and taken along.

In: a run's name, a store. Out: text or JSON lines on standard output, or a file.
Touches nothing but the files that `export` and `import` are told to write.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rrm_tree.cli.opening import find_run, store_option
from rrm_tree.cli.printing import print_json
from rrm_tree.cli.spec_commands import format_option
from rrm_tree.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rrm_tree.exchange import Said
    from rrm_tree.labels import Label
    from rrm_tree.outcomes import Advice, Judged
    from rrm_tree.plan import Entry
    from rrm_tree.store import Store
    from rrm_tree.team import Team

LINES, ARCHIVE, STUDIO, TRL = "lines", "archive", "label-studio", "trl"
FORMS = (LINES, ARCHIVE, STUDIO, TRL)

node_option = click.option("--node", metavar="NODE", help="Of this node or arm alone.")


@click.group()
def labels() -> None:
    """List, export, import and compare judgments."""


@labels.command("list")
@click.argument("run", metavar="[RUN]", required=False, default="")
@node_option
@store_option
@format_option
def list_labels(run: str, node: str | None, address: str, form: str) -> int:
    """How many judgments of which kind every node has, and how many of them say something."""
    for entry, judged in _judged(address, run, node):
        told = int((judged.answers.values == judged.answers.values).sum())
        row = {
            "node": entry.name,
            "kind": judged.kind,
            "judgments": len(judged.items),
            "told": told,
            "looks": int(judged.answers.looks.sum()),
        }
        if form == "json":
            print_json(row)
        else:
            click.echo(f"{entry.name}: {len(judged.items):,} of kind {judged.kind}, {told:,} of them told")
    return ExitCode.DONE


@labels.command()
@click.argument("run", metavar="[RUN]", required=False, default="")
@node_option
@click.option(
    "--as", "form", type=click.Choice(FORMS), default=LINES, show_default=True, help="In which form."
)
@click.option("--to", "target", metavar="FILE", help="Write here instead of to standard output.")
@store_option
def export(run: str, node: str | None, form: str, target: str | None, address: str) -> int:
    """Write judgments as lines of JSON, with all that was shown (archive), or as other tools read them.

    People's answers of which no round has learned yet are among them.
    """
    from rrm_tree.feedback import DEMONSTRATED

    every = [*_judged(address, run, node), *_unlearned(address, run, node)]
    # What is shown is an episode: there is no word for it.
    parts = [one for one in every if form == ARCHIVE or one[1].kind not in DEMONSTRATED]
    count = sum(len(judged.items) for _, judged in parts)
    if form == ARCHIVE:
        data = _archive(parts)
        if target is None:
            raise UsageError("an archive is no text: say where to write it, with --to FILE")
    else:
        data = _text(parts, form, _words(address, run) if form != LINES else None).encode()
    if target is None:
        click.echo(data.decode(), nl=False)
        return ExitCode.DONE
    Path(target).write_bytes(data)
    left_out = sum(len(judged.items) for _, judged in every) - count
    more = f"; {left_out:,} that are episodes were left out (--as {ARCHIVE} has them)" if left_out else ""
    click.echo(f"{count:,} judgments written to {target}{more}")
    if form == ARCHIVE:
        _tell_use(target)
    return ExitCode.DONE


@labels.command("import")
@click.argument("answers", metavar="FILE")
@click.option("--archive", required=True, metavar="FILE", help="What was shown, from `export --as archive`.")
@click.option("--to", "target", required=True, metavar="FILE", help="The archive to write.")
@click.option("--as", "form", type=click.Choice([LINES, STUDIO]), default=LINES, show_default=True)
def import_labels(answers: str, archive: str, target: str, form: str) -> int:
    """Put answers from elsewhere to the questions of an archive; nothing in either file is trusted."""
    from rrm_tree.archive import Part, check_judged, read_archive, write_archive
    from rrm_tree.exchange import answer_again
    from rrm_tree.labels import name_questions

    said, kept, fitted = _read_answers(Path(answers), form), [], 0
    for part in read_archive(Path(archive)):
        judged = part.judged
        names = name_questions(judged.kind, part.questions, judged.outcomes, judged.advice, judged.items)
        again, count = answer_again(judged, names, said)
        fitted += count
        if count:
            try:
                check_judged(again, len(part.questions))
            except ValueError as error:
                raise UsageError(f"{answers}: {error}") from error
            kept.append(Part(part.node, part.task, part.questions, again))
    if not fitted:
        raise UsageError(f"{answers} answers none of the questions in {archive}")
    Path(target).write_bytes(write_archive(kept))
    others = f"; {len(said) - fitted:,} are about other questions" if len(said) > fitted else ""
    click.echo(f"{fitted:,} judgments written to {target}{others}")
    _tell_use(target)
    return ExitCode.DONE


@labels.command()
@click.argument("run", metavar="[RUN]", required=False, default="")
@node_option
@store_option
@format_option
def agreement(run: str, node: str | None, address: str, form: str) -> int:
    """How far several judges of a node agree, and how often each errs."""
    from rrm_tree.learning.facts import describe_judges

    found = False
    for entry, judged in _judged(address, run, node):
        facts = describe_judges(judged)
        agreed = facts.get("agreement")
        if agreed is None:
            continue
        found = True
        judges = facts.get("judges", ())
        if form == "json":
            rows = [judge.model_dump() for judge in judges]
            print_json({"node": entry.name, "kind": judged.kind, **agreed.model_dump(), "judges": rows})
            continue
        click.echo(
            f"{entry.name}, {judged.kind}: Krippendorff's alpha {agreed.alpha:.2f}"
            f" ({agreed.low:.2f} to {agreed.high:.2f}) over {agreed.questions:,} questions"
        )
        for place, judge in enumerate(judges):
            click.echo(f"  judge {place}: errs in {judge.error:.2f} of {judge.answers:,} answers")
    if not found:
        click.echo("no question was answered by two judges", err=form == "json")
    return ExitCode.DONE


def _judged(address: str, run: str, node: str | None) -> Iterator[tuple[Entry, Judged]]:
    """The judgments of every trained entry, kind by kind, all rounds together."""
    from rrm_tree.mistakes import suggest
    from rrm_tree.outcomes import join_judged
    from rrm_tree.states import load_all_rounds

    store, name = _open(address, run)
    plan, keys = store.plan(name), store.referred(name)
    if node is not None and node not in plan.by_name:
        raise UsageError(f"--node: run {name} has no node '{node}'{suggest(node, list(plan.by_name))}")
    for entry in plan.entries:
        rounds = load_all_rounds(store, keys[entry.name]) if entry.name in keys else ()
        # The last sweep has the judgments of those before.
        wanted = entry.sweep is None if node is None else entry.name == node
        if rounds and wanted:
            for of in zip(*(state.judgments for state in rounds), strict=True):
                yield entry, join_judged(of)


def _unlearned(address: str, run: str, node: str | None) -> Iterator[tuple[Entry, Judged]]:
    """What people have answered so far in batches from which no round has learned."""
    from rrm_tree.cli.opening import open_desk
    from rrm_tree.exchange import put_together
    from rrm_tree.feedback import DEMONSTRATED
    from rrm_tree.states import load_pending
    from rrm_tree.station import Station

    store, name = _open(address, run)
    plan, keys, team = store.plan(name), store.referred(name), _team(address, run)
    with closing(open_desk(store)) as desk:
        for entry in plan.entries:
            if entry.name not in keys or node not in (None, entry.name):
                continue
            key, kinds = keys[entry.name], len(entry.spec.judge.shares) or 1
            learned = len(store.manifests(key)) * kinds
            for pending in store.all_pending(key):
                shown = load_pending(store, key, pending.number) if pending.number >= learned else None
                # What was shown becomes an episode when a round plays it.
                if shown is None or shown.kind in DEMONSTRATED:
                    continue
                if given := desk.answers_for(key, pending.number):
                    before = Station(team, entry.name, entry.spec, shown.kind).line.first_person
                    yield entry, put_together(shown, given, before=before)


def _open(address: str, run: str) -> tuple[Store, str]:
    from rrm_tree.seeds import runs_of

    store, name = find_run(address, run)
    parts = list(runs_of(store.plan(name), name))
    if parts != [name]:
        raise UsageError(f"run {name} has several seeds; name one of them, such as {parts[0]}")
    return store, name


def _labels(entry: Entry, judged: Judged) -> Iterator[Label]:
    """The judgments of a node as labels, with the advice that its judge saw."""
    from rrm_tree.labels import labels_of

    criteria = [criterion.question for criterion in entry.spec.criteria.values()]
    return labels_of(judged, criteria, _advice_of(entry, judged))


def _advice_of(entry: Entry, judged: Judged) -> Advice:
    """The advice that a node's judge saw."""
    from rrm_tree.outcomes import Advice

    return judged.advice if entry.spec.shows_advice else Advice()


def _archive(parts: Sequence[tuple[Entry, Judged]]) -> bytes:
    from dataclasses import replace

    from rrm_tree.archive import Part, write_archive

    return write_archive(
        [
            Part(
                entry.name,
                entry.spec.task.use,
                tuple(criterion.question for criterion in entry.spec.criteria.values()),
                replace(judged, advice=_advice_of(entry, judged)),
            )
            for entry, judged in parts
        ]
    )


def _text(
    parts: Sequence[tuple[Entry, Judged]], form: str, words: Callable[[Entry, Judged, int], str] | None
) -> str:
    """Judgments in one of the forms that are text."""
    from rrm_tree.exchange import to_label_studio, to_trl
    from rrm_tree.labels import write_labels

    if words is None:
        return write_labels(label for entry, judged in parts for label in _labels(entry, judged))
    tasks: list[object] = []
    lines: list[str] = []
    for entry, judged in parts:
        told = list(_labels(entry, judged))
        say = partial(words, entry, judged)
        if form == STUDIO:
            tasks += to_label_studio(judged, told, say)
        else:
            lines += [json.dumps(one, ensure_ascii=False) for one in to_trl(judged, told, say)]
    return (
        json.dumps(tasks, ensure_ascii=False, indent=1) + "\n"
        if form == STUDIO
        else "".join(f"{line}\n" for line in lines)
    )


def _words(address: str, run: str) -> Callable[[Entry, Judged, int], str]:
    """What says an outcome of a run in words."""
    from rrm_tree.showing import spell

    team = _team(address, run)
    return lambda entry, judged, row: spell(
        team.task(entry.node), judged.outcomes, row, 0, _advice_of(entry, judged)
    )


def _team(address: str, run: str) -> Team:
    """The tasks and judges of a run."""
    from rrm_tree.registry import import_modules
    from rrm_tree.team import Team

    store, name = _open(address, run)
    plan = store.plan(name)
    import_modules(plan.tree.imports, Path(plan.folder))
    return Team(plan.tree, {})


def _read_answers(file: Path, form: str) -> list[Said]:
    """Answers from a file of another tool, or of ours.

    Raises:
        UsageError: it cannot be read, is too large, or is none.
    """
    from rrm_tree.exchange import MOST_BYTES, from_label_studio, from_lines

    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise UsageError(f"{file}: {size:,} bytes are more than are read ({MOST_BYTES:,})")
        text = file.read_text(encoding="utf-8")
        if form == LINES:
            return from_lines(text.splitlines(), file)
        return from_label_studio(json.loads(text), file)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is no JSON: {error}") from error


def _tell_use(target: str) -> None:
    """How a spec names the file."""
    from rrm_tree.learning.demonstration_files import digest_file

    digest = digest_file(Path(target))
    click.echo(f"to train from it: judge: {{use: recorded, with: {{file: {target}, sha256: {digest}}}}}")
