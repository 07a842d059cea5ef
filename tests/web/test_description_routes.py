"""``/docs`` and ``/asyncapi``: all that the documents have is on the pages, and nothing is from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from fastapi.testclient import TestClient

from floorwire.app import Gateway
from floorwire.config import Settings
from floorwire.protocol import asyncapi
from floorwire.protocol.json_schema import Schema
from floorwire.web import create_app
from floorwire.web.description_page import Answer, Content, Operation, Parameter, curl, openapi_page

VOID = {"meta", "link", "br", "img"}


class Element(NamedTuple):
    tag: str
    attributes: dict[str, str | None]


class Page(HTMLParser):
    """A page: its elements, its text, and whether each element is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


class OpenApi(msgspec.Struct):
    paths: dict[str, dict[str, msgspec.Raw]]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    app = create_app(Gateway(Settings(data=str(tmp_path_factory.mktemp("data"))), venues=[]))
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 1)) as client:
        yield client


@pytest.mark.parametrize("path", ["/docs", "/asyncapi"])
def test_a_page_has_no_script_no_inline_style_and_only_assets_of_ours(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; ")
    page = Page(answer.text)
    for tag, attributes in page.elements:
        assert tag not in {"script", "style", "iframe", "object", "embed", "form"}
        assert not any(name == "style" or name.startswith("on") for name in attributes)
        for address in (attributes.get("href"), attributes.get("src")):
            if address is not None and not address.startswith("#"):
                assert client.get("/" + address).status_code == 200, address
    assert client.head(path).status_code == 200


def test_every_operation_is_on_the_page(client: TestClient) -> None:
    text = Page(client.get("/docs").text).text
    paths = msgspec.json.decode(client.get("/openapi.json").content, type=OpenApi).paths
    assert len(paths) > 20
    for path, methods in paths.items():
        for method in methods:
            assert f"{method.upper()} {path}" in text
    assert "client_order_id" in text
    assert "curl 'http://127.0.0.1:8000/api/v1/time'" not in text, "a key is sent where one is taken"
    assert "curl 'http://127.0.0.1:8000/health'" in text


def test_every_message_is_on_the_page(client: TestClient) -> None:
    page = Page(client.get("/asyncapi").text)
    names = msgspec.json.decode(asyncapi.text(), type=AsyncApi).components.messages
    assert len(names) > 30
    assert names.keys() == {
        attributes["id"] for tag, attributes in page.elements if tag == "details" and "id" in attributes
    }
    assert "order.place" in page.text
    assert "resume.epoch" in page.text


class Components(msgspec.Struct):
    messages: dict[str, msgspec.Raw]


class AsyncApi(msgspec.Struct):
    components: Components


def test_the_document_of_the_websocket_is_the_published_one(client: TestClient) -> None:
    answer = client.get("/asyncapi.json")
    assert answer.headers["content-type"] == "application/json"
    published = Path(__file__).parents[2] / "docs" / "asyncapi.json"
    assert answer.content == published.read_bytes()


def test_what_is_quoted_is_text() -> None:
    document = {
        "info": {"title": "<b>", "version": "1"},
        "paths": {"/<i>": {"get": {"description": "``a<b`` & more", "responses": {}}}},
    }
    text = openapi_page(msgspec.json.encode(document)).decode()
    assert "<code>a&lt;b</code> &amp; more" in text
    assert "<i>" not in text
    assert "<title>&lt;b&gt; over HTTP" in text


def test_curl_has_placeholders_for_what_is_needed() -> None:
    order = Schema(properties={"side": Schema(), "price": Schema()}, required=("side",))
    operation = Operation(
        {},
        parameters=(
            Parameter("order_id", "path", True),
            Parameter("symbol", "query", True),
            Parameter("limit", "query"),
        ),
        body=Answer("", {"application/json": Content(order)}),
        security=({"HTTPBearer": []},),
    )
    assert curl("patch", "/orders/{order_id}", operation) == (
        "curl -X PATCH -H 'Authorization: Bearer KEY.SECRET' -H 'Content-Type: application/json' "
        """-d '{"side":"SIDE"}' 'http://127.0.0.1:8000/orders/ORDER_ID?symbol=SYMBOL'"""
    )


def test_the_first_page_leads_to_both(client: TestClient) -> None:
    text = client.get("/").text
    for path in ("docs", "asyncapi"):
        assert f'<a href="{path}">' in text, "relative: the app may be mounted at a path"
        assert client.get(f"/{path}").status_code == 200
