"""The trigger searches of other tools, written afresh from their published hyper-parameters.

Each module says which published program it follows and which of that program's peculiarities it keeps. What is kept is
what decides the result or the number of updates; what is left out is what only stores files or repairs the model.
"""
