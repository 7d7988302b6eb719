"""One normalised Run per attempt: what happened, by one written rule wherever files disagree.

The rules stand in the docstrings of the modules: ending (state), answers, votes, calls, executions, usage.
"""
