"""What leaves a base and what comes into one: archives, JSON, markdown, and the files of other programs.

Whatever the form, both directions speak in records (`rekall.exchange.records`): a row of a table, with the values that
the file of a base holds. A writer takes the records of a base, a reader gives those of a file, and `plan` and `apply`
know nothing of any form.
"""
