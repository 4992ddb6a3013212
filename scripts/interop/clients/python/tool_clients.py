"""Frameworks that turn MCP tools into tools of their own. Each function is a context manager that connects."""

import asyncio
import contextlib
import io
import json

from answers import Answer, Connected, encoded, stdio_of, stdio_server


@contextlib.asynccontextmanager
async def langchain(plan):
    from langchain_mcp_adapters.client import MultiServerMCPClient
    from langchain_mcp_adapters.resources import get_mcp_resource
    from langchain_mcp_adapters.tools import load_mcp_tools

    url = plan.get("url")
    connection = {"transport": "http", "url": url} if url else {"transport": "stdio", **stdio_of(plan)}
    client = MultiServerMCPClient({"bridge": connection})
    async with client.session("bridge", auto_initialize=False) as session:
        protocol = (await session.initialize()).protocolVersion
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}

        async def names():
            return list(tools)

        async def call(name, arguments):
            # As an agent calls it: errors of tools are results.
            message = {"type": "tool_call", "id": "1", "name": name, "args": arguments}
            result = await tools[name].ainvoke(message)
            text = result.text if isinstance(result.text, str) else result.text()
            blocks = result.content if isinstance(result.content, list) else []
            pictures = [block["base64"] for block in blocks if block["type"] == "image"]
            structured = (result.artifact or {}).get("structured_content")
            return Answer(text, result.status == "error", structured, pictures)

        async def read(uri):
            (blob,) = await get_mcp_resource(session, uri)
            return encoded(blob.as_bytes())

        yield Connected(names, call, read, protocol, progress=False)


@contextlib.asynccontextmanager
async def pydantic_ai(plan):
    from fastmcp.client.transports import StdioTransport
    from pydantic_ai.mcp import MCPToolset

    url = plan.get("url")
    target = url or StdioTransport(plan["command"], plan["args"], env=plan["env"], keep_alive=False)
    async with MCPToolset(target) as toolset:

        async def names():
            return [tool.name for tool in await toolset.list_tools()]

        async def call(name, arguments):
            result = await toolset.direct_call_tool(name, arguments)
            parts = result if isinstance(result, list) else [result]
            pictures = [encoded(part.data) for part in parts if hasattr(part, "data")]
            return Answer(str(result), structured=result, pictures=pictures)

        async def read(uri):
            return encoded((await toolset.read_resource(uri)).data)

        yield Connected(names, call, read, toolset.client.initialize_result.protocolVersion, progress=False)


@contextlib.asynccontextmanager
async def autogen(plan):
    from autogen_core import CancellationToken, Image
    from autogen_ext.tools.mcp import McpWorkbench, StdioServerParams, StreamableHttpServerParams

    url = plan.get("url")
    target = StreamableHttpServerParams(url=url) if url else StdioServerParams(**stdio_of(plan))
    tokens = []
    async with McpWorkbench(target) as workbench:

        async def names():
            return [tool["name"] for tool in await workbench.list_tools()]

        async def call(name, arguments):
            tokens.append(CancellationToken())
            result = await workbench.call_tool(name, arguments, tokens[-1])
            pictures = [part.content.to_base64() for part in result.result if isinstance(part.content, Image)]
            text = "\n".join(part.content for part in result.result if isinstance(part.content, str))
            return Answer(text, result.is_error, pictures=pictures)

        async def read(uri):
            return (await workbench.read_resource(uri)).contents[0].blob

        async def cancel(_):
            tokens[-1].cancel()

        yield Connected(names, call, read, structured=False, progress=False, cancel=cancel)


@contextlib.asynccontextmanager
async def smolagents(plan):
    from smolagents import MCPClient

    url = plan.get("url")
    target = {"url": url, "transport": "streamable-http"} if url else stdio_server(plan)
    client = await asyncio.to_thread(MCPClient, target, structured_output=True)
    tools = {tool.name: tool for tool in client.get_tools()}

    async def names():
        return list(tools)

    async def call(name, arguments):
        result = await asyncio.to_thread(tools[name], **arguments)
        pictures = []
        if hasattr(result, "save"):
            saved = io.BytesIO()
            result.save(saved, format="PNG")
            pictures.append(encoded(saved.getvalue()))
        return Answer(str(result), structured=result, pictures=pictures)

    yield Connected(names, call, progress=False, cancel=None)
    await asyncio.to_thread(client.disconnect)


@contextlib.asynccontextmanager
async def crewai(plan):
    from crewai.utilities.string_utils import sanitize_tool_name
    from crewai_tools import MCPServerAdapter

    url = plan.get("url")
    target = {"url": url, "transport": "streamable-http"} if url else stdio_server(plan)
    adapter = await asyncio.to_thread(MCPServerAdapter, target)
    tools = {tool.name: tool for tool in adapter.tools}

    async def names():
        return list(tools)

    async def call(name, arguments):
        return Answer(str(await asyncio.to_thread(tools[sanitize_tool_name(name)].run, **arguments)))

    yield Connected(names, call, structured=False, pictures=False, progress=False, cancel=None)
    await asyncio.to_thread(adapter.stop)


@contextlib.asynccontextmanager
async def semantic_kernel(plan):
    from semantic_kernel import Kernel
    from semantic_kernel.connectors.mcp import MCPStdioPlugin, MCPStreamableHttpPlugin

    url = plan.get("url")
    target = MCPStreamableHttpPlugin("bridge", url=url) if url else MCPStdioPlugin("bridge", **stdio_of(plan))
    async with target as plugin:
        kernel = Kernel()
        kernel.add_plugin(plugin)

        async def names():
            return list(kernel.get_plugin("bridge").functions)

        async def call(name, arguments):
            result = await kernel.invoke(function_name=name, plugin_name="bridge", **arguments)
            parts = result.value
            pictures = [part.data_uri.split(",")[1] for part in parts if part.content_type == "image"]
            return Answer("\n".join(getattr(part, "text", "") for part in parts), pictures=pictures)

        yield Connected(names, call, structured=False, progress=False)


@contextlib.asynccontextmanager
async def haystack(plan):
    from haystack_integrations.tools.mcp import MCPToolset, StdioServerInfo, StreamableHttpServerInfo

    url = plan.get("url")
    target = StreamableHttpServerInfo(url=url) if url else StdioServerInfo(**stdio_of(plan))
    toolset = await asyncio.to_thread(MCPToolset, target, eager_connect=True)
    tools = {tool.name: tool for tool in toolset}

    async def names():
        return list(tools)

    async def call(name, arguments):
        result = json.loads(await asyncio.to_thread(tools[name].invoke, **arguments))
        pictures = [block["data"] for block in result["content"] if block["type"] == "image"]
        text = "\n".join(block.get("text", "") for block in result["content"])
        return Answer(text, bool(result.get("isError")), result.get("structuredContent"), pictures)

    yield Connected(names, call, progress=False, cancel=None)
    await asyncio.to_thread(toolset.close)


@contextlib.asynccontextmanager
async def strands(plan):
    from mcp.client.stdio import stdio_client
    from mcp.client.streamable_http import streamablehttp_client
    from strands.tools.mcp import MCPClient

    url = plan.get("url")

    def connect():
        return streamablehttp_client(url) if url else stdio_client(stdio_server(plan))

    client = await asyncio.to_thread(MCPClient(connect).start)

    def listed():
        tools = client.list_tools_sync()
        found = list(tools)
        while tools.pagination_token:
            tools = client.list_tools_sync(tools.pagination_token)
            found += tools
        return [tool.tool_name for tool in found]

    async def names():
        return await asyncio.to_thread(listed)

    async def call(name, arguments, **options):
        result = await client.call_tool_async("1", name, arguments, **options)
        content = result["content"]
        pictures = [encoded(block["image"]["source"]["bytes"]) for block in content if "image" in block]
        text = "\n".join(block.get("text", "") for block in content)
        return Answer(text, result["status"] == "error", result.get("structuredContent"), pictures)

    async def read(uri):
        return (await asyncio.to_thread(client.read_resource_sync, uri)).contents[0].blob

    yield Connected(names, call, read)
    await asyncio.to_thread(client.stop, None, None, None)


@contextlib.asynccontextmanager
async def google_adk(plan):
    from google.adk.tools.mcp_tool import McpToolset, StdioConnectionParams, StreamableHTTPConnectionParams

    url = plan.get("url")
    reporters = []

    async def reported(*told):
        for report in reporters:
            await report(*told)

    if url:
        target = StreamableHTTPConnectionParams(url=url, timeout=30)
    else:
        target = StdioConnectionParams(server_params=stdio_server(plan), timeout=30)
    toolset = McpToolset(connection_params=target, progress_callback=reported)
    tools = {tool.name: tool for tool in await toolset.get_tools()}

    async def names():
        return list(tools)

    async def call(name, arguments, progress_callback=None):
        reporters[:] = [progress_callback] if progress_callback else []
        result = await tools[name].run_async(args=arguments, tool_context=None)
        content = result.get("content") or [{"text": str(result.get("error"))}]
        pictures = [block["data"] for block in content if block.get("type") == "image"]
        text = "\n".join(block.get("text", "") for block in content)
        structured = result.get("structuredContent") or result.get("structured_content")
        failed = bool(result.get("isError") or result.get("is_error") or result.get("error"))
        return Answer(text, failed, structured, pictures)

    yield Connected(names, call)
    await toolset.close()


@contextlib.asynccontextmanager
async def agno(plan):
    from agno.tools.function import FunctionCall
    from agno.tools.mcp import MCPTools

    url = plan.get("url")
    target = {"url": url} if url else {"server_params": stdio_server(plan)}
    async with MCPTools(**target, timeout_seconds=60) as toolkit:

        async def names():
            return list(toolkit.functions)

        async def call(name, arguments):
            made = FunctionCall(function=toolkit.functions[name], arguments=arguments)
            outcome = await made.aexecute()
            result = outcome.result
            if outcome.status == "failure":
                return Answer(str(outcome.error), True)
            pictures = [encoded(image.content) for image in result.images or []]
            structured = (result.metadata or {}).get("structured_content")
            return Answer(result.content, result.content.startswith("Error from MCP tool"), structured, pictures)

        yield Connected(names, call, progress=False)


@contextlib.asynccontextmanager
async def agent_framework(plan):
    from agent_framework import MCPStdioTool, MCPStreamableHTTPTool

    url = plan.get("url")
    target = MCPStreamableHTTPTool("bridge", url) if url else MCPStdioTool("bridge", **stdio_of(plan))
    async with target as tool:

        async def names():
            return [function.name for function in tool.functions]

        async def call(name, arguments):
            parts = await tool.call_tool(name, **arguments)
            pictures = [part.uri.split(",", 1)[1] for part in parts if part.type == "data"]
            return Answer("\n".join(part.text or "" for part in parts), pictures=pictures)

        yield Connected(names, call, structured=False, progress=False)
