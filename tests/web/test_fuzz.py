"""Every address with whatever can be thought of: never an error of ours."""

from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from rrm_tree.web.guard import FORGERY_HEADER

pytestmark = pytest.mark.slow

EXAMPLES = 10
"""Requests of each sort to each address."""

ENDLESS = "/live"

MODES = {"right": GenerationMode.POSITIVE, "wrong": GenerationMode.NEGATIVE}


@pytest.fixture
def owner(site):
    # Fuzzing is faster than people.
    site.app.known.burst = site.app.known.per_second = 1e9
    return site.client("root", "owner")


@pytest.mark.parametrize("sort", list(MODES))
def test_no_request_ends_in_an_error_of_ours(owner, sort):
    schema = schemathesis.openapi.from_dict(owner.get("/openapi.json").json())
    codes = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()
        has_input = operation.body or operation.path_parameters or operation.query
        if operation.path == ENDLESS or (sort == "wrong" and not has_input):
            continue
        try:
            fuzz(owner, operation.as_strategy(generation_mode=MODES[sort]), codes)
        except Unsatisfiable:
            assert sort == "wrong"  # there is nothing wrong that could be sent there
    assert codes.total() >= (100 if sort == "right" else 40), codes
    assert {404, 422} & set(codes) if sort == "wrong" else codes[200]


def fuzz(client, cases, codes):
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(case=cases)
    def send(case):
        request = case.as_transport_kwargs(base_url="http://127.0.0.1:8642")
        headers = {**(request.get("headers") or {}), FORGERY_HEADER: client.headers[FORGERY_HEADER]}
        given_as = {"params": "params", "json": "json", "data": "data"}
        if isinstance(request.get("data"), (bytes, str)):
            given_as["data"] = "content"
        sent = {name: request[one] for one, name in given_as.items() if request.get(one) is not None}
        answer = client.request(request["method"], request["url"], headers=headers, **sent)
        codes[answer.status_code] += 1
        assert answer.status_code < 500, (case.method, case.path, answer.text)

    send()
