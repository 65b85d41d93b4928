"""A GitHub App as GitHub sees it: who holds its key gets tokens of an hour."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@cache
def make_key() -> rsa.RSAPrivateKey:
    """One key for all tests: to make one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(kw_only=True)
class InstalledApp:
    """App 77 with its installation 4242."""

    app_id: int = 77
    installation_id: int = 4242
    lifetime: timedelta = timedelta(hours=1)
    issued: list[str] = field(default_factory=list)

    @property
    def private_key(self) -> str:
        """The key in PEM form, as its owner downloads it."""
        return make_key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()

    def is_asked(self, method: str, path: str, headers: dict[str, str]) -> bool:
        """Tell whether the app itself, proven by its key, asks for a token of its installation."""
        if (method, path) != ("POST", f"/app/installations/{self.installation_id}/access_tokens"):
            return False
        proof = headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(
                proof, make_key().public_key(), algorithms=["RS256"], options={"require": ["iat", "exp", "iss"]}
            )
        except jwt.PyJWTError:
            return False
        return str(claims["iss"]) == str(self.app_id) and claims["exp"] - claims["iat"] <= 660

    def issue_token(self) -> dict[str, Any]:
        """Return a new token as GitHub does."""
        self.issued.append(f"ghs_tokenOfTheInstallation{len(self.issued):04d}")
        expires_at = datetime.now(UTC) + self.lifetime
        return {
            "token": self.issued[-1],
            "expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "permissions": {"issues": "write", "metadata": "read"},
            "repository_selection": "selected",
        }

    def knows(self, headers: dict[str, str]) -> bool:
        """Tell whether a request carries the newest token."""
        return bool(self.issued) and headers.get("authorization") == f"token {self.issued[-1]}"
