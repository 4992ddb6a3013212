"""Connects to an MCP server with the SDK's own OAuth client.

Prints the address that a browser is to open, reads the address that the browser was led back to, and prints the names of
the tools.
"""

import asyncio
import json
import sys
from importlib.metadata import version
from urllib.parse import parse_qs, urlsplit

from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata

CALLBACK = "http://localhost:49152/callback"


class Storage:
    def __init__(self):
        self.tokens = None
        self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def open_browser(url):
    print(f"OPEN {url}", flush=True)


async def come_back():
    line = await asyncio.to_thread(sys.stdin.readline)
    query = parse_qs(urlsplit(line.strip()).query)
    code, state, issuer = (query.get(name, [None])[0] for name in ("code", "state", "iss"))
    if version("mcp").startswith("1."):
        return code, state
    from mcp.client.auth.oauth2 import AuthorizationCodeResult

    return AuthorizationCodeResult(code=code, state=state, iss=issuer)


async def names_of(url):
    provider = OAuthClientProvider(
        server_url=url,
        client_metadata=OAuthClientMetadata(client_name="Python SDK", redirect_uris=[CALLBACK]),
        storage=Storage(),
        redirect_handler=open_browser,
        callback_handler=come_back,
    )
    if version("mcp").startswith("1."):
        from mcp import ClientSession
        from mcp.client.streamable_http import streamablehttp_client

        async with streamablehttp_client(url, auth=provider) as (read, write, _):
            async with ClientSession(read, write) as session:
                await session.initialize()
                listed = await session.list_tools()
    else:
        import httpx2
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client

        async with httpx2.AsyncClient(auth=provider, timeout=60) as http:
            async with Client(streamable_http_client(url, http_client=http)) as client:
                listed = await client.list_tools()
    return [tool.name for tool in listed.tools]


print(f"TOOLS {json.dumps(asyncio.run(names_of(sys.argv[1])))}", flush=True)
