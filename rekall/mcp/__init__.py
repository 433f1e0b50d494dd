"""The MCP tools, declared once: `rekall.mcp.server` serves them over stdio, a server may serve them over HTTP.

Importing this package imports nothing of FastMCP, which takes a second.
"""
