"""The commands of `rekall backends`."""
