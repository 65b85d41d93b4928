"""Every error this project raises on purpose: one base class, few leaves, each saying what to do next."""


class MLHealthError(Exception):
    """Base of all errors raised on purpose."""


class ConfigurationError(MLHealthError):
    """A setting, parameter, manifest or command is wrong; the message names the key and the bound."""


class UnknownTaskError(ConfigurationError):
    """The manifest lists no task of that name."""


class UnknownParameterError(ConfigurationError):
    """The task takes no parameter of that name."""


class UnknownDetectorKindError(ConfigurationError):
    """No detector of that kind is registered."""


class InvalidNameError(MLHealthError, ValueError):
    """A device or metric name breaks the naming rule."""


class InvalidReadingsError(MLHealthError, ValueError):
    """Readings are unusable: a column is missing or of the wrong type."""


class InsufficientDataError(MLHealthError, ValueError):
    """There are too few usable readings to train on."""


class UnmodellableSeriesError(MLHealthError, ValueError):
    """The readings take too few distinct values for an isolation forest to say anything."""


class NotTrainedError(MLHealthError, RuntimeError):
    """A prediction, a save or a retrain was asked of a detector that has not been trained."""


class DetectorAnswerError(MLHealthError):
    """A detector answered something else than one finite answer a reading."""


class DetectorStateError(MLHealthError):
    """The saved state of a streaming detector cannot be read: the series starts over from its model."""


class ArtifactError(MLHealthError):
    """A model artifact cannot be used."""


class ArtifactMissingError(ArtifactError, FileNotFoundError):
    """The artifact does not exist."""


class ArtifactDamagedError(ArtifactError):
    """The artifact's bytes do not match its checksum or its format."""


class DatabaseUnavailableError(MLHealthError):
    """PostgreSQL cannot be reached or gave no answer in time."""


class CommitOutcomeUnknownError(DatabaseUnavailableError):
    """The link broke while COMMIT was under way: it may have been kept or not, so re-read before a repeat."""


class SchemaVersionError(MLHealthError):
    """The database's schema version does not fit this code; the message names both."""


class ConflictError(MLHealthError):
    """Somebody else changed the same row first; nothing was written."""


class TransitionError(ConflictError):
    """A state does not lead to the one asked for; the message names both and where it does lead."""


class IssueTrackerError(MLHealthError):
    """The issue tracker refused or did not answer."""


class TrackerUnavailableError(IssueTrackerError):
    """A passing fault of the issue tracker: try again, not before `retry_after_s` seconds.

    With `outcome_unknown` a write may have happened: look for its marker before writing again.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.outcome_unknown = outcome_unknown


class TrackerRefusedError(IssueTrackerError):
    """The issue tracker refused for good (token, permission, repository): a person must act.

    With `content_refused` it refused what this one message says, and may take others.
    """

    def __init__(self, message: str, *, content_refused: bool = False) -> None:
        super().__init__(message)
        self.content_refused = content_refused


class GrafanaError(MLHealthError):
    """Grafana refused or did not answer; the message says what was asked of it."""


class AlertChannelError(MLHealthError):
    """Alerts could not be told on a channel; they wait and are told by the next run."""


class ConfirmationRequiredError(MLHealthError):
    """A destructive plan is larger than expected and waits for `--confirm PLAN_HASH`."""


class EmbeddedPostgresError(DatabaseUnavailableError):
    """The embedded PostgreSQL cannot be made, started or stopped."""


def describe_error(exc: Exception) -> str:
    """What to tell of an error: the message of ours, and the kind as well of one that nobody expected."""
    return str(exc) if isinstance(exc, MLHealthError) else f"{type(exc).__name__}: {exc}"
