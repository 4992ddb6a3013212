"""What the driver needs of a client."""

import base64
from dataclasses import dataclass, field
from typing import Any, Awaitable, Callable


@dataclass
class Answer:
    """What a call returned. `failed` is whether the client reports an error by its result."""

    text: str
    failed: bool = False
    structured: Any = None
    # As base64.
    pictures: list[str] = field(default_factory=list)


async def cancel_task(waiting):
    waiting.cancel()


@dataclass
class Connected:
    """A connected client, and what its API has. `protocol` is None if it does not show the revision."""

    names: Callable[[], Awaitable[list[str]]]
    call: Callable[..., Awaitable[Answer]]
    # Returns the content of a resource as base64.
    read: Callable[[str], Awaitable[str]] | None = None
    protocol: str | None = None
    structured: bool = True
    pictures: bool = True
    # Whether `call` takes `progress_callback`.
    progress: bool = True
    cancel: Callable | None = cancel_task


def first(thing, *names):
    """Returns the first attribute that a thing has, because SDK 1 and 2 spell them differently."""
    return next((getattr(thing, name) for name in names if hasattr(thing, name)), None)


def answer_of(result):
    """Returns the answer of a result that has the form of MCP's."""
    return Answer(
        text="\n".join(getattr(block, "text", "") for block in result.content),
        failed=bool(first(result, "is_error", "isError")),
        structured=first(result, "structured_content", "structuredContent"),
        pictures=[block.data for block in result.content if block.type == "image"],
    )


def encoded(content):
    return base64.b64encode(content).decode()


def stdio_of(plan):
    return {name: plan[name] for name in ("command", "args", "env")}


def stdio_server(plan):
    """Returns the SDK's parameters of a bridge that the client starts."""
    from mcp import StdioServerParameters

    return StdioServerParameters(**stdio_of(plan))
