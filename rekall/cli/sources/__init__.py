"""`rekall sources`: where knowledge comes from, one file for each thing that is done with it."""
