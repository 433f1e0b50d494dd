"""All SQL of Rekall: one repository for each concept, over whatever database back end the container resolved."""

from rekall.store.store import Store

__all__ = ["Store"]
