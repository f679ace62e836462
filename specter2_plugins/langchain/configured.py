"""What both embeddings are: settings, and the model that they load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from langchain_core.load.serializable import Serializable, SerializedConstructor, SerializedNotImplemented
from pydantic import BeforeValidator, ConfigDict, PrivateAttr, SerializerFunctionWrapHandler, model_serializer


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


Location = Annotated[str, BeforeValidator(_as_text)]
"""A hub name or a folder; a `Path` becomes text, which LangChain can serialise."""


class Configured(Serializable):
    """Settings that survive LangChain's `dumps` and `loads`, and JSON.

    One that was given its model, loaded already, can be used but not serialised, unless its settings name that too.
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=(), arbitrary_types_allowed=True)

    _complete: bool = PrivateAttr(default=True)

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return True: LangChain may serialise this."""
        return True

    def to_json(self) -> SerializedConstructor | SerializedNotImplemented:
        """Return what LangChain serialises."""
        return super().to_json() if self._complete else self.to_json_not_implemented()

    @model_serializer(mode="wrap")
    def _to_dict(self, to_dict: SerializerFunctionWrapHandler) -> dict[str, Any]:
        if not self._complete:
            raise ValueError(
                f"these settings do not say which model was passed to {type(self).__name__}; pass model= with it"
            )
        settings: dict[str, Any] = to_dict(self)
        return settings
