"""The adapter layer: interfaces of the back ends, the container that resolves them, and the defaults."""

from rekall.deprecation import moved_names
from rekall.infra.container import ServiceContainer, get_cache, get_database, has_backend, register_backend
from rekall.infra.defaults import DefaultCacheBackend, DefaultDatabaseBackend, register_defaults
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
    "register_defaults",
]

moved_names(__name__)
