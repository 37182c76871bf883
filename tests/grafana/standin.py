"""A stand-in for Grafana's HTTP API: a real socket on loopback, with the answers of a Grafana 9.4.

It keeps folders, data sources and dashboards, refuses what Grafana refuses in Grafana's own words, and logs
every call. `Grafana.fault` makes the next answers something else; `Grafana.before_write` runs once just before
a change is looked at, as another person's change would.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

Json = dict[str, Any]
Reply = tuple[int, Any]

TOKEN = "glsa_0123456789abcdef"
USER, PASSWORD = "admin", "correct-horse"


@dataclass
class Fault:
    """What is answered instead: a status, a raw body, its type and further headers; ``times`` is how often.

    With ``after`` the call takes effect all the same, as if only its answer had been lost.
    """

    status: int
    body: str
    content_type: str = "application/json"
    times: int = 1
    path: str = ""
    method: str = ""
    after: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def hits(self, method: str, path: str) -> bool:
        """Whether this call is meant; counts it."""
        meant = self.times > 0 and path.startswith(self.path) and self.method in {"", method}
        self.times -= meant
        return meant


@dataclass
class Grafana:
    """The state of the server; ``missing`` are permissions that the caller does not have."""

    version: str | None = "9.2.0"
    missing: set[str] = field(default_factory=set)
    names_permission: bool = True
    folders: dict[str, Json] = field(default_factory=dict)
    data_sources: dict[str, Json] = field(default_factory=dict)
    dashboards: dict[str, Json] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    fault: Fault | None = None
    before_write: Callable[[], None] | None = None
    url: str = ""

    @property
    def writes(self) -> list[str]:
        """Every call that is not a GET."""
        return [call for call in self.calls if not call.startswith("GET ")]

    def add_folder(self, uid: str, title: str) -> None:
        self.folders[uid] = {"id": len(self.folders) + 1, "uid": uid, "title": title, "version": 1}

    def add_data_source(self, **values: Any) -> None:
        own = {"id": len(self.data_sources) + 1, "orgId": 1, "readOnly": False, "version": 1, "jsonData": {}}
        self.data_sources[values["uid"]] = own | values

    def add_dashboard(self, model: Json, folder: str, *, provisioned: bool = False) -> None:
        meta = {"type": "db", "folderUid": folder, "provisioned": provisioned}
        number = len(self.dashboards) + 1
        self.dashboards[model["uid"]] = {"meta": meta, "dashboard": model | {"id": number, "version": 1}}

    def reply(self, method: str, path: str, body: Json, authorization: str) -> Reply:
        """Answer one call."""
        if path == "/api/health":
            version = {} if self.version is None else {"version": self.version, "commit": "NA"}
            return 200, {"database": "ok"} | version
        if not authorization:
            return 401, {"message": "Unauthorized"}
        if not _known(authorization):
            return 401, {"message": "invalid API key", "traceID": ""}
        for verb, pattern, permission, handler in _ROUTES:
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                return self._refusal(permission) or handler(self, body, *found.groups())
        return 404, {"message": "Not found"}

    def _refusal(self, permission: str) -> Reply | None:
        if permission not in self.missing:
            return None
        text = "You'll need additional permissions to perform this action."
        named = f" Permissions needed: {permission}" if self.names_permission else ""
        return 403, {"accessErrorId": "ACE9630777897", "message": text + named, "title": "Access denied"}

    def _get_folder(self, _: Json, uid: str) -> Reply:
        if uid not in self.folders:
            return 404, {"message": "folder not found", "status": "not-found"}
        return 200, self.folders[uid]

    def _list_folders(self, _: Json) -> Reply:
        return 200, list(self.folders.values())

    def _post_folder(self, body: Json) -> Reply:
        if body["uid"] in self.folders:
            return 412, {"message": "the folder has been changed by someone else", "status": "version-mismatch"}
        if self._title_taken(body["title"], body["uid"]):
            return 409, {"message": "a folder or dashboard in the general folder with the same name already exists"}
        self.add_folder(body["uid"], body["title"])
        return 200, self.folders[body["uid"]]

    def _put_folder(self, body: Json, uid: str) -> Reply:
        if uid not in self.folders:
            return 404, {"message": "folder not found", "status": "not-found"}
        if self._title_taken(body["title"], uid):
            return 409, {"message": "a folder or dashboard in the general folder with the same name already exists"}
        folder = self.folders[uid]
        if not body.get("overwrite") and body.get("version") != folder["version"]:
            return 412, {"message": "the folder has been changed by someone else", "status": "version-mismatch"}
        folder |= {"title": body["title"], "version": folder["version"] + 1}
        return 200, folder

    def _title_taken(self, title: str, uid: str) -> bool:
        return any(folder["title"] == title and folder["uid"] != uid for folder in self.folders.values())

    def _get_data_source(self, _: Json, uid: str) -> Reply:
        found = self.data_sources.get(uid)
        return (200, found) if found else (404, {"message": "Data source not found"})

    def _data_source_by_name(self, _: Json, name: str) -> Reply:
        found = next((each for each in self.data_sources.values() if each["name"] == unquote(name)), None)
        return (200, found) if found else (404, {"message": "Data source not found"})

    def _post_data_source(self, body: Json) -> Reply:
        if any(each["name"] == body["name"] for each in self.data_sources.values()):
            return 409, {"message": "data source with the same name already exists", "traceID": ""}
        self.add_data_source(**body)
        made = self.data_sources[body["uid"]]
        return 200, {"datasource": made, "id": made["id"], "message": "Datasource added", "name": made["name"]}

    def _put_data_source(self, body: Json, uid: str) -> Reply:
        have = self.data_sources.get(uid)
        if have is None:
            return 404, {"message": "Data source not found"}
        if have["readOnly"]:
            return 403, {"message": "Cannot update read-only data source"}
        if any(each["name"] == body["name"] and each["uid"] != uid for each in self.data_sources.values()):
            return 409, {"message": "data source with the same name already exists", "traceID": ""}
        kept = {key: have[key] for key in ("id", "orgId", "readOnly", "version")}
        self.data_sources[uid] = {"isDefault": False, "basicAuth": False} | body | kept
        return 200, {"datasource": self.data_sources[uid], "message": "Datasource updated", "name": body["name"]}

    def _get_dashboard(self, _: Json, uid: str) -> Reply:
        found = self.dashboards.get(uid)
        return (200, found) if found else (404, {"message": "Dashboard not found", "traceID": ""})

    def _post_dashboard(self, body: Json) -> Reply:
        model, folder = body["dashboard"], body["folderUid"]
        have = self.dashboards.get(model["uid"])
        if folder not in self.folders:
            return 400, {"message": "folder not found"}
        if have and have["meta"]["provisioned"]:
            return 400, {"message": "Cannot save provisioned dashboard"}
        if have and not body["overwrite"] and model.get("version", 0) != have["dashboard"]["version"]:
            said = "The dashboard has been changed by someone else"
            return 412, {"message": said, "status": "version-mismatch"}
        if any(_slug(each["title"]) == _slug(model["title"]) for each in self.folders.values()):
            return 400, {"message": "Dashboard name cannot be the same as folder"}
        return self._same_title(model, folder, body["overwrite"]) or self._save(model, folder, have)

    def _same_title(self, model: Json, folder: str, overwrite: bool) -> Reply | None:
        """Refuse the title of another dashboard in the folder; who overwrites takes that dashboard's place."""
        for uid, each in list(self.dashboards.items()):
            same = _slug(each["dashboard"]["title"]) == _slug(model["title"])
            if uid != model["uid"] and each["meta"]["folderUid"] == folder and same:
                if overwrite:
                    del self.dashboards[uid]
                    return None
                said = "A dashboard with the same name in the folder already exists"
                return 412, {"message": said, "status": "name-exists"}
        return None

    def _save(self, model: Json, folder: str, have: Json | None) -> Reply:
        self.add_dashboard(model, folder)
        saved = self.dashboards[model["uid"]]["dashboard"]
        if have:
            saved |= {"id": have["dashboard"]["id"], "version": have["dashboard"]["version"] + 1}
        slug = _slug(model["title"])
        answer = {"id": saved["id"], "slug": slug, "status": "success", "uid": model["uid"]}
        return 200, answer | {"url": f"/d/{model['uid']}/{slug}", "version": saved["version"]}


_ROUTES: tuple[tuple[str, str, str, Callable[..., Reply]], ...] = (
    ("GET", r"/api/folders", "folders:read", Grafana._list_folders),
    ("POST", r"/api/folders", "folders:create", Grafana._post_folder),
    ("GET", r"/api/folders/([^/]+)", "folders:read", Grafana._get_folder),
    ("PUT", r"/api/folders/([^/]+)", "folders:write", Grafana._put_folder),
    ("GET", r"/api/datasources/uid/([^/]+)", "datasources:read", Grafana._get_data_source),
    ("GET", r"/api/datasources/name/([^/]+)", "datasources:read", Grafana._data_source_by_name),
    ("POST", r"/api/datasources", "datasources:create", Grafana._post_data_source),
    ("PUT", r"/api/datasources/uid/([^/]+)", "datasources:write", Grafana._put_data_source),
    ("GET", r"/api/dashboards/uid/([^/]+)", "dashboards:read", Grafana._get_dashboard),
    ("POST", r"/api/dashboards/db", "dashboards:write", Grafana._post_dashboard),
)


@contextmanager
def serve(grafana: Grafana) -> Iterator[Grafana]:
    """Serve on a free port of the loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            path = urlsplit(self.path).path
            grafana.calls.append(f"{self.command} {path}")
            if self.command != "GET" and grafana.before_write:
                once, grafana.before_write = grafana.before_write, None
                once()
            fault = grafana.fault
            hit = fault is not None and fault.hits(self.command, path)
            if fault is None or not hit or fault.after:
                status, answer = grafana.reply(self.command, path, body, self.headers.get("Authorization", ""))
            if fault is not None and hit:
                self._send(fault.status, fault.body, fault.content_type, fault.headers)
            else:
                self._send(status, json.dumps(answer), "application/json", {})

        def _send(self, status: int, body: str, content_type: str, headers: dict[str, str]) -> None:
            data = body.encode()
            self.send_response(status)
            for name, value in ({"Content-Type": content_type, "Content-Length": str(len(data))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _handle  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    grafana.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield grafana
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _known(authorization: str) -> bool:
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return authorization in {f"Bearer {TOKEN}", f"Basic {login}"}


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
