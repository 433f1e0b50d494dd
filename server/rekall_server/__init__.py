"""Rekall for a team: back ends and a process around the knowledge base and the tools of Rekall Home."""

__version__ = "1.0.0.dev0"
