"""What is in Grafana beside ours: found so that nothing of anybody else's is taken away."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from grafana.api import Json
from grafana.names import DATASOURCE_NAME, DATASOURCE_UID, MARK, TAG
from grafana.provision.server import Server

_PAGE = 1000
_PREFIX = "trading-"


def search(server: Server, filters: str = "") -> Iterator[Json]:
    """Return all dashboards and folders that a search finds, page by page."""
    seen: set[str] = set()
    for page in range(1, 1000):
        path = f"/api/search?limit={_PAGE}&page={page}{filters}"
        rows = server.many(path, "search", needs="dashboards:read")
        new = [row for row in rows if row.get("uid") not in seen]
        yield from new
        seen |= {str(row.get("uid")) for row in new}
        if not new or len(rows) < _PAGE:
            return


def is_ours(uid: str, tags: Any) -> bool:
    """Whether a dashboard was made here, now or before dashboards had the mark."""
    return uid.startswith(_PREFIX) and bool({MARK, TAG} & set(tags or ()))


def inside(server: Server, folder_uid: str, gone: Collection[str]) -> list[str]:
    """Return what a folder holds, in words, without the dashboards that are ``gone``."""
    rows = [row for row in search(server) if row.get("folderUid") == folder_uid and row.get("uid") not in gone]
    kinds = {"dash-folder": "folder"}
    found = [f"the {kinds.get(str(row.get('type')), 'dashboard')} {row.get('title')}" for row in rows]
    found += [f"the library panel {each.get('name')}" for each in _library(server) if _in_folder(each, folder_uid)]
    rules = [rule for rule in _rules(server) if rule.get("namespace_uid") == folder_uid]
    return found + [f"the alert rule {rule.get('title')}" for rule in rules]


def users_of_data_source(server: Server, gone: Collection[str]) -> list[str]:
    """Return what uses our data source, or could because it cannot be looked into, without what is ``gone``."""
    found = []
    for row in search(server, "&type=dash-db"):
        if row.get("uid") in gone:
            continue
        answer = server.look(f"/api/dashboards/uid/{row.get('uid')}")
        if answer.status not in {200, 404}:
            found.append(f"perhaps the dashboard {row.get('title')}, which cannot be read")
        elif _names_source(answer.body):
            found.append(f"the dashboard {row.get('title')}")
    found += [f"the library panel {each.get('name')}" for each in _library(server) if _names_source(each)]
    return found + [f"the alert rule {rule.get('title')}" for rule in _rules(server) if _names_source(rule)]


def _names_source(body: Any) -> bool:
    text = json.dumps(body, ensure_ascii=False)
    return f'"{DATASOURCE_UID}"' in text or f'"{DATASOURCE_NAME}"' in text


def _library(server: Server) -> list[Json]:
    body = server.look(f"/api/library-elements?perPage={_PAGE}").body
    result = body.get("result") if isinstance(body, dict) else None
    return list(result.get("elements") or ()) if isinstance(result, dict) else []


def _in_folder(element: Json, folder_uid: str) -> bool:
    return folder_uid in {element.get("folderUid"), (element.get("meta") or {}).get("folderUid")}


def _rules(server: Server) -> list[Json]:
    answer = server.look("/api/ruler/grafana/api/v1/rules")
    namespaces = answer.body.values() if answer.status == 200 and isinstance(answer.body, dict) else ()
    groups = [group for groups in namespaces for group in groups]
    return [rule.get("grafana_alert") or {} for group in groups for rule in group.get("rules") or ()]
