"""Accounts: the first one, logging in, users, tokens, and who a request comes from."""

from tagtide.services.accounts.context import AccountContext, Caller
from tagtide.services.accounts.identify import identify, note_look
from tagtide.services.accounts.logins import (
    Login,
    LoginReason,
    change_own_password,
    log_in,
    log_out,
    new_set_up_token,
    set_up,
)
from tagtide.services.accounts.tokens import TOKEN_PREFIX, make_token
from tagtide.services.accounts.users import add_user, edit_user, remove_user, set_password

__all__ = [
    "TOKEN_PREFIX",
    "AccountContext",
    "Caller",
    "Login",
    "LoginReason",
    "add_user",
    "change_own_password",
    "edit_user",
    "identify",
    "log_in",
    "log_out",
    "make_token",
    "new_set_up_token",
    "note_look",
    "remove_user",
    "set_password",
    "set_up",
]
