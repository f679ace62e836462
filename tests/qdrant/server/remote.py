"""A real Qdrant server behind ours, so that the faults and the record are there as well."""

from __future__ import annotations

import json
import re
import uuid

import httpx

from tests.qdrant.server.messages import Answer, Request


class Remote:
    """Passes requests on. Collections have a prefix there, and are deleted at the end.

    Args:
        url: The server.
        api_key: Its key; clients of ours need none.
    """

    def __init__(self, url: str, api_key: str | None = None) -> None:
        self._prefix = f"specter2-test-{uuid.uuid4().hex}-"
        headers = {"Content-Type": "application/json", **({"api-key": api_key} if api_key else {})}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=60)

    def answer(self, request: Request) -> Answer:
        """The server's answer, with the names that the client knows."""
        path = re.sub("^/collections/", f"/collections/{self._prefix}", request.path)
        response = self._http.request(request.method, path, params=dict(request.query), content=request.body)
        body = response.content
        if path == "/collections" and response.is_success:
            listing = response.json()
            listing["result"]["collections"] = [{"name": name} for name in self._ours()]
            body = json.dumps(listing).encode()
        headers = {name: response.headers[name] for name in ("Content-Type", "Retry-After") if name in response.headers}
        return Answer(response.status_code, body.replace(self._prefix.encode(), b""), headers)

    def close(self) -> None:
        """Delete our collections."""
        for name in self._ours():
            self._http.delete(f"/collections/{name}")
        self._http.close()

    def _ours(self) -> list[str]:
        there = self._http.get("/collections").raise_for_status().json()["result"]["collections"]
        return [collection["name"] for collection in there if collection["name"].startswith(self._prefix)]
