"""As whom we speak to GitHub: with a token, or as an app that is installed in the repository."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from github import Auth

from ml_core.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class GitHubApp:
    """A GitHub App: its tokens are made from its key, last an hour and are renewed by themselves."""

    app_id: int
    installation_id: int
    private_key: str = field(repr=False)
    """PEM text."""


Account = str | GitHubApp
"""A token, or an app."""


def check_account(account: Account) -> None:
    """Raise ConfigurationError where it cannot work, without showing it."""
    if isinstance(account, str):
        if not re.fullmatch(r"[!-~]+", account):
            raise ConfigurationError("github.token must be one word of plain characters: set it again")
        return
    if account.app_id <= 0 or account.installation_id <= 0:
        raise ConfigurationError("github.app_id and github.installation_id must both be set, each over 0")
    _check_key(account.private_key)


def make_auth(account: Account) -> Auth.Auth:
    """The account in PyGithub's form."""
    if isinstance(account, str):
        return Auth.Token(account)
    return Auth.AppAuth(account.app_id, account.private_key).get_installation_auth(account.installation_id)


def secrets_of(account: Account) -> tuple[str, ...]:
    """What must show nowhere; an app's own tokens are known by their form."""
    return (account if isinstance(account, str) else account.private_key,)


def _check_key(pem: str) -> None:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError("github.app_key_path must name the app's private key, an RSA key in PEM form")
