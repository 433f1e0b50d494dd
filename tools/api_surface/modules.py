"""Which modules are public, and what of them: everything else may change in any release.

`ALL` stands for what `__all__` states, or else for the public names that the module defines itself. A tuple of names is
for modules that also hold what only Rekall itself uses. The order counts where several modules give one thing: the
first one describes it, unless it is defined in another public module.
"""

from __future__ import annotations

from collections.abc import Mapping

ALL: tuple[str, ...] = ()

MODULES: Mapping[str, tuple[str, ...]] = {
    "rekall": ("__author__", "__release_date__", "__version__", "__version_info__", "get_version_string"),
    # what a program uses: a base, its cache, its settings, its errors, its data
    "rekall.db": ALL,
    "rekall.store": ALL,
    "rekall.cache": ALL,
    "rekall.capture": ("new_entry",),
    "rekall.config": ALL,
    "rekall.errors": ALL,
    "rekall.models": ALL,
    "rekall.paths": ALL,
    "rekall.permissions": ALL,
    "rekall.urls": ALL,
    "rekall.constants": ALL,
    "rekall.utils": ALL,
    "rekall.deprecation": ("Deprecation", "RekallDeprecationWarning", "register"),
    # what authors of back ends use
    "rekall.infra": ALL,
    "rekall.infra.interfaces": ALL,
    "rekall.infra.container": ("ServiceContainer", "get_cache", "get_database", "has_backend", "register_backend"),
    "rekall.infra.defaults": ("DefaultCacheBackend", "DefaultDatabaseBackend", "register_defaults"),
    "rekall.infra.reading": ("refuse_writes",),
    "rekall.infra.sqlite_errors": ALL,
    "rekall.infra.sqlite_writes": ("run_batch", "run_write"),
    "rekall.testing": ALL,
    "rekall.infra.db": ALL,
    "rekall.infra.db.connection": ALL,
    # what Rekall can do beyond the base: the modules of 0.3
    "rekall.archive": ALL,
    "rekall.backup": ALL,
    "rekall.consolidation": (
        *("ClusterAnalysis", "analyze_cluster", "find_consolidation_opportunities", "generate_consolidation_summary"),
    ),
    "rekall.context_extractor": (
        *("MAX_AUTO_KEYWORDS", "MIN_KEYWORD_LENGTH", "STOPWORDS", "calculate_keyword_score", "extract_keywords"),
        *("get_matching_keywords", "suggest_keywords", "validate_context"),
    ),
    "rekall.embeddings": ALL,
    "rekall.enrichment": ALL,
    "rekall.exchange.limits": ("Limits",),
    "rekall.exporters": ALL,
    "rekall.git_detector": ALL,
    "rekall.link_rot": ("LinkRotChecker", "Outcome", "Progress", "SourceCheck", "verify_sources"),
    "rekall.migration": ALL,
    "rekall.migration.speckit_parser": ALL,
    "rekall.model_manager": ("ModelManager", "get_model_manager", "reset_model_manager"),
    "rekall.promotion": ALL,
    "rekall.serializers": ALL,
    "rekall.services": ALL,
    "rekall.sync": ALL,
    "rekall.temporal": ALL,
    "rekall.transcript": ALL,
    "rekall.transcript.detector": ALL,
    "rekall.transcript.models": ("CandidateExchanges", "TranscriptFormat", "TranscriptMessage"),
    "rekall.transcript.parser_base": ALL,
    "rekall.transcript.session_manager": ("SessionData", "SessionManager", "get_session_manager"),
    "rekall.validators": ALL,
    "rekall.vector_index": ("SQLITE_VEC_AVAILABLE", "VectorIndex", "create_embeddings_vec_table"),
    # the programs, for those who serve or extend them
    "rekall.cli": ALL,
    "rekall.mcp.server": ("create_server", "serve_stdio"),
    "rekall.mcp.spec": ("OpenDatabase",),
    "rekall.mcp_server": ALL,
}

VALUES = (
    "rekall.db.CURRENT_SCHEMA_VERSION",
    "rekall.infra.interfaces.INTERFACE_VERSION",
)
"""Constants whose value is a promise; of the others only the type is."""
