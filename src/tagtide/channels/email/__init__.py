"""Alerts as e-mail, through a mail server of the user's own (SMTP)."""

from __future__ import annotations

import smtplib
import ssl
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from tagtide.channels.email.letter import compose
from tagtide.channels.posting import TOTAL_SECONDS, refused_address, unreachable
from tagtide.core.messages.notice import Look
from tagtide.core.subscriptions import is_mail_address
from tagtide.errors import ConfigError, DeliveryError, Fault, InvalidInput
from tagtide.models import Notification
from tagtide.net import AddressRefused, vet_host
from tagtide.net.mail import GateSMTP, converse

Security = Literal["starttls", "tls", "none"]
#: Port of a mail server by how it is spoken to.
PORTS: dict[str, int] = {"starttls": 587, "tls": 465, "none": 25}
#: A letter with files has longer, but less than whoever sends it has the channel for himself.
_BYTES_A_SECOND, _LONGEST_SECONDS = 400_000, 40.0
#: Messages of which some recipients still wait.
_REMEMBERED = 200


class EmailChannel:
    """Sends one message per notification, to all recipients."""

    def __init__(
        self,
        name: str,
        host: str,
        *,
        sender: str,
        recipients: Sequence[str],
        port: int | None = None,
        security: Security = "starttls",
        username: str | None = None,
        password: str | None = None,
        look: Look | None = None,
        allow: tuple[str, ...] = (),
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Check everything; opens nothing yet.

        Args:
            name: From the configuration.
            host: The mail server.
            sender: Address the messages come from.
            recipients: Addresses they go to.
            port: TCP port; None takes the usual one.
            security: TLS after a greeting, TLS from the first byte, or none (this machine only).
            username: To log in with; None does not log in.
            password: Never sent without TLS, except to this machine.
            look: Wording, figures and links.
            allow: CIDR networks to allow although they are private.
            context: TLS settings; by default the system's certificates are trusted.

        Raises:
            ConfigError: the addresses, or the way to log in, cannot be used.
            InvalidInput: the host may not be used.
        """
        self.name = name
        self._endpoint = vet_host(host, port or PORTS[security], allow=allow)
        if security == "none" and not self._endpoint.loopback:
            raise InvalidInput("A mail server on another machine must be spoken to with TLS.")
        for address in (sender, *recipients):
            if not is_mail_address(address):
                raise ConfigError(f"channel {name}: a mail address is not of the form name@host")
        self._sender, self._recipients = sender, tuple(dict.fromkeys(recipients))
        self._security, self._username, self._password = security, username, password
        self._look = look or Look()
        self._allow = allow
        self._context = context
        # One thread: messages to a server that hangs wait for each other, for nobody else.
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="mail")
        #: Recipients that a message was accepted for, while others are still to be tried.
        self._accepted: OrderedDict[str, frozenset[str]] = OrderedDict()

    async def send(self, notification: Notification) -> None:
        """Send one message, once, to whoever has not got it yet. Raises `DeliveryError`."""
        recipients = self._recipients_of(notification)
        letter = compose(notification, self._sender, recipients, self._look)
        content = letter.as_bytes()
        attempt = _Attempt(
            letter=content,
            sender=self._sender,
            wanted=[r for r in recipients if r not in self._had(notification)],
            starttls=self._tls() if self._security == "starttls" else None,
            login=(self._username, self._password or "") if self._username else None,
        )
        try:
            await converse(
                self._endpoint,
                attempt,
                context=self._tls() if self._security == "tls" else None,
                seconds=min(TOTAL_SECONDS + len(content) / _BYTES_A_SECOND, _LONGEST_SECONDS),
                allow=self._allow,
                executor=self._threads,
            )
        except AddressRefused as error:
            raise refused_address(error.refusal) from None
        except TimeoutError:
            if not attempt.accepted:
                raise DeliveryError(
                    "The mail server did not answer in time.", fault=Fault.TIMEOUT
                ) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            if not attempt.accepted:
                problem = meaning(error)
                # The text is short: without files it is the mailbox that is full.
                problem.too_large = problem.too_large and bool(notification.files)
                raise problem from None
        self._note(notification, attempt)

    async def aclose(self) -> None:
        """End the thread; nothing is waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
        return self._context

    def _recipients_of(self, notification: Notification) -> tuple[str, ...]:
        """Its own address, checked once more before it stands in a header; else the channel's."""
        if notification.to is None:
            return self._recipients
        if not is_mail_address(notification.to):
            raise DeliveryError("The message has no usable address.", permanent=True)
        return (notification.to,)

    def _had(self, notification: Notification) -> frozenset[str]:
        return self._accepted.get(notification.notification_id, frozenset())

    def _note(self, notification: Notification, attempt: _Attempt) -> None:
        """Remember who has it when some were refused, so that the next attempt spares them."""
        key = notification.notification_id
        if not attempt.refused:
            self._accepted.pop(key, None)
            return
        self._accepted[key] = self._had(notification) | attempt.accepted
        while len(self._accepted) > _REMEMBERED:
            self._accepted.popitem(last=False)
        count, of = len(attempt.refused), len(self._recipients_of(notification))
        later = any(400 <= code < 500 for code in attempt.refused.values())
        raise DeliveryError(
            f"The mail server refuses {count} of {of} recipients.",
            fault=Fault.BUSY if later else Fault.REFUSED,
            refused=not later,
        )


class _Attempt:
    """One conversation, in a thread; what came of it stays readable when it is broken off."""

    def __init__(
        self,
        *,
        letter: bytes,
        sender: str,
        wanted: Sequence[str],
        starttls: ssl.SSLContext | None,
        login: tuple[str, str] | None,
    ) -> None:
        self._letter, self._sender, self._wanted = letter, sender, list(wanted)
        self._starttls, self._login = starttls, login
        self.accepted: frozenset[str] = frozenset()
        #: Recipient to status code.
        self.refused: dict[str, int] = {}

    def __call__(self, server: GateSMTP) -> None:
        if self._starttls is not None:
            server.starttls(context=self._starttls)
        if self._login is not None:
            server.login(*self._login)
        refused = server.sendmail(self._sender, self._wanted, self._letter)
        self.refused = {address: code for address, (code, _) in refused.items()}
        self.accepted = frozenset(self._wanted) - refused.keys()
        # It is accepted whatever the answer to a farewell is.
        server.quit()


def meaning(error: BaseException) -> DeliveryError:
    """What went wrong in a conversation; nothing of the server's own words."""
    match error:
        case smtplib.SMTPAuthenticationError(smtp_code=code):
            return DeliveryError(
                "The mail server does not accept the user or the password.",
                fault=Fault.LOGIN,
                refused=500 <= code < 600,
                hint="Correct username and password of the channel.",
            )
        case smtplib.SMTPRecipientsRefused(recipients=recipients):
            later = any(400 <= code < 500 for code, _ in recipients.values())
            return _answered("refuses every recipient", later=later)
        case smtplib.SMTPNotSupportedError():
            return DeliveryError(
                "The mail server does not offer what the channel needs (TLS or a login).",
                refused=True,
                hint='Try security = "tls" and port = 465.',
            )
        case smtplib.SMTPResponseException(smtp_code=code):
            later = not 500 <= code < 600
            return _answered(f"answered with status {code}", later=later, too_large=code == 552)
        case UnicodeError():
            return DeliveryError("The user or the password has letters that SMTP cannot carry.")
        case ssl.SSLError() if not isinstance(error, ssl.SSLCertVerificationError):
            return DeliveryError(
                "The mail server cannot be spoken to with TLS in this way.",
                fault=Fault.UNREACHABLE,
                hint='Port 465 needs security = "tls", port 587 security = "starttls".',
            )
        case _:
            return unreachable(error)


def _answered(what: str, *, later: bool, too_large: bool = False) -> DeliveryError:
    fault = Fault.BUSY if later else Fault.REFUSED
    return DeliveryError(
        f"The mail server {what}.", fault=fault, refused=not later, too_large=too_large
    )
