"""Secrets Manager: values kept for five minutes, so that a rotation is picked up by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import UnavailableError, UnknownSecretError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

KEPT = timedelta(minutes=5)


class Secrets:
    """Reads by ARN (the stack's own secrets) or by name under the deployer's prefix."""

    def __init__(
        self, client: SecretsManagerClient, *, prefix: str, now: Callable[[], datetime]
    ) -> None:
        self._client, self._prefix, self._now = client, prefix, now
        self._kept: dict[str, tuple[datetime, str]] = {}

    def text(self, secret_id: str) -> str:
        """The secret string. Raises UnavailableError when it cannot be had, and its kind
        UnknownSecretError when there is none of that name."""
        kept = self._kept.get(secret_id)
        if kept is not None and self._now() - kept[0] < KEPT:
            return kept[1]
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            value = self._client.get_secret_value(SecretId=secret_id)["SecretString"]
        except (ClientError, BotoCoreError, KeyError) as error:
            unknown = getattr(error, "response", {}).get("Error", {}).get("Code")
            if unknown == "ResourceNotFoundException":
                raise UnknownSecretError("there is no such secret") from error
            raise UnavailableError("a secret cannot be read", code="secret_unavailable") from error
        self._kept[secret_id] = (self._now(), value)
        return value

    def account(self, name: str) -> dict[str, Any]:
        """A JSON secret named in the program; `name` must lie under the stack's prefix."""
        if not name.startswith(self._prefix):
            raise UnavailableError("the program names a secret outside the stack's prefix",
                                   code="secret_unavailable")  # fmt: skip
        try:
            value = json.loads(self.text(name))
        except ValueError as error:
            raise UnavailableError("a secret is not JSON", code="secret_unavailable") from error
        return value if isinstance(value, dict) else {}

    def forget(self, name: str) -> None:
        """Read this one anew next time: the vendor said it no longer works."""
        self._kept.pop(name, None)
