"""Every exception tagtide raises, in one tree, split by what the caller does next.

::

    TagtideError
    ├── ConfigError                 fix the configuration
    ├── InvalidInput                fix what was typed
    ├── NotFound                    no such campaign, alert, video ...
    ├── Conflict                    it exists already, or it is in use
    ├── SourceError                 the data API; carries endpoint, reason, charge
    │   ├── SourceUnavailable       transient: 5xx, refused connection, DNS
    │   ├── AnswerLost              sent, no answer: it may have been billed
    │   ├── RateLimited             too many calls in flight; says how long to wait
    │   ├── CreditsExhausted        402: stop the run
    │   ├── AuthenticationFailed    401, 403: stop the run
    │   ├── ItemNotFound            404, or a 2xx that says "no such thing"
    │   ├── RequestRefused          400, 410, 422: repeating it is useless
    │   └── UnexpectedResponse      undecodable, unknown shape, oversize, redirect
    ├── BudgetExceeded              our own decision: no call was made
    ├── StorageError
    │   ├── StorageBusy             locked by another writer for too long
    │   ├── StorageUnavailable      the database server does not answer
    │   │   └── DiskFailing         the disk reported an error
    │   ├── StorageReadOnly
    │   ├── DiskFull
    │   ├── DatabaseCorrupt
    │   ├── DataInUse               another instance holds the data
    │   ├── LeaseLost               someone else took over this slot: nothing was written
    │   ├── SchemaOutdated
    │   └── SchemaTooNew
    ├── DeliveryError               a channel did not take a message
    ├── RenderingFailed             charts or pages could not be made
    ├── UnreadableProof             the file is no capsule, or one from a newer tagtide
    └── ProofDiffers                two ways to the same figure differ: nothing was written

``str()`` of an error is one clear sentence for a person; ``hint`` says what to do next. Neither
ever holds a key, a token or a webhook address. Facts are attributes. The original exception is
chained as ``__cause__``. The tree knows no HTTP status and no exit code: the entry points hold
those tables.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why a hashtag ended as it did; stored, shown and counted."""

    NONE = ""
    NOT_FOUND = "not_found"
    BAD_REQUEST = "bad_request"
    UNDECODABLE = "undecodable"
    SCHEMA = "schema"
    OVERSIZE = "oversize"
    REDIRECT = "redirect"
    UPSTREAM = "upstream"
    CONNECTION = "connection"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    CREDITS = "credits"
    BUDGET = "budget"
    AUTH = "auth"
    PAUSED = "paused"
    BREAKER = "breaker"
    DOWNTIME = "downtime"
    STORAGE = "storage"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"
    #: Read by another run in the same slot; its reading serves this one too.
    SHARED = "shared"
    #: The answer equals the one before, byte for byte.
    UNCHANGED = "unchanged"
    #: The page budget was spent before the feed ended; the outcome is still ok.
    PAGE_BUDGET = "page_budget"


class Charge(StrEnum):
    """State of a ledger row."""

    RESERVED = "reserved"
    CHARGED = "charged"
    NOT_CHARGED = "not_charged"
    UNKNOWN = "unknown"


class Fault(StrEnum):
    """Why a message was not accepted: all that a person is told about a receiver.

    More would tell whoever may set a channel what stands behind an address.
    """

    #: The address may not be used; nothing was sent.
    ADDRESS = "address"
    #: Unknown name, refused connection, broken conversation.
    UNREACHABLE = "unreachable"
    #: The certificate is not good for the name.
    CERTIFICATE = "certificate"
    TIMEOUT = "timeout"
    #: Not now: too many messages, or a fault at the receiver.
    BUSY = "busy"
    #: User, password, token or signature are not accepted.
    LOGIN = "login"
    #: It was understood and not accepted.
    REFUSED = "refused"
    #: The address is no longer in use.
    GONE = "gone"


class TagtideError(Exception):
    """Something went wrong that a person can act on."""

    #: What to do next, one sentence; empty when the message says it all.
    hint: str = ""

    def __init__(self, message: str = "", *, hint: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").partition("\n")[0])
        if hint is not None:
            self.hint = hint

    @property
    def code(self) -> str:
        """A stable snake_case name for machines, made from the class name."""
        name = type(self).__name__.removesuffix("Error")
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(cls: type[TagtideError], args: tuple[Any, ...], state: dict[str, Any]) -> TagtideError:
    error = cls.__new__(cls)
    Exception.__init__(error, *args)
    error.__dict__.update(state)
    return error


class ConfigError(TagtideError):
    """The configuration is not usable."""

    def __init__(self, problems: str | list[str], *, hint: str | None = None) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("; ".join(self.problems), hint=hint)


class InvalidInput(TagtideError):
    """What was typed cannot be used."""


class NotFound(TagtideError):
    """There is no such thing."""


class Conflict(TagtideError):
    """It exists already, or something else holds it."""


class SourceError(TagtideError):
    """The data API did not give a usable answer."""

    #: Outcome of the hashtag when this error ends it.
    reason: Reason = Reason.UPSTREAM
    #: Whether the call was billed, as far as anyone can know.
    charge: Charge = Charge.UNKNOWN

    def __init__(
        self,
        message: str = "",
        *,
        endpoint: str = "",
        status: int | None = None,
        reason: Reason | None = None,
        charge: Charge | None = None,
        credits_remaining: int | None = None,
        detail: str = "",
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.endpoint = endpoint
        #: HTTP status, or None when there was none.
        self.status = status
        if reason is not None:
            self.reason = reason
        if charge is not None:
            self.charge = charge
        #: Balance the error answer stated, if it did.
        self.credits_remaining = credits_remaining
        #: Masked and escaped sample of the answer (at most 200 characters), or unknown key names.
        self.detail = detail


class SourceUnavailable(SourceError):
    """The data API is not available at the moment."""


class AnswerLost(SourceError):
    """The request was sent but no whole answer came back; it may have been billed."""

    reason = Reason.TIMEOUT


class RateLimited(SourceError):
    """The data API has too many calls of this key in flight."""

    reason = Reason.RATE_LIMITED
    charge = Charge.NOT_CHARGED

    def __init__(
        self, message: str = "", *, retry_after: float | None = None, **facts: Any
    ) -> None:
        super().__init__(message, **facts)
        #: Seconds the API asked to wait; None when it did not say.
        self.retry_after = retry_after


class CreditsExhausted(SourceError):
    """The data API says that no credits are left."""

    reason = Reason.CREDITS
    charge = Charge.NOT_CHARGED
    hint = "Add credits at the provider; monitoring goes on by itself once there are some."


class AuthenticationFailed(SourceError):
    """The data API does not accept the key."""

    reason = Reason.AUTH
    charge = Charge.NOT_CHARGED
    hint = "Set SCAVIO_API_KEY (or SCAVIO_API_KEY_FILE) to a valid key, then run `tagtide doctor`."


class ItemNotFound(SourceError):
    """The data API knows nothing under that name or id."""

    reason = Reason.NOT_FOUND


class RequestRefused(SourceError):
    """The data API refused the request as it was made."""

    reason = Reason.BAD_REQUEST
    charge = Charge.NOT_CHARGED


class UnexpectedResponse(SourceError):
    """The data API answered in a form that tagtide does not recognise."""

    reason = Reason.UNDECODABLE
    charge = Charge.CHARGED


class BudgetExceeded(TagtideError):
    """The credit budget does not allow this call; none was made."""

    hint = "Raise [budget] in the configuration, or wait until the budget period ends."


class StorageError(TagtideError):
    """The database did not do what was asked."""


class StorageBusy(StorageError):
    """The database is locked by another process."""

    hint = "Another tagtide command is writing; try again in a moment."


class StorageUnavailable(StorageError):
    """The database does not answer."""

    hint = "Check the address with `tagtide config show` and that the database server runs."


class DiskFailing(StorageUnavailable):
    """The disk reported an error for the database file."""

    hint = "Check that there is space left and that the disk is healthy."


class StorageReadOnly(StorageError):
    """The database cannot be written."""

    hint = "Check the owner and the permissions of the database file and of its folder."


class DiskFull(StorageError):
    """There is no space left for the database."""

    hint = "Free some space; nothing that was stored is lost."


class DatabaseCorrupt(StorageError):
    """The database file is damaged, or is not a database."""

    hint = "Restore the last good backup with `tagtide db restore FILE`."


class DataInUse(StorageError):
    """Another instance of tagtide holds this database."""


class LeaseLost(StorageError):
    """Another worker took over this slot; nothing was written."""


class SchemaOutdated(StorageError):
    """The database is older than this version of tagtide."""

    hint = "Run `tagtide db upgrade`."


class SchemaTooNew(StorageError):
    """The database was made by a newer version of tagtide."""

    hint = "Use the newer version; this one has changed nothing."


class DeliveryError(TagtideError):
    """A channel did not take a message."""

    def __init__(
        self,
        message: str = "",
        *,
        fault: Fault = Fault.REFUSED,
        permanent: bool = False,
        refused: bool = False,
        disables: bool = False,
        too_large: bool = False,
        retry_after: float | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        #: Why, in one of a few fixed words.
        self.fault = fault
        #: True when sending this message again cannot help.
        self.permanent = permanent
        #: True when the address can no longer be used: nothing more is sent there for now.
        self.disables = disables
        #: True when a shorter message may be taken.
        self.too_large = too_large
        #: True when the receiver understood and said no; worth a few more tries, not days of them.
        self.refused = refused
        #: Seconds the receiver asked to wait.
        self.retry_after = retry_after


class RenderingFailed(TagtideError):
    """Charts or pages could not be made."""


class UnreadableProof(TagtideError):
    """The file is no proof capsule that this version can read."""


class ProofDiffers(TagtideError):
    """The readings do not give a figure of the report."""

    hint = "This is a fault of tagtide's own; please report it. No file was written."
