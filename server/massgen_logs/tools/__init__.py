"""The registry: a tool is one module with one typed function, its result type and its text rendering.

The MCP server and the command line are both made from it, so a tool exists in both or in neither.
"""
