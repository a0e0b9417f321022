"""Lines over HTTP from a host: the one place that knows httpx2, and so slow to import."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx2

from dgemma_lsp.wire.endpoint import Endpoint
from dgemma_lsp.wire.errors import EngineEnded, EngineUnresponsive, NotAnsweredError

# The keep-alive is shorter than the host's, so that a connection is never used as the host closes it.
_LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=8, keepalive_expiry=30.0)

RESPONSE_TIMEOUT_S = 30.0
"""A host that says nothing for so long hangs: it sends a heartbeat every few seconds, but for some while the model's
libraries load."""


class Transport:
    """Connections to one endpoint; belongs to one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        path = endpoint.path
        self._client = httpx2.AsyncClient(
            base_url=endpoint.url,
            transport=httpx2.AsyncHTTPTransport(uds=str(path), limits=_LIMITS, trust_env=False) if path else None,
            limits=_LIMITS,
            timeout=httpx2.Timeout(RESPONSE_TIMEOUT_S, connect=5.0),
            headers={"Authorization": f"Bearer {endpoint.token}"} if endpoint.token else {},
            # Proxies and passwords of the environment are for the network, which this is not.
            trust_env=False,
        )

    async def lines(
        self, method: str, path: str, body: bytes | None = None, *, endless: bool = False
    ) -> AsyncGenerator[str]:
        """The lines of an answer as they come, without empty ones; closing the generator hangs up.

        endless: an answer that may be silent for as long as it likes.

        Raises:
            NotAnsweredError: nobody is there, or hung up before an answer began.
            EngineUnresponsive: the host is there and says nothing.
            EngineEnded: the host died in mid-answer.
        """
        answered = False
        try:
            timeout = httpx2.Timeout(None, connect=5.0) if endless else self._client.timeout
            async with self._client.stream(method, path, content=body, timeout=timeout) as response:
                answered = True
                async for line in response.aiter_lines():
                    if line:
                        yield line
        except httpx2.TimeoutException as error:
            raise EngineUnresponsive("The engine does not answer; end it with: dgemma-lsp host stop") from error
        except httpx2.TransportError as error:
            if not answered:
                raise NotAnsweredError from error
            raise EngineEnded() from error

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()
