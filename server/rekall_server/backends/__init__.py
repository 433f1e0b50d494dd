"""The back ends that the server brings: entry points, so that Rekall Home can select them as well."""
