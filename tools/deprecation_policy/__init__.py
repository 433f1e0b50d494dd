"""What holds of the deprecation register: its rows, the code that warns, what is due, and the pages made of it."""
