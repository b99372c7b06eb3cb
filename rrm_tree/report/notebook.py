"""A report in a notebook's cell: verdict and tables, in the notebook's own style.

In: a RunResult or a SeedsResult. Out: HTML without styles or scripts. Touches nothing.
"""

from __future__ import annotations

from markupsafe import Markup, escape

from rrm_tree.report.rendering import prose
from rrm_tree.report.tables import Table


def write_cell(title: str, verdict: str, tables: list[Table]) -> str:
    """A heading, a sentence, and the tables that have rows."""
    parts = [Markup("<p><b>{}</b>: {}</p>").format(title, prose(verdict))]
    parts += [_write_table(table) for table in tables if table.rows]
    return str(Markup("\n").join(parts))


def _write_table(table: Table) -> Markup:
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(column) for column in table.columns)
    rows = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(Markup("<td>{}</td>").format(prose(cell)) for cell in row)
        )
        for row in table.rows
    )
    caption = escape(table.caption.replace("`", ""))
    return Markup("<table><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(
        caption, head, rows
    )
