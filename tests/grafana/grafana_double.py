"""A Grafana in the test process: keeps what its HTTP API is given, and answers it with what a server adds."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

TOKEN = "glsa_test"
GROUP = r"/api/v1/provisioning/folder/[^/]+/rule-groups/([^/]+)"
Answer = tuple[int, Any]


class GrafanaDouble:
    """Folders, datasources, dashboards and alerting of one organisation, behind one token."""

    def __init__(self) -> None:
        self.folders: dict[str, Any] = {}
        self.datasources: dict[str, Any] = {}
        self.dashboards: dict[str, Any] = {}
        self.rule_groups: dict[str, Any] = {}
        self.contacts: dict[str, Any] = {}
        self.policies: dict[str, Any] = {"receiver": "grafana-default-email"}
        self.writes: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> GrafanaDouble:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: Any) -> Answer:
        """What the API answers to one request."""
        for pattern, verb, act in self._routes():
            if verb == method and (found := re.fullmatch(pattern, path)):
                if method != "GET":
                    self.writes.append(f"{method} {path}")
                return act(body, *found.groups())
        return 404, {"message": f"no route {method} {path}"}

    def _routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        return [
            (r"/api/folders/([^/]+)", "GET", lambda _, uid: _found(self.folders, uid)),
            (r"/api/folders", "POST", lambda body: self._keep(self.folders, body["uid"], body)),
            (r"/api/datasources/uid/([^/]+)", "GET", lambda _, uid: _found(self.datasources, uid)),
            (r"/api/datasources", "POST", self._keep_source),
            (r"/api/datasources/uid/([^/]+)", "PUT", lambda body, _: self._keep_source(body)),
            (r"/api/dashboards/uid/([^/]+)", "GET", lambda _, uid: _found(self.dashboards, uid)),
            (r"/api/dashboards/db", "POST", self._keep_board),
            (GROUP, "GET", lambda _, name: _found(self.rule_groups, name)),
            (GROUP, "PUT", lambda body, name: self._keep_rules(name, body)),
            (r"/api/v1/provisioning/contact-points", "GET", lambda _: (200, list(self.contacts.values()))),
            (r"/api/v1/provisioning/contact-points", "POST", self._keep_contact),
            (
                r"/api/v1/provisioning/contact-points/([^/]+)",
                "PUT",
                lambda body, uid: self._keep_contact({"uid": uid, **body}),
            ),
            (r"/api/v1/provisioning/policies", "GET", lambda _: (200, self.policies)),
            (r"/api/v1/provisioning/policies", "PUT", self._keep_policies),
        ]

    def _keep(self, shelf: dict[str, Any], uid: str, body: Any) -> Answer:
        shelf[uid] = body
        return 200, body

    def _keep_source(self, body: dict[str, Any]) -> Answer:
        secrets = dict.fromkeys(body.pop("secureJsonData", {}), True)
        return self._keep(self.datasources, body["uid"], {**body, "id": 1, "secureJsonFields": secrets})

    def _keep_board(self, body: dict[str, Any]) -> Answer:
        board = {**body["dashboard"], "id": len(self.dashboards) + 1, "version": 1}
        return self._keep(self.dashboards, board["uid"], {"dashboard": board, "meta": {"folderUid": body["folderUid"]}})

    def _keep_rules(self, name: str, body: dict[str, Any]) -> Answer:
        for rule in body["rules"]:
            rule |= {"id": 1, "updated": "2026-03-10T12:00:00Z"}
            for query in rule["data"]:
                query.setdefault("relativeTimeRange", {"from": 0, "to": 0})
                query["model"] |= {"intervalMs": 1000, "maxDataPoints": 43200}
        return self._keep(self.rule_groups, name, body)

    def _keep_contact(self, body: dict[str, Any]) -> Answer:
        # An address of e-mail is given back, a webhook's is not.
        settings = {name: "[REDACTED]" if name == "url" else value for name, value in body["settings"].items()}
        return self._keep(self.contacts, body["uid"], {**body, "settings": settings})

    def _keep_policies(self, body: dict[str, Any]) -> Answer:
        self.policies = body
        return 202, {"message": "policies updated"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            """One request of the API."""

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
                path = urlsplit(self.path).path
                refused: Answer = (401, {"message": "Unauthorized"})
                status, answer = double.answer(self.command, path, body) if known else refused
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = _serve  # noqa: N815 - names of the standard library's handler

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
                """Nothing on the test's output."""

        return Handler


def _found(shelf: dict[str, Any], uid: str) -> Answer:
    return (200, shelf[uid]) if uid in shelf else (404, {"message": "not found"})
