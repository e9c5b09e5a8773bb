"""The tools for language models, used by the official Python client over streamable HTTP and over standard input and output."""

import asyncio, os, re

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client


async def use(session):
    await session.initialize()
    tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values()), "read only"
    answered, venue = {}, os.environ["CRM_VENUE"]
    calls = {"overview": {}, "segments": {}, "top_guests": {}, "reachable_counts": {}, "guests_not_seen": {"days": 60}, "label_movement": {"from": "2025-01-01", "to": "2025-03-31"},
             "preview_segment": {"criteria": '{"v": 1, "where": {"field": "label", "op": "in", "value": ["LOYAL"]}}'}}
    for name, arguments in calls.items():
        result = await session.call_tool(name, {"venue": venue, **arguments})
        assert not result.is_error, f"{name}: {result.content[0].text}"
        answered[name] = result.content[0].text
    refused = await session.call_tool("guest", {"customer": "there-is-none"})
    assert refused.is_error, "an unknown guest is an error"
    shown = await session.call_tool("top_guests", {"venue": venue, "show_personal_data": True})
    known = set(re.findall(r"[\w.+-]+@[\w.-]+", shown.content[0].text))
    assert known and not any(address in answered["top_guests"] for address in known), "personal data is masked"
    return sorted(tools), answered


async def main():
    headers = {"Authorization": f"Bearer {os.environ['CRM_KEY']}"}
    async with create_mcp_http_client(headers=headers) as client:
        async with streamable_http_client(os.environ["CRM_URL"] + "/mcp", http_client=client) as (read, write, *_):
            async with ClientSession(read, write) as session:
                over_http = await use(session)
    settings = {"CRM_DATABASE_URL": os.environ["CRM_DATABASE_URL"], "CRM_MCP_KEY": os.environ["CRM_KEY"]}
    async with stdio_client(StdioServerParameters(command=os.environ["CRM_API_BIN"], args=["mcp"], env=settings)) as (read, write):
        async with ClientSession(read, write) as session:
            over_stdio = await use(session)
    assert over_http[0] == over_stdio[0] and over_http[1].keys() == over_stdio[1].keys(), "both ways answer alike"
    print(f"{len(over_http[0])} tools over HTTP and over standard input and output: {', '.join(over_http[0])}")


asyncio.run(main())
