"""The public surface of Rekall as lines of text: written by `tools/api`, compared with that of the last release."""
