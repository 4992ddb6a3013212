"""A server in Python that does for a call what the floors do: one HTTP request, and its answer as text.

usage: server.py fastmcp|fastmcp-openapi|mcp stdio|http PORT DOCUMENT

DOCUMENT is the OpenAPI document of an API with one operation.
"""

import json
import sys

import httpx

KIND, TRANSPORT, PORT = sys.argv[1:4]
DOCUMENT = json.loads(sys.argv[4])
(PATH,) = DOCUMENT["paths"]
api = httpx.AsyncClient(base_url=DOCUMENT["servers"][0]["url"])


async def echo(text: str) -> str:
    """Returns the text."""
    return (await api.post(PATH, json={"text": text})).text


if KIND == "mcp":
    from mcp.server import MCPServer

    server = MCPServer("peer", log_level="ERROR")
    server.add_tool(echo)
    options = {"transport": "streamable-http", "port": int(PORT)} if TRANSPORT == "http" else {"transport": "stdio"}
    server.run(**options)
else:
    from fastmcp import FastMCP

    if KIND == "fastmcp":
        server = FastMCP("peer")
        server.tool(echo)
    else:
        server = FastMCP.from_openapi(DOCUMENT, client=api)
    options = {} if TRANSPORT == "stdio" else {"port": int(PORT), "log_level": "error"}
    server.run(transport=TRANSPORT, show_banner=False, **options)
