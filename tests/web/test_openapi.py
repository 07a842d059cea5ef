"""Whatever is asked of the HTTP side, by the OpenAPI and beside it, nothing is answered with 500."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floorwire.auth.grant import Grant
from floorwire.config import LimitSettings
from floorwire.core.authorization import Scope
from tests.web.admin_server import AdminServer, open_admin_server

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Headers: TypeAlias = "dict[str, str]"

anything: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
near = st.fixed_dictionaries(
    {"account": st.just("bob") | anything, "scopes": st.just(["market"]) | anything},
    optional={
        "symbols": st.just(["BTC-USDT"]) | anything,
        "accounts": st.just(["bob"]) | anything,
        "max_notional": st.just("10.5") | anything,
        "addresses": st.just(["192.0.2.0/24"]) | anything,
        "expires": st.just("30d") | anything,
        "deposit": st.just({"USDT": "5"}) | anything,
    },
)


class Operation(NamedTuple):
    method: str
    path: str


class Api(NamedTuple):
    admin_server: AdminServer
    client: TestClient
    operations: list[Operation]
    root: Headers
    market: Headers


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    at = open_admin_server(
        tmp_path_factory.mktemp("data"),
        limits=LimitSettings(commands_per_second=1_000_000, logins_per_second_per_key=1_000_000),
    )
    root, market = at.key(), at.key(Grant("bob", (Scope.MARKET,)))
    with at.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
        operations = [Operation(method, path) for path, methods in paths.items() for method in methods]
        yield Api(at, client, operations, root, market)


def test_the_api_is_the_one_that_is_described(api: Api) -> None:
    assert {Operation("post", "/api/v1/tickets"), Operation("delete", "/api/v1/keys/{key}")} <= set(
        api.operations
    )


def ask(api: Api, data: st.DataObject) -> None:
    method, path = data.draw(st.sampled_from(api.operations))
    key = data.draw(st.text(min_size=1, max_size=80))
    shown = data.draw(st.sampled_from([api.root, api.root, api.market, {}]))
    headers = shown | data.draw(
        st.sampled_from([{}, {"origin": "x"}, {"x-forwarded-for": "y"}, {"host": ""}])
    )
    body = data.draw(near | anything)
    url = path.replace("{key}", quote(key, safe=""))
    if data.draw(st.booleans()):
        answer = api.client.request(method, url, headers=headers, json=body)
    else:
        content = data.draw(st.binary(max_size=200))
        headers = {**headers, "content-type": "application/json"}
        answer = api.client.request(method, url, headers=headers, content=content)
    assert answer.status_code < 500 or (answer.status_code, path) == (503, "/ready"), answer.text
    if answer.status_code >= 400:
        reply = answer.json()
        assert reply["status"] in ("error", "waiting", "draining")


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_is_answered_with_500(api: Api, data: st.DataObject) -> None:
    ask(api, data)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=10_000, suppress_health_check=list(HealthCheck))
def test_nothing_is_answered_with_500_at_length(api: Api, data: st.DataObject) -> None:
    ask(api, data)
