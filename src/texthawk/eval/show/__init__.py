"""Pictures of what a model sees: its views, its features, what a visual token and a word of the answer drew on.

shown.py      what the model is given: the page itself, or canvases with its lines set on rows
looking.py    one picture through tower and connector, watched: features, tokens, attention weights
choice.py     the visual tokens that are shown where nobody says which
sources.py    the patches that a visual token draws on, by attention weights or by gradient
words.py      a word of the answer: the visual tokens and the patches that it draws on
mosaic.py     what was found view by view, laid back on the page
colours.py    features as colours (principal components), the pyramid's levels among them
pictures.py   frames and heat drawn on a page
contact.py    PNG files and the HTML page that lists them
run.py        all of it for one page
"""
