"""Clients whose calls return results of MCP. Each function is a context manager that connects."""

import contextlib

from answers import Connected, answer_of, first, stdio_of, stdio_server


def of_session(session, protocol=None, **has):
    """Returns a client with the methods of the SDK's session."""

    async def names():
        listed = await session.list_tools()
        found = list(listed.tools)
        while cursor := first(listed, "next_cursor", "nextCursor"):
            listed = await session.list_tools(cursor=cursor)
            found += listed.tools
        return [tool.name for tool in found]

    async def call(name, arguments, **options):
        return answer_of(await session.call_tool(name, arguments, **options))

    async def read(uri):
        return (await session.read_resource(uri)).contents[0].blob

    return Connected(names, call, read, protocol, **has)


@contextlib.asynccontextmanager
async def python_sdk_1(plan):
    from mcp import ClientSession
    from mcp.client.stdio import stdio_client
    from mcp.client.streamable_http import streamablehttp_client

    url = plan.get("url")
    target = streamablehttp_client(url) if url else stdio_client(stdio_server(plan))
    async with target as (read, write, *_), ClientSession(read, write) as session:
        protocol = (await session.initialize()).protocolVersion
        yield of_session(session, protocol, structured=protocol >= "2025-06-18")


@contextlib.asynccontextmanager
async def python_sdk_2(plan):
    from mcp import Client

    url = plan.get("url")
    async with Client(url or stdio_server(plan)) as client:
        yield of_session(client, client.protocol_version)


@contextlib.asynccontextmanager
async def fastmcp(plan):
    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport

    url = plan.get("url")
    target = url or StdioTransport(plan["command"], plan["args"], env=plan["env"], keep_alive=False)
    async with Client(target) as client:

        async def names():
            return [tool.name for tool in await client.list_tools()]

        async def call(name, arguments, progress_callback=None):
            options = {"raise_on_error": False, "progress_handler": progress_callback}
            return answer_of(await client.call_tool(name, arguments, **options))

        async def read(uri):
            return (await client.read_resource(uri))[0].blob

        # Version 3 has the revision in the result of `initialize` only.
        protocol = first(client, "protocol_version") or client.initialize_result.protocolVersion
        yield Connected(names, call, read, protocol)


@contextlib.asynccontextmanager
async def openai_agents(plan):
    from agents.mcp import MCPServerStdio, MCPServerStreamableHttp

    # Its 5 seconds are short for a busy machine.
    limit = {"client_session_timeout_seconds": 60}
    url = plan.get("url")
    server = MCPServerStreamableHttp({"url": url}, **limit) if url else MCPServerStdio(stdio_of(plan), **limit)
    async with server:

        async def names():
            return [tool.name for tool in await server.list_tools()]

        async def call(name, arguments):
            return answer_of(await server.call_tool(name, arguments))

        async def read(uri):
            return (await server.read_resource(uri)).contents[0].blob

        yield Connected(names, call, read, server.server_initialize_result.protocolVersion, progress=False)


@contextlib.asynccontextmanager
async def mcp_use(plan):
    from mcp_use import MCPClient

    url = plan.get("url")
    client = MCPClient.from_dict({"mcpServers": {"bridge": {"url": url} if url else stdio_of(plan)}})
    session = await client.create_session("bridge")

    async def names():
        return [tool.name for tool in await session.list_tools()]

    async def call(name, arguments):
        return answer_of(await session.call_tool(name, arguments))

    async def read(uri):
        return (await session.read_resource(uri)).contents[0].blob

    yield Connected(names, call, read, progress=False)
    await client.close_all_sessions()


@contextlib.asynccontextmanager
async def llama_index(plan):
    from llama_index.tools.mcp import BasicMCPClient, McpToolSpec

    url = plan.get("url")
    client = BasicMCPClient(url or plan["command"], args=plan.get("args"), env=plan.get("env"))

    async def names():
        return [tool.metadata.name for tool in await McpToolSpec(client).to_tool_list_async()]

    connected = of_session(client)
    connected.names = names
    yield connected


@contextlib.asynccontextmanager
async def camel(plan):
    from camel.utils.mcp_client import MCPClient

    url = plan.get("url")
    async with MCPClient({"url": url} if url else stdio_of(plan)) as client:

        async def names():
            return [tool.get_function_name() for tool in client.get_tools()]

        async def call(name, arguments):
            return answer_of(await client.call_tool(name, arguments))

        yield Connected(names, call, progress=False)
