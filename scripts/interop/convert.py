"""Converts MCP tools as agent frameworks do, and prints one JSON line for each framework.

usage: convert.py FILE FRAMEWORK...

FILE is a JSON list of {"group": ..., "tool": ...}. Each line has the framework, its version, the seconds taken and the
refused tools: [group, tool, reason].
"""

import importlib.metadata
import json
import logging
import re
import sys
import time
from types import SimpleNamespace

logging.disable(logging.CRITICAL)


def mcp_tool(raw):
    import mcp.types

    return mcp.types.Tool.model_validate(raw)


# Each function returns a function that converts one tool, and raises what the framework raises.


def google_genai():
    from google.genai import _mcp_utils

    def convert(raw):
        (tool,) = _mcp_utils.mcp_to_gemini_tools([mcp_tool(raw)])
        check_gemini(raw, tool.function_declarations[0])

    return convert


def langchain_google_genai():
    from langchain_google_genai._function_utils import convert_to_genai_function_declarations
    from langchain_mcp_adapters.tools import convert_mcp_tool_to_langchain_tool

    def convert(raw):
        tool = convert_mcp_tool_to_langchain_tool(SimpleNamespace(), mcp_tool(raw))
        (converted,) = convert_to_genai_function_declarations([tool])
        check_gemini(raw, converted.function_declarations[0])

    return convert


def pydantic_ai():
    from pydantic_ai.profiles.google import GoogleJsonSchemaTransformer
    from pydantic_ai.profiles.openai import OpenAIJsonSchemaTransformer

    def convert(raw):
        for strict in (True, None, False):
            OpenAIJsonSchemaTransformer(raw["inputSchema"], strict=strict).walk()
        GoogleJsonSchemaTransformer(raw["inputSchema"], strict=None).walk()

    return convert


def openai_agents():
    from agents.mcp import MCPServerStdio
    from agents.mcp.util import MCPUtil

    server = MCPServerStdio({"command": "true"})

    def convert(raw):
        tool = MCPUtil.to_function_tool(mcp_tool(raw), server, True)
        if tool.strict_json_schema:
            check_not_closed(raw["inputSchema"], tool.params_json_schema)

    return convert


def autogen():
    from autogen_core.utils import schema_to_pydantic_model

    def convert(raw):
        check_model(raw, schema_to_pydantic_model(raw["inputSchema"], raw["name"]))

    return convert


def smolagents():
    from mcpadapt.smolagents_adapter import SmolAgentsAdapter

    def convert(raw):
        tool = SmolAgentsAdapter().adapt(lambda arguments: None, mcp_tool(raw))
        tool.validate_arguments()
        tool.to_code_prompt()

    return convert


def crewai():
    from mcpadapt.crewai_adapter import CrewAIAdapter

    def convert(raw):
        tool = CrewAIAdapter().adapt(lambda arguments: None, mcp_tool(raw))
        check_model(raw, tool.args_schema)

    return convert


FRAMEWORKS = {
    "google-genai": google_genai,
    "langchain-google-genai": langchain_google_genai,
    "pydantic-ai-slim": pydantic_ai,
    "openai-agents": openai_agents,
    "autogen-ext": autogen,
    "smolagents": smolagents,
    "crewai-tools": crewai,
}


def check_gemini(raw, declaration):
    """Raises if the converted schema lacks a property or a type that the Gemini API demands."""
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_.-]{0,63}", declaration.name):
        raise ValueError(f"the name {declaration.name}")

    def walk(published, converted, at):
        if converted is None:
            raise ValueError(f"nothing is left of {at}")
        arms = published.get("anyOf")
        if arms is not None:
            if converted.any_of is None and at.endswith("/items") and converted.type.value == "STRING":
                return  # LangChain supports one type of items, and takes the last.
            if len(converted.any_of or []) != len(arms):
                raise ValueError(f"{at} has {len(converted.any_of or [])} of {len(arms)} alternatives")
            for arm, one in zip(arms, converted.any_of):
                walk(arm, one, f"{at}/anyOf")
            return
        if published["type"] == "object" and not published.get("properties") and at.count("/") > 1:
            return  # LangChain makes a text of it, and the bridge accepts JSON text for an object.
        if converted.type is None or converted.type.value != published["type"].upper():
            raise ValueError(f"{at} has the type {converted.type}")
        if converted.type.value == "ARRAY":
            walk(published["items"], converted.items, f"{at}/items")
        if published.get("enum") != converted.enum:
            raise ValueError(f"{at} loses its enum")
        if converted.enum and converted.type.value != "STRING":
            raise ValueError(f"{at} has an enum that is not text")
        for name, member in published.get("properties", {}).items():
            walk(member, (converted.properties or {}).get(name), f"{at}/{name}")

    walk(raw["inputSchema"], declaration.parameters, "")


def check_not_closed(published, strict, at=""):
    """Raises if a strict schema accepts no key of an object that has free ones."""
    if published.get("type") == "object" and at:
        if not published.get("properties") and not strict.get("properties"):
            raise ValueError(f"{at} is closed without properties")
    for name, member in published.get("properties", {}).items():
        check_not_closed(member, strict["properties"][name], f"{at}/{name}")
    if "items" in published:
        check_not_closed(published["items"], strict["items"], f"{at}/items")


def check_model(raw, model):
    """Raises if a model changes or refuses arguments that fit the published schema."""
    given = example(raw["inputSchema"])
    kept = json.loads(model.model_validate(given).model_dump_json(exclude_unset=True, by_alias=True))
    if kept != given:
        raise ValueError(f"{json.dumps(given)} becomes {json.dumps(kept)}"[:300])
    model.model_json_schema()


def example(schema):
    """Returns a value that fits a published schema; of alternatives, the last."""
    if "anyOf" in schema:
        return example(schema["anyOf"][-1])
    if "enum" in schema:
        return schema["enum"][-1]
    kind = schema["type"]
    if kind in ("integer", "number"):
        low, high = schema.get("minimum"), schema.get("maximum")
        near = low if low is not None else high if high is not None else 7
        return int(near) if kind == "integer" else float(near)
    if kind == "array":
        return [example(schema["items"])]
    if kind == "object":
        members = {name: example(member) for name, member in schema.get("properties", {}).items()}
        # AutoGen supports either members of its own or free ones.
        free = schema.get("additionalProperties")
        return {"k": example(free)} if free and not members else members
    return {"string": "x", "boolean": True, "null": None}[kind]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        tools = json.load(file)
    for name in sys.argv[2:]:
        began = time.monotonic()
        convert = FRAMEWORKS[name]()
        refused = []
        for entry in tools:
            try:
                convert(json.loads(json.dumps(entry["tool"])))
            except Exception as error:
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                refused.append([entry["group"], entry["tool"]["name"], reason[:300]])
        version = importlib.metadata.version(name)
        seconds = round(time.monotonic() - began, 1)
        print(json.dumps({"framework": name, "version": version, "seconds": seconds, "refused": refused}), flush=True)


main()
