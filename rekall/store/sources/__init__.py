"""Sources: where knowledge comes from. One file per concept, as in the package around it."""
