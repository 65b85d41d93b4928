"""`ml-health verdict`: say whether an alarm was right, or something was missed."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import click

from ml_core.bootstrap import Platform
from ml_core.domain.reviews.operator_verdict import NewVerdict, OperatorVerdict
from ml_core.entrypoints.console import LINE, MOMENT, output, print_json, whoami
from ml_core.services.reviews import Opinion, Reviews

LONGEST_NUMBER = 20
ANSWERS = {verdict.words: verdict for verdict in OperatorVerdict}


@click.command("verdict")
@click.argument("subject")
@click.argument("answer", type=click.Choice(list(ANSWERS)))
@click.option("--from", "begin", type=MOMENT, help="Begin of a stretch of a series that was not flagged.")
@click.option("--to", "end", type=MOMENT, help="End of that stretch.")
@click.option("--by", type=LINE, help="Who says so; default: the user of this machine.")
@click.option("--note", type=LINE, help="Why; kept with the verdict.")
@click.option("--now", type=MOMENT, help="The time of the verdict; default: the clock's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def verdict_command(
    platform: Platform,
    subject: str,
    answer: str,
    begin: datetime | None,
    end: datetime | None,
    by: str | None,
    note: str | None,
    now: datetime | None,
    as_json: bool,
) -> None:
    """Keep ANSWER on SUBJECT: an anomaly's id, an episode's number, an hour of the audit, or DEVICE:METRIC.

    Alarms are confirmed or false-alarm; what was not flagged is missed or normal. Of a series a stretch of time
    is meant (--from, --to). Verdicts are added, never changed: the latest on a reading counts.
    """
    opinion = Opinion(answer=ANSWERS[answer], given_by=by or whoami(), note=note)
    reviews = platform.reviews(now=now or datetime.now(UTC))
    kept = _judge(reviews, subject, begin, end, opinion)
    if as_json:
        print_json({"subject": subject, "verdict": answer, "by": opinion.given_by, "readings": len(kept)})
    else:
        output.print(f"{subject}: {answer}, said by {opinion.given_by}{_count(kept)}", markup=False, soft_wrap=True)


def _judge(
    reviews: Reviews, subject: str, begin: datetime | None, end: datetime | None, opinion: Opinion
) -> list[NewVerdict]:
    if begin is not None and end is not None:
        return reviews.judge_stretch(subject, begin, end, opinion)
    if begin is not None or end is not None:
        raise click.UsageError("a stretch of time needs both --from and --to")
    if subject.isdecimal() and len(subject) < LONGEST_NUMBER:
        return reviews.judge_episode(int(subject), opinion)
    try:
        named = UUID(subject)
    except ValueError:
        raise click.UsageError(
            f"{subject!r} is no anomaly's id and no episode's number; of a series give --from and --to"
        ) from None
    return reviews.judge(named, opinion)


def _count(kept: list[NewVerdict]) -> str:
    return f" ({len(kept)} alarms, one review)" if len(kept) > 1 else ""
