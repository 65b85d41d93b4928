"""A local GitHub: real state in memory, every request and answer judged by GitHub's own description."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.contract.github_app import InstalledApp
from tests.contract.github_description import load_description
from tests.contract.github_state import GitHubRefusal, GitHubState

LONGEST_HANG_S = 30.0


@dataclass(kw_only=True)
class Fault:
    """What shall go wrong with the next `times` requests that match."""

    method: str = "[A-Z]+"
    path: str = ".*"
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: object = None
    """The answer: an object is sent as JSON, text as it is; by default a message as GitHub sends it."""
    performed: bool = False
    """The request takes effect although its answer says otherwise."""
    hang: bool = False
    """No answer comes while the server lives."""
    drop: bool = False
    """The connection is closed without an answer."""
    delay_s: float = 0.0
    times: int = 1


@dataclass(frozen=True, kw_only=True)
class SeenRequest:
    """A request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    at: float
    """On the monotonic clock."""


class GitHubServer:
    """Serves one repository on 127.0.0.1; use as a context manager, `violations` must stay empty."""

    def __init__(
        self,
        repository: str = "acme/plant",
        token: str = "ghp_localTokenOfTheTests0123456789",
        *,
        root: str = "",
    ) -> None:
        self.token = token
        self.root = root
        """Where the API begins: of a GitHub Enterprise Server under a path."""
        self.app: InstalledApp | None = None
        self.requests: list[SeenRequest] = []
        self.violations: list[str] = []
        self._faults: list[Fault] = []
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}{root}"
        self.state = GitHubState(self.url, repository)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def inject(self, **fault: Any) -> None:
        """Add a fault; earlier ones come first."""
        with self._lock:
            self._faults.append(Fault(**fault))

    def clear_faults(self) -> None:
        """Let everything go well again."""
        with self._lock:
            self._faults.clear()

    def sent(self, method: str, path: str = ".*") -> list[SeenRequest]:
        """Return the requests seen of this method whose path matches."""
        with self._lock:
            return [seen for seen in self.requests if seen.method == method and re.search(path, seen.path)]

    @contextmanager
    def lagging(self) -> Iterator[None]:
        """Let lists show only what was there before."""
        with self._lock:
            self.state.freeze_lists()
        try:
            yield
        finally:
            with self._lock:
                self.state.thaw_lists()

    def answer(self, handler: BaseHTTPRequestHandler, method: str) -> None:
        """Answer one request: as GitHub would, or as a fault wants."""
        url = urlsplit(handler.path.removeprefix(self.root) if handler.path.startswith(self.root) else "/outside")
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        body = json.loads(raw) if raw else None
        with self._lock:
            headers = {name.lower(): value for name, value in handler.headers.items()}
            self.requests.append(
                SeenRequest(method=method, path=handler.path, headers=headers, body=body, at=time.monotonic())
            )
            fault = self._take_fault(method, url.path)
        if fault is None or fault.performed:
            status, extra, answer = self._perform(method, url.path, url.query, headers, body)
        else:
            status, extra, answer = 500, {}, None
        if fault is not None:
            time.sleep(fault.delay_s)
            if fault.hang:
                self._ended.wait(LONGEST_HANG_S)
            if fault.hang or fault.drop:
                handler.close_connection = True
                return
            if fault.status is not None:
                status, extra, answer = fault.status, fault.headers, fault.body
                answer = {"message": "Server Error"} if answer is None else answer
        self._send(handler, status, extra, answer)

    def _take_fault(self, method: str, path: str) -> Fault | None:
        for fault in self._faults:
            if re.fullmatch(fault.method, method) and re.search(fault.path, path):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def _perform(
        self, method: str, path: str, query: str, headers: dict[str, str], body: object
    ) -> tuple[int, dict[str, str], Any]:
        """Do what is asked as GitHub does, and let the description judge request and answer."""
        with self._lock:
            known = self.state.locate(path)
            if known.moved_to is not None:
                location = f"{self.url}{known.moved_to}{'?' + query if query else ''}"
                status = 301 if method == "GET" else 307
                answer = {"message": "Moved Permanently", "url": location}
                return status, {"Location": location}, answer
            parameters = parse_qs(query, keep_blank_values=True)
            wrong = list(load_description().check_request(method, known.path, parameters, body))
            self.violations.extend(wrong)
            try:
                asks_for_token = self.app is not None and self.app.is_asked(method, known.path, headers)
                if not asks_for_token:
                    self._check_caller(headers)
                if wrong:
                    raise GitHubRefusal(422, "; ".join(wrong))
                if asks_for_token and self.app is not None:
                    status, answer, pages = 201, self.app.issue_token(), None
                else:
                    status, answer, pages = self.state.perform(method, known.path, parameters, body)
            except GitHubRefusal as refusal:
                status, answer, pages = refusal.status, refusal.answer, None
            self.violations.extend(load_description().check_response(method, known.path, status, answer))
            return status, self._link(path, parameters, pages), answer

    def _check_caller(self, headers: dict[str, str]) -> None:
        if "user-agent" not in headers:
            raise GitHubRefusal(403, "Request forbidden by administrative rules.")
        if self.app is not None and self.app.knows(headers):
            return
        if headers.get("authorization") not in (f"token {self.token}", f"Bearer {self.token}"):
            raise GitHubRefusal(401, "Bad credentials")

    def _link(self, path: str, query: dict[str, list[str]], pages: tuple[int, int] | None) -> dict[str, str]:
        """Return the Link header by which lists are paged."""
        if pages is None or pages[0] >= pages[1]:
            return {}
        following = urlencode({**query, "page": [pages[0] + 1]}, doseq=True)
        last = urlencode({**query, "page": [pages[1]]}, doseq=True)
        return {"Link": f'<{self.url}{path}?{following}>; rel="next", <{self.url}{path}?{last}>; rel="last"'}

    def _send(self, handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], answer: object) -> None:
        payload = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        kind = "text/html" if isinstance(answer, str) else "application/json; charset=utf-8"
        limits = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999"}
        handler.send_response(status)
        for name, value in {"Content-Type": kind, **limits, **headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(payload)))
        handler.end_headers()
        handler.wfile.write(payload)


def _make_handler(server: GitHubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body in one packet, or each answer waits for an acknowledgement

        def do_GET(self) -> None:
            server.answer(self, "GET")

        def do_POST(self) -> None:
            server.answer(self, "POST")

        def do_PATCH(self) -> None:
            server.answer(self, "PATCH")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
            """Say nothing: `requests` keeps what came in."""

    return Handler
