"""The recorded facts about Rekall 0.3, walked item by item; `migration_guide.md` says what may differ."""
