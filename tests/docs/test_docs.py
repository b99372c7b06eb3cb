"""Links lead somewhere, samples are valid, quotes are what they quote."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from rrm_tree import load_graph

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "task_specs" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WRITTEN_BY_HAND = {page: page.read_text(encoding="utf-8") for page in PAGES}
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w+)(?: of (\S+))?\n(.*?)^```$", re.M | re.S)


def anchors(page: Path) -> set[str]:
    """The anchors that a forge gives to the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.M)
    kept = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {title.strip().replace(" ", "-") for title in kept}


def blocks(language: str) -> list[tuple[str, str | None, str]]:
    """Every fenced block of a language: its page, the file that it quotes, its text."""
    return [
        (str(page.relative_to(ROOT)), source or None, text)
        for page, whole in WRITTEN_BY_HAND.items()
        for kind, source, text in FENCE.findall(whole)
        if kind == language
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_relative_link_leads_to_a_file_and_a_heading(name: str) -> None:
    page = ROOT / name
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize(
    ("name", "text"),
    [(name, text) for name, _, text in blocks("yaml") if re.search(r"^version:", text, flags=re.M)],
)
def test_every_whole_spec_on_a_page_is_valid(name: str, text: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tests" / "plugins")
    spec = tmp_path / "spec.yaml"
    spec.write_text(text, encoding="utf-8")
    assert load_graph(spec).root


@pytest.mark.parametrize(
    ("name", "source", "text"), [one for language in ("python", "yaml") for one in blocks(language) if one[1]]
)
def test_what_a_page_quotes_stands_in_the_file_as_it_is(name: str, source: str, text: str) -> None:
    whole = (ROOT / source).read_text(encoding="utf-8")
    for piece in re.split(r"^ *…$\n", text, flags=re.M):
        assert piece.strip("\n") in whole


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, _, text in blocks("python")])
def test_python_on_a_page_can_be_compiled(name: str, text: str) -> None:
    compile(textwrap.dedent(text).replace("…", "..."), name, "exec")
