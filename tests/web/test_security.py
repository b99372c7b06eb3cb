"""Who is let in, and what hostile visitors, names and outcomes come to."""

import re
import stat

import pytest
from starlette.testclient import TestClient

from rrm_tree.errors import StoreError, UsageError
from rrm_tree.outcomes import Advice, Outcomes
from rrm_tree.web.access import Access, load_secret
from rrm_tree.web.guard import FORGERY_HEADER, MOST_BYTES, Buckets
from rrm_tree.web.serving import Place, check_place
from rrm_tree.web.sights import see

PAGES = ["/", "/label", "/api/work", "/api/standing", "/live", "/report", "/metrics", "/openapi.json", "/x"]


def stranger(site):
    return TestClient(site.app, base_url="http://127.0.0.1:8642", follow_redirects=False)


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_shown_without_a_session(site, path):
    assert stranger(site).get(path).status_code == 401


def test_probes_and_styles_need_none(site):
    assert stranger(site).get("/healthz").json() == {"status": "ok"}
    assert "--paper" in stranger(site).get("/static/tokens.css").text


def test_links_that_are_not_ours_let_nobody_in(site):
    good = site.office.access.open_door("ann").token
    other = Access(b"another secret, as long as any").open_door("ann").token
    for token in (other, good[:-1], good + "x", "a.b.c", "%00", "x" * 5000, "\u202e"):
        assert stranger(site).get(f"/enter/{token}").status_code in {401, 403, 404, 421}


def test_a_link_that_works_once_works_once(site):
    token = site.office.access.open_door("root", "owner", once=True).token
    assert stranger(site).get(f"/enter/{token}").status_code == 303
    assert stranger(site).get(f"/enter/{token}").status_code == 403


def test_a_link_that_works_once_is_forgotten_with_its_process(folder):
    secret = load_secret(folder / "secret")
    token = Access(secret).open_door("root", "owner", once=True).token
    assert Access(secret).enter(token) is None


def test_sessions_outlive_the_server_as_long_as_its_secret_does(folder):
    access = Access(load_secret(folder / "secret"))
    visitor = access.enter(access.open_door("ann").token)
    cookie = access.seal(visitor)
    assert Access(load_secret(folder / "secret")).visitor(cookie) == visitor
    (folder / "secret").unlink()
    assert Access(load_secret(folder / "secret")).visitor(cookie) is None


def test_the_secret_is_for_this_user_alone(tmp_path):
    load_secret(tmp_path / "secret")
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    (tmp_path / "short").write_text("abc")
    with pytest.raises(StoreError, match="holds no secret"):
        load_secret(tmp_path / "short")


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(site):
    token = site.office.access.open_door("ann").token
    cookie = stranger(site).get(f"/enter/{token}").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:8642", ""]
)
def test_a_name_that_is_not_ours_is_refused(site, host):
    client = site.client()
    assert client.get("/api/work", headers={"host": host}).status_code == 421


def test_changes_come_from_our_own_pages_alone(site):
    ann = site.client()
    question = ann.get("/api/work").json()["questions"][0]
    said = {"id": question["id"], "choice": "yes"}
    for headers in (
        {FORGERY_HEADER: ""},
        {FORGERY_HEADER: "0" * 64},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        assert ann.post("/api/answer", json=said, headers=headers).status_code == 403
    assert site.desk.people(site.keys)[0].given == 0
    own = {"origin": "http://127.0.0.1:8642", "sec-fetch-site": "same-origin"}
    assert ann.post("/api/answer", json=said, headers=own).status_code == 200


def test_one_session_cannot_send_with_the_token_of_another(site):
    ann, bob = site.client("ann"), site.client("bob")
    ann.headers[FORGERY_HEADER] = bob.headers[FORGERY_HEADER]
    assert ann.post("/api/undo", json={}).status_code == 403
    # Nor is a page that somebody left open given the questions of who came in after them.
    assert ann.get("/api/work").status_code == 403
    assert site.desk.people(site.keys) == ()


def test_only_the_owner_sees_and_steers_the_run(site):
    ann, owner = site.client("ann"), site.client("root", "owner")
    assert ann.get("/").headers["location"] == "/label"
    for path in ("/live", "/report", "/metrics", "/openapi.json"):
        assert ann.get(path).status_code == 403
    assert ann.post("/run/cancel").status_code == 403
    assert site.desk.cancelled(site.run) == frozenset()
    assert owner.get("/").status_code == 200
    assert "rrm retry" in owner.post("/run/cancel").text
    assert site.desk.cancelled(site.run) == {""}
    assert owner.post("/run/retry").status_code == 200
    assert owner.post("/run/retry", data={"node": "<b>"}).status_code == 404
    assert site.desk.cancelled(site.run) == frozenset()


def test_metrics_have_a_token_of_their_own_which_opens_nothing_else(site):
    token = site.office.access.open_door("metrics", "metrics").token
    bearer = {"authorization": f"Bearer {token}"}
    said = stranger(site).get("/metrics", headers=bearer)
    assert f'rrm_nodes{{run="{site.run}",state="parked"}} 1' in said.text
    assert re.search(r"^rrm_answers_wanted\{.*\} 12$", said.text, re.MULTILINE)
    for line in said.text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"\n]*",?)*\})? [-+.\de]+', line), line
    assert stranger(site).get("/api/work", headers=bearer).status_code == 401
    assert stranger(site).get(f"/enter/{token}").status_code == 403


def test_answers_carry_a_strict_policy_and_no_page_has_code_or_style_inside(site):
    owner = site.client("root", "owner")
    for path in ("/", "/label"):
        page = owner.get(path)
        policy = page.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", page.text)
        assert not re.search(r'(src|href)="(https?:)?//', page.text)


def test_too_large_and_too_many_requests_are_refused(site):
    ann = site.client()
    assert ann.post("/api/answer", content=b"x" * (MOST_BYTES + 1)).status_code == 413

    def endless():
        for _ in range(100):
            yield b"[" * 4096

    assert ann.post("/api/answer", content=endless()).status_code == 413
    site.app.known.per_second = 1e-3
    answers = [ann.get("/api/standing") for _ in range(400)]
    assert (answers[0].status_code, answers[-1].status_code) == (200, 429)
    assert int(answers[-1].headers["retry-after"]) > 0


def test_buckets_fill_again():
    now = [0.0]
    buckets = Buckets(burst=2, per_second=1, clock=lambda: now[0], most=2)
    assert [buckets.take("ann") for _ in range(2)] == [0, 0]
    assert buckets.take("ann") == pytest.approx(1)
    assert buckets.take("bob") == 0
    now[0] = 1.0
    assert buckets.take("ann") == 0


HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "a" * 64, "ann & bob"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_as_text(site, name):
    name = name[:64]
    ann, owner = site.client(name), site.client("root", "owner")
    question = ann.get("/api/work").json()["questions"][0]
    assert ann.post("/api/answer", json={"id": question["id"], "choice": "yes"}).status_code == 200
    for page in (ann.get("/label").text, owner.get("/").text):
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "{{7*7}}" in page or name != "{{7*7}}"


class Painter:
    """A task whose picture is whatever it is given."""

    parts = 1

    def __init__(self, drawn):
        self.drawn = drawn

    def picture(self, outcomes, row, advice):
        if isinstance(self.drawn, Exception):
            raise self.drawn
        return self.drawn


@pytest.mark.parametrize(
    ("drawn", "form", "words"),
    [
        ("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "image", ""),
        ("<?xml version='1.0'?><svg><title>a \u202e b</title></svg>", "image", "a"),
        ("<h1>hello</h1><script>alert(1)</script>", "frame", ""),
        ("", "frame", ""),
        (None, "image", "cannot be drawn"),
        (b"<svg/>", "image", "cannot be drawn"),
        (ValueError("<script>\u202e" + "x" * 10_000), "image", "cannot be drawn"),
        ("<svg>" + "x" * (9 << 20), "image", "too large"),
        ("<svg><title>" + "x" * 100_000 + "</title></svg>", "image", ""),
        ("<svg><title>\ud800</title></svg>", "image", ""),
    ],
)
def test_whatever_a_plug_in_draws_ends_as_something_that_can_be_shown(drawn, form, words):
    sight = see(Painter(drawn), Outcomes({}, [], [], {}), 0, Advice())
    assert sight.form == form
    assert words in sight.words
    assert len(sight.words) <= 400
    assert all(letter.isprintable() for letter in sight.words)
    assert b"<script" not in sight.data or isinstance(drawn, str)


def test_what_plug_ins_draw_runs_nothing_wherever_it_is_opened(site, monkeypatch):
    ann = site.client()
    question = ann.get("/api/work").json()["questions"][0]
    answer = ann.get(question["panes"][0]["source"])
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "script-src" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize(
    ("host", "url", "wrong"),
    [
        ("0.0.0.0", None, "say with --url"),
        ("::", None, "say with --url"),
        ("127.0.0.1", "label.example.org", "write https"),
        ("127.0.0.1", "https://label.example.org/x", "write https"),
    ],
)
def test_links_are_not_written_for_a_place_without_a_name(host, url, wrong):
    with pytest.raises(UsageError, match=wrong):
        check_place(Place(host, 80, url))


def test_a_place_goes_by_its_own_names_alone():
    place = Place("0.0.0.0", 8000, "https://label.example.org")
    check_place(place)
    assert "label.example.org" in place.hosts
    assert "0.0.0.0:8000" not in place.hosts
    assert not place.is_loopback
    assert Place("::1", 8000).address == "http://[::1]:8000"
