"""One module per question: Run in, result out. Pure functions, no I/O."""
