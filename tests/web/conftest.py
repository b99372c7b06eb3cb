"""A small tree whose root people judge: trained up to where it waits for them, once."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from rrm_tree.desk import Desk
from rrm_tree.store import Store
from rrm_tree.web.app import build_app
from rrm_tree.web.guard import FORGERY_HEADER
from rrm_tree.web.serving import Place, open_office

sys.path.append(str(Path(__file__).parent))

from waiting_runs import run_tree


@pytest.fixture
def train_people():
    """Trains the tree in a folder, with more options."""
    return run_tree


@pytest.fixture(scope="session")
def parked(tmp_path_factory):
    """A store in which the root waits for people."""
    folder = tmp_path_factory.mktemp("parked") / "store"
    code, said = run_tree(folder)
    assert code == 4, said
    return folder


@pytest.fixture
def folder(parked, tmp_path):
    """The same, to be written to."""
    return Path(shutil.copytree(parked, tmp_path / "store"))


@dataclass
class Site:
    """The pages of a run, without a network."""

    store: Store
    desk: Desk
    run: str
    office: object
    app: object

    def client(self, name="ann", role="person"):
        """A browser that has come in by a link; it sends the page's own token along."""
        visitor = TestClient(self.app, base_url="http://127.0.0.1:8642", follow_redirects=False)
        door = self.office.access.open_door(name, role)
        assert visitor.get(f"/enter/{door.token}").status_code == 303
        known = self.office.access.visitor(visitor.cookies[self.office.access.cookie])
        visitor.headers[FORGERY_HEADER] = self.office.access.forgery_token(known)
        return visitor

    @property
    def keys(self):
        return list(self.store.referred(self.run).values())


@pytest.fixture
def visit():
    """Opens the pages of a run, the latest one if none is named."""
    opened = []

    def open_site(folder, run=None):
        store = Store(str(folder))
        desk = Desk(f"sqlite:///{folder / 'ledger.sqlite'}")
        place, name = Place("127.0.0.1", 8642), run or store.runs()[-1]
        office = open_office(store, desk, name, place)
        opened.append(Site(store, desk, name, office, build_app(office, place.hosts)))
        return opened[-1]

    yield open_site
    for one in opened:
        one.office.table.gallery.close()
        one.desk.close()


@pytest.fixture
def site(folder, visit):
    return visit(folder)


@pytest.fixture
def server(folder, request):
    from browsing import Server

    made = Server(folder, people=getattr(request, "param", "ann,bob"))
    yield made
    made.kill()


@pytest.fixture
def open_page(browser, server):
    """A page for somebody, with all that its console has said."""
    contexts, said = [], []

    def open_one(name, *, context=None, width=1100, scheme="light", path="/label"):
        if context is None:
            context = browser.new_context(viewport={"width": width, "height": 850}, color_scheme=scheme)
            contexts.append(context)
            context.new_page().goto(server.links[name])
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(server.address + path)
        return page

    open_one.said = said
    yield open_one
    for context in contexts:
        context.close()
