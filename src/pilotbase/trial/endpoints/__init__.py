"""Candidates behind a network: chat, Open Inference Protocol, MCP."""
