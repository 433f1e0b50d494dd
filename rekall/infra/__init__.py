"""The adapter layer: interfaces of the back ends, the container that resolves them, and the defaults."""

from rekall.infra.container import ServiceContainer, get_cache, get_database, has_backend, register_backend
from rekall.infra.defaults import DefaultCacheBackend, DefaultDatabaseBackend
from rekall.infra.interfaces import INTERFACE_VERSION, CacheBackend, DatabaseBackend, Result, Statement

__all__ = [
    "INTERFACE_VERSION",
    "CacheBackend",
    "DatabaseBackend",
    "DefaultCacheBackend",
    "DefaultDatabaseBackend",
    "Result",
    "ServiceContainer",
    "Statement",
    "get_cache",
    "get_database",
    "has_backend",
    "register_backend",
]
