"""The OpenAPI document, its page, and a program that tries everything that it says."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # its stubs are one more package

from tests.live.test_rules import ROOT
from tests.web.asking import Api, asking, full_standin, knowing

Json = dict[str, Any]


async def document(api: Api) -> Json:
    found: Json = await api.ask("/api/openapi.json")
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("guarded", [False, True])
async def test_schemathesis_finds_nothing(tmp_path: Path, guarded: bool) -> None:
    """No 5xx, every answer as its schema says, what is wrong refused, and the token asked for where it says so."""
    (tmp_path / "token").write_text("let-me-in")
    token = {"bearer_token": {"file": str(tmp_path / "token")}} if guarded else {}
    async with (
        full_standin() as server,
        knowing(server, tmp_path, web={"listen": "127.0.0.1:0"} | token) as api,
    ):
        options = ["--checks", "all", "--max-examples", "30", "--generation-database", "none", "--no-color"]
        header = ["--header", "Authorization: Bearer let-me-in"] if guarded else []
        run = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{api.url}/api/openapi.json", *options, *header),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await run.communicate()
        text = output.decode()
        assert run.returncode == 0, text
        assert "Operations:       8 selected / 8 total" in text


async def test_it_lists_what_is_served() -> None:
    """Every path of it answers, and /api has no other but itself and its page."""
    async with asking() as api:
        found = await document(api)
        for path in found["paths"]:
            assert (await api.get(path))[0] == 200
        async with api.session.get(api.url) as answer:
            assert 'href="/api/docs"' in await answer.text()


def keys(schema: Json, schemas: Json, above: str = "") -> Iterator[tuple[str, str]]:
    """All keys below a schema, each with its description, or that of the group that it stands in."""
    for each in (schema, *schema.get("anyOf", ())):
        for leading in (each, each.get("items", {}), each.get("additionalProperties", {})):
            if isinstance(leading, dict) and "$ref" in leading:
                found = schemas[leading["$ref"].rpartition("/")[2]]
                for name, part in found["properties"].items():
                    below = list(keys(part, schemas, found["description"]))
                    yield name, part.get("description", "") or ("-" if below else above)
                    yield from below


async def test_every_key_is_described() -> None:
    """In the document and on its page, with its unit."""
    async with asking() as api:
        found = await document(api)
        async with api.session.get(f"{api.url}/api/docs") as answer:
            page = await answer.text()
    schemas = found["components"]["schemas"]
    for path, methods in found["paths"].items():
        assert f"<code>GET {path}</code>" in page
        answer_schema = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        described = list(keys(answer_schema, schemas))
        assert described
        for name, text in described:
            assert text, f"{path}: {name}"
            assert re.search(rf"[>.]{name}</code>", page), name


async def test_the_page_needs_nobody_else() -> None:
    """No script, no style and no picture from anywhere, and none may be put in."""
    async with asking() as api, api.session.get(f"{api.url}/api/docs") as answer:
        page = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none';")
        assert "frame-ancestors 'none'" in policy
    assert not re.search(r"https?://|<script|<link|<img|@import", page)
    assert '<html lang="en">' in page


async def test_the_page_about_it_is_true() -> None:
    """docs/api.md lists each path, and its examples are answers as the exporter gives them."""
    text = (ROOT / "docs" / "api.md").read_text()
    exchanges, health, update = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    async with asking() as api:
        found = await document(api)
    assert sorted(re.findall(r"^\| `(/\S+)` \|", text, re.MULTILINE)) == sorted(found["paths"])
    schemas = found["components"]["schemas"]
    for example, name in ((exchanges, "Exchanges"), (health, "Health")):
        assert set(example) == set(schemas[name]["properties"])
        schema = {"$ref": f"#/components/schemas/{name}", "components": found["components"]}
        Draft202012Validator(schema).validate(example)
    assert set(update["data"]) <= set(schemas["Performance"]["properties"])
