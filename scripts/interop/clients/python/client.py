"""Uses a bridge with one Python client, as scripts/interop/clients/matrix.mjs says.

usage: client.py CLIENT PLAN, where CLIENT is a function of session_clients.py or tool_clients.py
"""

import asyncio
import json
import logging
import re
import sys

import session_clients
import tool_clients

logging.disable(logging.CRITICAL)
# A call after a restart that has no answer by then has none.
PATIENCE = 30


def say(step, **rest):
    print(json.dumps({"step": step, **rest}), flush=True)


async def step(name, work):
    """Reports the result of a step, or what it raised. The next step follows in both cases."""
    try:
        say(name, value=await work())
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        say(name, thrown=f"{type(error).__name__}: {error}")


async def line():
    await asyncio.to_thread(sys.stdin.readline)


async def main():
    name, plan = sys.argv[1], json.loads(sys.argv[2])
    connect = getattr(session_clients, name, None) or getattr(tool_clients, name)
    async with connect(plan) as client:
        say("connect", value=client.protocol)

        async def good():
            answer = await client.call(plan["call"], {"name": "Ada"})
            return {"text": answer.text, "error": answer.failed}

        async def bad():
            try:
                answer = await client.call(plan["failure"], {})
            except Exception as error:
                return {"text": str(error), "error": True}
            return {"text": answer.text, "error": answer.failed}

        async def structured():
            return (await client.call(plan["structured"], {})).structured

        async def picture():
            return (await client.call(plan["picture"], {})).pictures

        async def file():
            answer = await client.call(plan["file"], {})
            found = re.search(r"dify-file://[^\s\"'\\]+", answer.text)
            if found is None:
                raise ValueError(answer.text)
            return await client.read(found.group())

        async def progress():
            reports = []

            async def report(*told):
                reports.append(told)

            await client.call(plan["progress"], {}, progress_callback=report)
            return len(reports)

        async def restart():
            return await asyncio.wait_for(good(), PATIENCE)

        async def cancel():
            waiting = asyncio.create_task(client.call(plan["wait"], {}))
            # A line says that the call has reached Dify.
            arrived = asyncio.create_task(line())
            await asyncio.wait({waiting, arrived}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return str(waiting.exception() or waiting.result())
            await client.cancel(waiting)
            await asyncio.wait({waiting})
            return "cancelled"

        async def step_if(has, name, work):
            if has:
                await step(name, work)
            else:
                say(name, absent=True)

        await step("list", client.names)
        await step("call", good)
        await step("failure", bad)
        await step_if(client.structured, "structured", structured)
        await step_if(client.pictures, "picture", picture)
        await step_if(client.read, "file", file)
        await step_if(client.progress, "progress", progress)
        await step_if(client.cancel, "cancel", cancel)
        # The next line says that the driver has seen enough, and has restarted the bridge.
        await line()
        if plan["restarts"]:
            await step("restart", restart)


asyncio.run(main())
