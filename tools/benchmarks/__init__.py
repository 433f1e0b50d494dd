"""What `tools/bench` measures: one module for each section, and what they share."""
