"""Answering a question about the base: for the command line and for assistants alike.

Whoever asks is told what was done to find something: that a word was taken for another, that a broad query was
narrowed, that there is no search by meaning; and when nothing was found, why.
"""

from rekall.finding.answer import Answer, Explanation, Linked, Nothing, Question, Superseded
from rekall.finding.asking import find

__all__ = ["Answer", "Explanation", "Linked", "Nothing", "Question", "Superseded", "find"]
