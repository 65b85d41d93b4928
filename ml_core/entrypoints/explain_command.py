"""`ml-health explain`: the steps behind a decision."""

from __future__ import annotations

import click
from rich.markup import escape

from ml_core.bootstrap import Platform
from ml_core.domain.explaining.explanation import Explanation
from ml_core.entrypoints.console import output, print_json


@click.command("explain")
@click.argument("subject")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def explain_command(platform: Platform, subject: str, as_json: bool) -> None:
    """Say how it came to be, in order and only from what is stored.

    SUBJECT is the id of a model or of an anomaly, the number of an incident, DEVICE:METRIC (the model that serves)
    or DEVICE:METRIC@VERSION. A number is never an episode's: of an episode give the id of one of its anomalies.
    """
    explanation = platform.explainer.explain(subject)
    if as_json:
        print_json(explanation.to_json())
    else:
        _print(explanation)


def _print(explanation: Explanation) -> None:
    output.print(f"[bold]{escape(explanation.subject)}[/bold]: {escape(explanation.answer)}", soft_wrap=True)
    for number, step in enumerate(explanation.steps, 1):
        at = "" if step.at is None else f"{step.at:%Y-%m-%d %H:%M:%S}Z  "
        outcome = "" if step.outcome is None else f" [bold]{escape(step.outcome)}[/bold]"
        output.print(f"{number:>3}  {at}{escape(step.what)}:{outcome}", soft_wrap=True)
        if step.why:
            output.print(f"     {step.why}", markup=False, soft_wrap=True)
        if step.figures:
            figures = ", ".join(f"{name} {_figure(value)}" for name, value in step.figures.items())
            output.print(f"     {figures}", markup=False, soft_wrap=True)


def _figure(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
