"""How good detection is, as far as people have said: precision, false positive rate, miss rate, accuracy.

An unsupervised model has no accuracy without labels. Alarms are reviewed far more often than quiet readings, so each
kind is weighted by its real share: with P readings scored, F flagged, U = P - F unflagged, p the share of confirmed and
f = 1 - p that of false alarms among the reviewed, and q the share of normal readings among the audited:

- precision p;
- false positive rate F f / (F f + U q), false alarms over all normal readings (not 1 - p);
- miss rate U (1 - q) / (F p + U (1 - q)), unseen anomalies over all anomalies;
- accuracy (F p + U q) / P.

q is estimated without bias from hours drawn at random: an hour counts for its readings over the probability with which
it was drawn (Hajek's ratio estimator). An hour called missed counts as missed with all of its readings, so misses are
rather over- than understated.

A share of alarms is told over alarms, but alarms of one episode are judged alike: its interval is that of as many
reviews as would say as much if each had equally many alarms.

Where every alarm of the time has its verdict, its false alarms are counted and not estimated: the false positive rate
is then told however few the alarms were, and miss rate and accuracy rest on the audit alone. Its interval is that of so
many normal readings, of which those flagged together come as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from ml_core.domain.reviews.operator_verdict import VerdictCounts
from ml_core.domain.reviews.proportion import wilson_interval


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A rate with its interval at 95 % and the number of reviews behind it, or the reason why there is none."""

    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None

    def __str__(self) -> str:
        if self.value is None or self.low is None or self.high is None:
            return f"{self.reason} (n = {self.n})"
        return f"{_share(self.value)} (n = {self.n}, {_share(self.low)} to {_share(self.high)})"


@dataclass(frozen=True, kw_only=True)
class DetectionQuality:
    """The four rates."""

    precision: Estimate
    false_positive_rate: Estimate
    miss_rate: Estimate
    accuracy: Estimate


def estimate_quality(counts: VerdictCounts, *, scored: int, flagged: int, min_reviews: int) -> DetectionQuality:
    """The rates of the time in which `scored` readings were scored and `flagged` of them flagged.

    Below `min_reviews` reviews of the kind that a rate rests upon, and where nothing was scored, there is none.
    """
    alarms = _confirmed_share(counts, min_reviews)
    # Where people looked at every alarm there are no more reviews to wait for.
    told = _confirmed_share(counts, 1) if counts.alarms >= flagged else alarms
    quiet = _normal_share(counts, min_reviews)
    population = _Population(flagged=float(flagged), unflagged=float(max(0, scored - flagged)))
    if scored <= 0:
        nothing = Estimate(n=counts.total, reason="nothing was scored")
        return DetectionQuality(precision=alarms, false_positive_rate=nothing, miss_rate=nothing, accuracy=nothing)
    return DetectionQuality(
        precision=alarms,
        false_positive_rate=population.count_false(counts, quiet) or population.false_positive_rate(alarms, quiet),
        miss_rate=population.miss_rate(told, quiet),
        accuracy=population.accuracy(told, quiet, counts.total),
    )


def _confirmed_share(counts: VerdictCounts, min_reviews: int) -> Estimate:
    if counts.alarms == 0 or counts.reviews < min_reviews:
        return Estimate(n=counts.reviews, reason=f"not enough reviews of alarms, {min_reviews} are needed")
    share = counts.confirmed / counts.alarms
    low, high = wilson_interval(share, counts.effective_reviews)
    return Estimate(n=counts.reviews, value=share, low=low, high=high)


def _normal_share(counts: VerdictCounts, min_reviews: int) -> Estimate:
    if counts.audit_weight <= 0 or counts.audited < min_reviews:
        return Estimate(n=counts.audited, reason=f"not enough audited hours, {min_reviews} are needed")
    share = min(1.0, counts.normal_weight / counts.audit_weight)
    low, high = wilson_interval(share, counts.effective_audits)
    return Estimate(n=counts.audited, value=share, low=low, high=high)


@dataclass(frozen=True, kw_only=True)
class _Population:
    """All scored readings, by what the model said."""

    flagged: float
    unflagged: float

    def false_positive_rate(self, alarms: Estimate, quiet: Estimate) -> Estimate:
        """Without audits what was not flagged is taken for normal, which changes little: normal readings abound."""
        if alarms.value is None or alarms.low is None or alarms.high is None:
            return alarms
        passed = self.unflagged * (1.0 if quiet.value is None else quiet.value)
        if passed <= 0:
            return Estimate(n=alarms.n, reason="no normal reading went unflagged, so there is no rate to tell")

        def rate(confirmed: float) -> float:
            false = self.flagged * (1 - confirmed)
            return false / (false + passed)

        return Estimate(n=alarms.n, value=rate(alarms.value), low=rate(alarms.high), high=rate(alarms.low))

    def count_false(self, counts: VerdictCounts, quiet: Estimate) -> Estimate | None:
        """The same where people looked at every alarm, and so at too few to estimate from; None where they did not."""
        passed = self.unflagged * (1.0 if quiet.value is None else quiet.value)
        if counts.reviews == 0 or counts.alarms < self.flagged or passed <= 0:
            return None
        normal = counts.false_alarm + passed
        low, high = wilson_interval(counts.false_alarm / normal, normal * counts.effective_reviews / counts.alarms)
        return Estimate(n=counts.reviews, value=counts.false_alarm / normal, low=low, high=high)

    def miss_rate(self, alarms: Estimate, quiet: Estimate) -> Estimate:
        """The interval is that of the audit, by far the coarser of the two."""
        told = quiet if self.flagged == 0 else alarms
        if told.value is None or quiet.value is None or quiet.low is None or quiet.high is None:
            return told if told.value is None else quiet
        found = self.flagged * told.value
        if found + self.unflagged * (1 - quiet.value) <= 0:
            return Estimate(n=quiet.n, reason="no anomaly was found or missed, so there is no rate to tell")

        def rate(normal: float) -> float:
            missed = self.unflagged * (1 - normal)
            return missed / (found + missed) if found + missed > 0 else 0.0

        return Estimate(n=quiet.n, value=rate(quiet.value), low=rate(quiet.high), high=rate(quiet.low))

    def accuracy(self, alarms: Estimate, quiet: Estimate, n: int) -> Estimate:
        """Bounds by the method of variance estimates recovery (Zou and Donner 2008, Statistics in Medicine 27)."""
        told = quiet if self.flagged == 0 else alarms
        if quiet.value is None or quiet.low is None or quiet.high is None:
            return Estimate(n=n, reason=quiet.reason)
        if told.value is None or told.low is None or told.high is None:
            return Estimate(n=n, reason=told.reason)
        a = self.flagged / (self.flagged + self.unflagged)
        b = 1 - a
        value = a * told.value + b * quiet.value
        below = sqrt((a * (told.value - told.low)) ** 2 + (b * (quiet.value - quiet.low)) ** 2)
        above = sqrt((a * (told.high - told.value)) ** 2 + (b * (quiet.high - quiet.value)) ** 2)
        return Estimate(n=n, value=value, low=max(0.0, value - below), high=min(1.0, value + above))


def _share(value: float) -> str:
    return f"{value:.3%}" if value < 0.01 else f"{value:.1%}"
