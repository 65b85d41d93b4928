"""Pictures of the dashboards, drawn in a headless Chromium with Grafana's own components.

`python -m tests.browser.pictures --home .demo/story --out docs/images` draws what the demo has measured.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

from playwright.sync_api import sync_playwright

from ml_core.adapters.embedded.embedded_postgres import EmbeddedPostgres
from ml_core.adapters.postgres.database import Database
from tests.browser.frames import Frame, to_frame
from tests.grafana.macro_expander import Viewer

FOLDER = Path(__file__).parent
CHROMIUM = "chromium"
RANGE = timedelta(days=7)
MAX_POINTS = 800
INTERVALS_S = (1, 5, 10, 30, 60, 300, 900, 3600, 10800, 21600, 43200, 86400)
SETTLE_MS = 200
MOST_LOOKS = 20
NOTE = "preview drawn with Grafana's components from the demo's data"
Board = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What somebody has chosen in the drop-downs of the dashboards that need one choice."""

    device: str
    metric: str


def find_chromium() -> str | None:
    """The distribution's Chromium."""
    return shutil.which(CHROMIUM)


def packages_are_installed() -> bool:
    """Whether `make browser-packages` has been run."""
    return (FOLDER / "node_modules/.bin/esbuild").exists()


def bundle(folder: Path) -> Path:
    """The page's script and styles in one folder."""
    program = FOLDER / "node_modules/.bin/esbuild"
    loaders = [f"--loader:.{kind}=dataurl" for kind in ("svg", "woff", "woff2", "ttf")]
    script = folder / "preview.js"
    options = ["--bundle", f"--outfile={script}", "--log-level=error", '--define:process.env.NODE_ENV="production"']
    subprocess.run([program, "preview.jsx", *options, *loaders], cwd=FOLDER, check=True)
    return script


def read_boards() -> Iterator[tuple[str, Board]]:
    """Every dashboard that the package ships, by its file's name without the ending."""
    for entry in sorted(files("ml_core.grafana").joinpath("json").iterdir(), key=lambda entry: entry.name):
        yield entry.name.removesuffix(".json"), json.loads(entry.read_text(encoding="utf-8"))


def fill_board(database: Database, board: Board, *, end: datetime, choice: Choice) -> dict[str, Any]:
    """The page's data: the dashboard, the frames of each panel, and what was chosen."""
    viewer = Viewer(start=end - RANGE, end=end, chosen=_choose(database, board, end, choice))
    all_values = {v["name"]: v["allValue"] for v in board["templating"]["list"] if "allValue" in v}
    panels = {panel["id"]: list(_frames(database, panel, viewer, all_values)) for panel in board["panels"]}
    names = [v for v in board["templating"]["list"] if not v.get("hide")]
    return {
        "board": board,
        "panels": panels,
        "chosen": [[v["label"], ", ".join(viewer.chosen.get(v["name"], ("All",)))] for v in names[1:]],
        "from": int(viewer.start.timestamp() * 1000),
        "to": int(viewer.end.timestamp() * 1000),
        "note": NOTE,
    }


def draw(pages: Mapping[str, dict[str, Any]], out: Path) -> dict[str, list[str]]:
    """Write a PNG a page; what is wrong with each: panels that broke, or are empty without saying why."""
    chromium = find_chromium()
    faults: dict[str, list[str]] = {}
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / "page.html").write_text(_html(bundle(Path(folder))), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1600, "height": 1200})
        page.goto((Path(folder) / "page.html").as_uri())
        for name, page_data in pages.items():
            drawn = page.evaluate("preview => window.draw(preview)", json.loads(json.dumps(page_data, default=str)))
            height = page.wait_for_selector(f'[data-drawn="{drawn}"]').bounding_box()["height"]
            page.set_viewport_size({"width": 1600, "height": int(height)})
            (out / f"{name}.png").write_bytes(_shoot(page))
            faults[name] = _faults(page, page_data["board"])
        browser.close()
    return faults


def _shoot(page: Any) -> bytes:
    """The picture, once two in a row are the same: a busy machine takes longer to draw."""
    before, now = b"", b"-"
    for _ in range(MOST_LOOKS):
        if now == before:
            break
        page.wait_for_timeout(SETTLE_MS)
        before, now = now, page.locator("#board").screenshot()
    return now


def _html(script: Path) -> str:
    return (
        '<!doctype html><meta charset="utf-8">'
        f'<link rel="stylesheet" href="{script.with_suffix(".css").name}"><body style="margin:0"><div id="root"></div>'
        f'<script src="{script.name}"></script>'
    )


def _faults(page: Any, board: Board) -> list[str]:
    drawn = page.eval_on_selector_all("[data-panel]", "each => each.map(one => one.dataset.panel)")
    missing = [panel["title"] for panel in board["panels"] if panel["title"] not in drawn]
    broken = page.eval_on_selector_all("[data-broken]", "each => each.map(one => one.textContent)")
    silent = page.eval_on_selector_all(
        '[data-panel][data-empty="true"]',
        "each => each.filter(one => !one.querySelector('[data-reason]').textContent).map(one => one.dataset.panel)",
    )
    return [
        *(f"{title} is not drawn" for title in missing),
        *broken,
        *(f"{title} is empty without a reason" for title in silent),
    ]


def _choose(database: Database, board: Board, end: datetime, choice: Choice) -> dict[str, tuple[str, ...]]:
    if board["uid"] == "mlh-device":
        return {"device_tenant": (str(UUID(int=0)),), "device": (choice.device,), "metric": (choice.metric,)}
    if board["uid"] != "mlh-runs":
        return {}
    with database.transaction() as cur:
        cur.execute(
            "SELECT run_id::text FROM grafana.run_step WHERE task = 'ml_retrain' AND time <= %s"
            " ORDER BY time DESC LIMIT 1",
            (end,),
        )
        found = cur.fetchone()
    return {"run": found or ("",)}


def _frames(
    database: Database, panel: dict[str, Any], viewer: Viewer, all_values: Mapping[str, str]
) -> Iterator[Frame]:
    seen_by = replace(viewer, interval=f"{_interval_s(panel)}s")
    for target in panel["targets"]:
        with database.transaction() as cur:
            cur.execute(seen_by.expand(target["rawSql"], all_values))
            columns = [column.name for column in cur.description or ()]
            yield to_frame(target["format"], target["refId"], columns, cur.fetchall())


def _interval_s(panel: dict[str, Any]) -> int:
    """As Grafana chooses it: a range in so many points, at least the panel's own interval."""
    wanted = RANGE.total_seconds() / MAX_POINTS
    least = {"1s": 1, "1h": 3600, "1d": 86400}[panel.get("interval", "1s")]
    return max(least, next(step for step in INTERVALS_S if step >= wanted))


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw all dashboards; 1 where a panel broke or is empty without a reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".demo/story"), help="the demo's home")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--device", default="branch-3")
    parser.add_argument("--metric", default="flow")
    given = parser.parse_args(arguments)
    # Its last runs began at the end of the story and finished a moment later.
    end = datetime.fromisoformat((given.home / "end").read_text(encoding="utf-8")).astimezone(UTC) + timedelta(
        minutes=1
    )
    server = EmbeddedPostgres(given.home.resolve())
    choice = Choice(device=given.device, metric=given.metric)
    with closing(Database(server.start())) as database:
        pages = {name: fill_board(database, board, end=end, choice=choice) for name, board in read_boards()}
    faults = draw({f"dashboard-{name.replace('_', '-')}": page for name, page in pages.items()}, given.out)
    for name, told in faults.items():
        print(f"{given.out / name}.png", *told, sep="\n  ")
    return 1 if any(faults.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
