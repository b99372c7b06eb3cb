"""The command that opens the pages: `rrm ui`.

In: a run's name, where to listen, who judges. Out: links on standard output; pages until Ctrl-C.
Touches the store, the ledger and the network.
"""

from __future__ import annotations

from dataclasses import replace

import click

from rrm_tree.cli.opening import find_run, open_desk, store_option, this_person
from rrm_tree.errors import UsageError

PORT = 8642


@click.command()
@click.argument("name", metavar="[RUN]", required=False)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0: any free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--people", metavar="NAME,…", help="A link of their own for each of these.")
@click.option("--url", metavar="URL", help="How browsers reach the page, behind a proxy or by a name.")
@store_option
def ui(name: str | None, port: int, host: str, people: str | None, url: str | None, address: str) -> None:
    """Open the page on which people judge, and the dashboard; the latest run if none is named.

    Every link carries a token. The first one works once, and lets whoever opens it see and steer the run.
    """
    from rrm_tree.asking import check_name

    try:
        from rrm_tree.web.serving import Place, check_place, listen, open_doors, open_office, serve
    except ImportError as error:
        raise UsageError(
            f"the pages need more packages ({error.name}): pip install 'rrm-tree[web]'"
        ) from error

    place = Place(host, port, url)
    check_place(place)
    named = [check_name(one) for one in people.split(",")] if people else []
    store, run = find_run(address, name or "")
    office = open_office(store, open_desk(store), run, place)
    opened = listen(place)
    place = replace(place, port=opened.getsockname()[1])
    owner, *others, metrics = open_doors(office, this_person(), named)
    click.echo(f"run: {run}")
    click.echo(f"dashboard (works once): {place.address}/enter/{owner.token}")
    for door in others:
        click.echo(f"{door.name}: {place.address}/enter/{door.token}")
    click.echo(f"metrics: {place.address}/metrics with 'Authorization: Bearer {metrics.token}'")
    click.echo("open a link in a browser; Ctrl-C ends the pages, and what was answered is kept")
    if not place.is_loopback and not place.address.startswith("https:"):
        click.echo("answers travel unencrypted: put the page behind a proxy with https, see --url", err=True)
    serve(office, place, opened)
