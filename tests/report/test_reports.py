"""The written reports: golden files, schema, and pages that nothing hostile can spoil."""

import base64
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rrm_tree.records import Cost, Mean, Picture, Share, Shares
from rrm_tree.report import build_report, report_picture, report_schema, terminal_report, write_reports
from rrm_tree.report.pictures import PICTURES, choose_pictures
from rrm_tree.report.rendering import write_csv
from rrm_tree.report.tables import Table

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = (
    "</style></title><script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    " | `x` \u202eevil\u202c\x1b[31m\x00"
)


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.text += data

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.attributes if key == name]


@pytest.fixture
def small_run(chess_run):
    """A root, its only helper, one arm; the helper failed its gate."""
    kept = [node for node in chess_run.nodes if node.name in ("verdict", "defended")]
    kept = [
        node.model_copy(update={"helpers": ("defended",) if node.name == "verdict" else ()}) for node in kept
    ]
    alone = kept[0].model_copy(update={"name": "verdict~alone", "arm": "alone", "judge_sees": ("outcome",)})
    return chess_run.model_copy(update={"root": "verdict", "nodes": (*kept, alone)})


def compare_with_golden(text: str, name: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), "if this is meant: UPDATE_GOLDEN=1 pytest tests/report"


def test_the_markdown_of_a_small_tree(small_run, tmp_path):
    write_reports(small_run, tmp_path)
    compare_with_golden((tmp_path / "report.md").read_text(encoding="utf-8"), "small.md")


def test_the_terminal_report_of_a_small_tree(small_run):
    compare_with_golden(terminal_report(small_run), "small.txt")


def test_the_terminal_report_of_the_chess_tree_fits_a_screen(chess_run):
    lines = terminal_report(chess_run).splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 110


def test_the_same_records_give_the_same_bytes(chess_run, tmp_path):
    for name in ("one", "two"):
        write_reports(chess_run, tmp_path / name)
    for file in ("report.json", "report.md", "report.html", "report.svg"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [
        "report.html",
        "report.json",
        "report.md",
        "report.svg",
    ]


def test_the_json_keeps_to_its_schema_and_holds_the_records(chess_run, tmp_path):
    write_reports(chess_run, tmp_path)
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(written, report_schema(), cls=jsonschema.Draft202012Validator)
    assert written["report"] == 1
    assert written["result"] == json.loads(chess_run.model_dump_json())


def test_the_schema_refuses_another_version(chess_run):
    written = json.loads(build_report(chess_run).model_dump_json()) | {"report": 2}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written, report_schema())


def test_the_page_needs_nothing_but_itself(chess_run, tmp_path):
    text = write_reports(chess_run, tmp_path).read_text(encoding="utf-8")
    page = Page(text)
    assert not {"script", "link", "iframe", "object", "base"} & set(page.tags)
    assert all(link.startswith("#") for link in page.all("href"))
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.all("src"))
    assert not re.search(r"url\((?!#)|@import|https?:", text)
    policy = page.all("content")[0]
    assert "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'" in policy


def test_every_link_leads_somewhere_on_the_page(chess_run, small_run, tmp_path):
    for run in (chess_run, small_run):
        page = Page(write_reports(run, tmp_path).read_text(encoding="utf-8"))
        assert {link.removeprefix("#") for link in page.all("href")} <= set(page.all("id"))
        assert len(set(page.all("id"))) == len(page.all("id"))


def test_links_to_sections_stand_in_the_order_of_the_page_and_lead_to_none_that_is_not_there(
    chess_run, tmp_path
):
    def twice(node):
        last = node.rounds[-1].model_copy(update={"round": 1})
        first = node.rounds[-1].model_copy(update={"off": None, "on": None, "agent_truth": None})
        return node.model_copy(update={"rounds": (first, last)})

    # Of two rounds the last alone is measured, so that there is no curve over rounds.
    run = chess_run.model_copy(update={"nodes": tuple(map(twice, chess_run.nodes))})
    page = Page(write_reports(run, tmp_path).read_text(encoding="utf-8"))
    links = [link.removeprefix("#") for link in page.all("href")]
    sections = links[: links.index("reading") + 1]
    assert "rounds" not in sections and {"arms", "worth", "error"} <= set(sections)
    assert sections == [name for name in page.all("id") if name in sections]


def test_a_screen_reader_finds_captions_scopes_and_words_for_drawings(chess_run, tmp_path):
    text = write_reports(chess_run, tmp_path).read_text(encoding="utf-8")
    assert text.count("<caption>") == text.count("<table") > 8
    assert not re.search(r"<th(?! scope=)[ >]", text)
    for drawing in re.findall(r"<svg[^>]*>", text):
        inner = re.fullmatch(r'<svg x="[^"]*" y="[^"]*" overflow="visible">', drawing)
        assert inner or 'aria-hidden="true"' in drawing or 'role="img" aria-label="' in drawing
    assert 'aria-label="Accuracy off policy from level 0 up: alone 0.980' in text


def test_the_sections_stand_in_the_order_of_the_questions(chess_run, tmp_path):
    page = Page(write_reports(chess_run, tmp_path).read_text(encoding="utf-8"))
    order = [
        "tree",
        "accuracy",
        "error",
        "worth",
        "arms",
        "shift",
        "effort",
        "gates",
        "pictures",
        "configuration",
        "provenance",
        "reading",
    ]
    assert [name for name in page.all("id") if name in order] == order


@pytest.mark.parametrize(
    "hostile",
    [
        HOSTILE,
        pytest.param("x" * 1_000_000, marks=pytest.mark.slow),
        "\u202e" * 1000,
        "🙂‍↔️" * 400,
        "",
        "\n\n# title\n- item",
    ],
)
def test_hostile_names_and_words_are_only_shown(hostile, chess_run, tmp_path):
    def spoil(node):
        record = node.rounds[0].model_copy(update={"warnings": (hostile,)})
        new = {
            "name": hostile + node.name,
            "doc": hostile,
            "reason": hostile,
            "state": "failed",
            "judge": hostile,
        }
        picture = Picture(caption=hostile, svg="<svg xmlns='http://www.w3.org/2000/svg'/>")
        return node.model_copy(update={**new, "key": hostile, "rounds": (record,), "pictures": (picture,)})

    nodes = tuple(spoil(node) for node in chess_run.nodes)
    run = chess_run.model_copy(
        update={"name": hostile, "command": hostile, "nodes": nodes, "versions": {hostile: hostile}}
    )
    text = write_reports(run, tmp_path).read_text(encoding="utf-8")
    page = Page(text)
    assert not {"script", "link"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert page.tags.count("img") <= PICTURES
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    for report in (text, markdown, terminal_report(run), report_picture(run)):
        assert not set("\u202e\x1b\x00") & set(report)
        assert len(report) < 500_000
    assert not re.search(r"(?<!\\)<(?!`)", re.sub(r"`[^`]*`", "", markdown))
    ElementTree.fromstring(report_picture(run))


def test_a_hostile_picture_is_an_image_and_nothing_else(make_run, make_node, tmp_path):
    svg = '"><script>alert(1)</script><svg xmlns="http://www.w3.org/2000/svg" onload="alert(2)"/>'
    run = make_run(make_node("top", pictures=(Picture(caption="a <b>", svg=svg),)))
    text = write_reports(run, tmp_path).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "onload" not in text
    [source] = Page(text).all("src")
    assert base64.b64decode(source.partition(",")[2]).decode() == svg


def test_twelve_pictures_are_taken_in_turns_and_the_page_stays_small(make_run, make_node, tmp_path):
    def pictures(name):
        return tuple(Picture(caption=f"{name} {i}", svg=f"<svg>{'x' * 22_000}</svg>") for i in range(9))

    run = make_run(
        make_node("top", 1, ("leaf",), pictures=pictures("top")), make_node("leaf", pictures=pictures("leaf"))
    )
    assert [picture.caption for picture in choose_pictures(run)[:3]] == ["top 0", "leaf 0", "top 1"]
    path = write_reports(run, tmp_path)
    assert Page(path.read_text(encoding="utf-8")).tags.count("img") == 12
    assert "6 more are in report.json" in path.read_text(encoding="utf-8")
    assert path.stat().st_size <= 500_000


def test_clips_are_played_in_the_page_and_count_by_their_size(make_run, make_node, tmp_path):
    webm = Picture(caption="best <b>", media="video/webm", data=base64.b64encode(b"moving").decode())
    webp = Picture(caption="worst", media="image/webp", data=base64.b64encode(b"turning").decode())
    huge = Picture(caption="huge", media="video/webm", data="x" * 1_000_000)
    text = write_reports(make_run(make_node("top", pictures=(webm, webp, huge))), tmp_path).read_text(
        encoding="utf-8"
    )
    page = Page(text)
    assert (page.tags.count("video"), page.tags.count("img")) == (1, 1)
    assert page.all("src") == [f"data:{one.media};base64,{one.data}" for one in (webm, webp)]
    assert page.all("aria-label").count("best <b>") == 1
    assert {"muted", "loop", "controls", "playsinline"} <= {name for name, _ in page.attributes}
    assert "media-src data:" in text


def test_a_picture_of_a_megabyte_is_left_to_the_json(make_run, make_node):
    huge, small = Picture(caption="huge", svg="x" * 1_000_000), Picture(caption="small", svg="<svg/>")
    assert choose_pictures(make_run(make_node("top", pictures=(huge, small)))) == [small]


SHARE = (
    st.none()
    | st.integers(0, 40).map(lambda halves: Share(right=halves / 2, pairs=20))
    | st.just(Share(right=0, pairs=0))
)
LOOKS = st.none() | st.floats(0, 1e6)
SHARES = st.none() | st.builds(
    Shares,
    **dict.fromkeys(("alone", "heuristic", "assisted", "ideal", "distilled"), SHARE),
    **dict.fromkeys(("looks_alone", "looks_assisted", "looks_ideal"), LOOKS),
)
MEAN = st.none() | st.builds(
    Mean, mean=st.floats(-1e6, 1e6), deviation=st.floats(0, 1e6), count=st.integers(0, 300)
)


@pytest.mark.slow
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_record_becomes_a_report(data, make_run, make_node, make_record, tmp_path):
    def draw(name, level, helpers):
        state = data.draw(st.sampled_from(["trained", "reused", "failed", "waiting", "running", "stopped"]))
        record = make_record(
            name,
            **{part: data.draw(SHARES) for part in ("off", "on")},
            **{part: data.draw(MEAN) for part in ("agent_truth", "proposal_truth", "heuristic_truth")},
            solve_looks=data.draw(LOOKS),
        )
        rounds = (record,) * data.draw(st.integers(0, 2))
        costs = (Cost(cpu_seconds=1, wall_seconds=1, peak_bytes=1),) * len(rounds)
        sees = data.draw(st.sampled_from([("outcome",), ("outcome", "advice")]))
        return make_node(name, level, helpers, state=state, rounds=rounds, costs=costs, reward_sees=sees)

    run = make_run(
        draw("top", 1, ("leaf",)), draw("leaf", 0, ()), draw("top~alone", 1, ()), draw("top~b", 1, ("leaf",))
    )
    page = write_reports(run, tmp_path).read_text(encoding="utf-8")
    assert not re.search(r"\bnan\b|\binf\b|None|Undefined", page)
    assert not re.search(r"\bnan\b|None", terminal_report(run))
    jsonschema.validate(json.loads((tmp_path / "report.json").read_text(encoding="utf-8")), report_schema())
    ElementTree.fromstring(report_picture(run))


def test_a_table_to_copy_has_empty_cells_numbers_that_programs_read_and_no_formulas():
    rows = (("", "−0.5"), ("=1+cmd()", "+0.2 (−0.1 to +0.5)"), ("-2+cmd()", "+2+cmd()"))
    expected = "node,value\n,-0.5\n'=1+cmd(),+0.2 (-0.1 to +0.5)\n'-2+cmd(),'+2+cmd()\n"
    assert write_csv(Table("A table.", ("`node`", "value"), rows)) == expected
