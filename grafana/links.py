"""Drill-downs: links that keep the time range and what was chosen."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from ml_core.grafana.names import DEVICE, RUNS

_KEPT = "${datasource:queryparam}&${tenant:queryparam}&${site:queryparam}&${__url_time_range}"


def to_device(*, metric: bool) -> list[DynamicConfigValue]:
    """A link of a table's column to the row's device, and with `metric` to the row's series.

    The row says in a column `Tenant` whose device it is: `style.hidden()` keeps it out of sight.
    """
    url = f"/d/{DEVICE}?{_KEPT}&var-device=${{__data.fields.Device:percentencode}}"
    url += "&var-device_tenant=${__data.fields.Tenant:percentencode}"
    if metric:
        url += "&var-metric=${__data.fields.Metric:percentencode}"
    return _link("Look at this device", url)


def to_board(uid: str, title: str) -> list[DynamicConfigValue]:
    """A link of a field to another dashboard, with the metrics chosen here."""
    return _link(title, f"/d/{uid}?{_KEPT}&${{metric:queryparam}}")


def to_runs() -> list[DynamicConfigValue]:
    """A link of a column of tasks to the runs of that task."""
    return _link("Look at its runs", f"/d/{RUNS}?{_KEPT}&var-task=${{__data.fields.Task:percentencode}}")


def to_issue() -> list[DynamicConfigValue]:
    """A link of a column to the address that stands in it, shown as a word."""
    shown = [{"type": "regex", "options": {"pattern": r"^.*/0*(\d+)(?:\.md)?$", "result": {"text": "#$1", "index": 0}}}]
    return [
        *_link("Open the issue", "${__value.raw}", new_tab=True),
        DynamicConfigValue(id_val="mappings", value=shown),
    ]


def _link(title: str, url: str, *, new_tab: bool = False) -> list[DynamicConfigValue]:
    return [DynamicConfigValue(id_val="links", value=[{"title": title, "url": url, "targetBlank": new_tab}])]
