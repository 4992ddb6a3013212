"""Uses a bridge with one Python client, as scripts/interop/matrix.mjs says.

usage: client.py python-sdk-1|python-sdk-2|langchain|openai-agents|pydantic-ai PLAN
"""

import asyncio
import base64
import contextlib
import json
import logging
import re
import sys

logging.disable(logging.CRITICAL)
CLIENT, PLAN = sys.argv[1], json.loads(sys.argv[2])
URL = PLAN.get("url")


# Each function is a context manager that connects, and returns the steps: functions that return what the driver reads.
# `call` returns the text and whether the client reports an error, by its result or by what it raises.


@contextlib.asynccontextmanager
async def python_sdk_1():
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
    from mcp.client.streamable_http import streamablehttp_client

    stdio = ("command", "args", "env")
    target = (
        streamablehttp_client(URL)
        if URL
        else stdio_client(StdioServerParameters(**{name: PLAN[name] for name in stdio}))
    )
    async with target as (read, write, *_), ClientSession(read, write) as session:
        protocol = (await session.initialize()).protocolVersion
        yield protocol, session_steps(session)


@contextlib.asynccontextmanager
async def python_sdk_2():
    from mcp import Client, StdioServerParameters

    stdio = ("command", "args", "env")
    target = URL or StdioServerParameters(**{name: PLAN[name] for name in stdio})
    async with Client(target) as client:
        yield client.protocol_version, session_steps(client)


def session_steps(session):
    async def names():
        listed = await session.list_tools()
        found = listed.tools
        while cursor := getattr(listed, "nextCursor", None) or getattr(listed, "next_cursor", None):
            listed = await session.list_tools(cursor=cursor)
            found += listed.tools
        return [tool.name for tool in found]

    async def call(name, arguments):
        result = await session.call_tool(name, arguments)
        failed = result.is_error if hasattr(result, "is_error") else result.isError
        return text_of(result.content), failed

    async def read(uri):
        return (await session.read_resource(uri)).contents[0].blob

    return names, call, read


@contextlib.asynccontextmanager
async def langchain():
    from langchain_mcp_adapters.client import MultiServerMCPClient
    from langchain_mcp_adapters.resources import get_mcp_resource
    from langchain_mcp_adapters.tools import load_mcp_tools

    stdio = {"transport": "stdio", **{name: PLAN.get(name) for name in ("command", "args", "env")}}
    client = MultiServerMCPClient({"bridge": {"transport": "http", "url": URL} if URL else stdio})
    async with client.session("bridge", auto_initialize=False) as session:
        protocol = (await session.initialize()).protocolVersion
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}

        async def names():
            return list(tools)

        async def call(name, arguments):
            # As an agent calls it: errors of tools are results.
            message = {"type": "tool_call", "id": "1", "name": name, "args": arguments}
            result = await tools[name].ainvoke(message)
            return result.text if isinstance(result.text, str) else result.text(), result.status == "error"

        async def read(uri):
            (blob,) = await get_mcp_resource(session, uri)
            return base64.b64encode(blob.as_bytes()).decode()

        yield protocol, (names, call, read)


@contextlib.asynccontextmanager
async def openai_agents():
    from agents.mcp import MCPServerStdio, MCPServerStreamableHttp

    stdio = {name: PLAN.get(name) for name in ("command", "args", "env")}
    # Its 5 seconds are short for a busy machine.
    limit = {"client_session_timeout_seconds": 60}
    server = MCPServerStreamableHttp({"url": URL}, **limit) if URL else MCPServerStdio(stdio, **limit)
    async with server:

        async def names():
            return [tool.name for tool in await server.list_tools()]

        async def call(name, arguments):
            result = await server.call_tool(name, arguments)
            return text_of(result.content), result.isError

        async def read(uri):
            return (await server.read_resource(uri)).contents[0].blob

        yield server.server_initialize_result.protocolVersion, (names, call, read)


@contextlib.asynccontextmanager
async def pydantic_ai():
    from fastmcp.client.transports import StdioTransport
    from pydantic_ai.mcp import MCPToolset

    target = URL or StdioTransport(PLAN["command"], PLAN["args"], env=PLAN["env"], keep_alive=False)
    async with MCPToolset(target) as toolset:

        async def names():
            return [tool.name for tool in await toolset.list_tools()]

        async def call(name, arguments):
            return str(await toolset.direct_call_tool(name, arguments)), False

        async def read(uri):
            return base64.b64encode((await toolset.read_resource(uri)).data).decode()

        yield toolset.client.initialize_result.protocolVersion, (names, call, read)


def text_of(content):
    return "\n".join(getattr(block, "text", "") for block in content)


def say(step, **rest):
    print(json.dumps({"step": step, **rest}), flush=True)


async def step(name, work):
    """Reports the result of a step, or what it raised. The next step follows in both cases."""
    try:
        say(name, value=await work())
    except Exception as error:
        say(name, thrown=f"{type(error).__name__}: {error}")


async def main():
    clients = {
        "python-sdk-1": python_sdk_1,
        "python-sdk-2": python_sdk_2,
        "langchain": langchain,
        "openai-agents": openai_agents,
        "pydantic-ai": pydantic_ai,
    }
    async with clients[CLIENT]() as (protocol, (names, call, read)):
        say("connect", value=protocol)
        await step("list", names)

        async def good():
            text, failed = await call(PLAN["call"], {"name": "Ada"})
            return {"text": text, "error": failed}

        async def bad():
            try:
                text, failed = await call(PLAN["failure"], {})
            except Exception as error:
                text, failed = str(error), True
            return {"text": text, "error": failed}

        async def file():
            text, _ = await call(PLAN["file"], {})
            return await read(re.search(r"dify-file://[^\s\"]+", text).group())

        async def cancel():
            waiting = asyncio.create_task(call(PLAN["wait"], {}))
            # A line says that the call has reached Dify.
            line = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
            await asyncio.wait({waiting, line}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            waiting.cancel()
            await asyncio.wait({waiting})
            return "cancelled"

        await step("call", good)
        await step("failure", bad)
        await step("file", file)
        await step("cancel", cancel)
        # The next line says that the driver has seen enough.
        await asyncio.to_thread(sys.stdin.readline)


asyncio.run(main())
