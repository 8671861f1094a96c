"""Scores that can be checked: pure metrics, benchmarks that write every prediction, and re-scoring from those alone.

metrics.py      one number from a prediction and a reference; edges pinned
systems.py      what is evaluated: callables from an image to text, answers or boxes (texthawk's reader, Tesseract, yours)
answering.py    a reader's answers and places, for systems
phrases.py      the place of a phrase among words that were read
runs.py         the folder of a run: predictions as they are made, resumed after a kill, scored again at any time
machine.py      what a run ran on
benchmarks/     one file per benchmark: which samples, which scores; sets.py is what they share
sheets.py       running text on small sheets, for tests of print that no model has seen
density.py      error against words on a sheet, as the figure of TextHawk2
printed.py      text and fonts kept from training, clean and lightly damaged
unseen.py       documents of the factory that training cannot have had: text, questions by kind, places
written.py      what was read as Markdown and as an HTML table
tables.py       tree edit distance of HTML tables
fields.py       key fields as a multiset
facts.py        whether a text is on a page, is not, or comes before another
denotation.py   whether two lists of answers denote the same
report.py       scores as a table
"""
