"""The templates of all pages, and what goes into them: prose, tables to copy, drawn marks.

In: text, Tables, values. Out: Markup. Reads the templates beside it and touches nothing else.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from io import StringIO
from itertools import pairwise

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from rrm_tree.report.drawing import SHADES
from rrm_tree.report.tables import Table
from rrm_tree.report.words import share

CODE = re.compile(r"`([^`]*)`")
NUMBERS = re.compile(r"[-+\d.,() to]+")


@cache
def environment() -> Environment:
    """The templates, escaping everything that is not said to be safe."""
    made = Environment(
        loader=PackageLoader("rrm_tree.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "prose": prose,
        "share": share,
        "csv": write_csv,
        "unquoted": lambda text: text.replace("`", ""),
    }
    return made


def prose(text: str) -> Markup:
    """A sentence with the names between backticks as code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))


def write_csv(table: Table) -> str:
    """A table to copy into a spreadsheet; names without backticks, minus signs that programs read."""
    stream = StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for row in (table.columns, *table.rows):
        writer.writerow(_guarded(cell.replace("`", "").replace("−", "-")) for cell in row)
    return stream.getvalue()


def _guarded(cell: str) -> str:
    # Spreadsheets take what begins so for a formula; differences with their intervals are none.
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t")) and not NUMBERS.fullmatch(cell) else cell


def draw(name: str, *values: object) -> Markup:
    """What a macro of the chart templates draws."""
    drawn: Markup = getattr(environment().get_template("charts.svg.j2").module, name)(*values)
    return drawn


def list_shades() -> list[tuple[str, str]]:
    """The classes of a tree's boxes, each with the accuracies that it stands for."""
    bounds = [f"{bound:.1f}" for bound in SHADES]
    middle = [f"{low} to {high}" for low, high in pairwise(bounds)]
    names = [f"below {bounds[0]}", *middle, f"{bounds[-1]} and more"]
    return [*((f"s{index}", name) for index, name in enumerate(names)), ("unknown", "not measured")]
