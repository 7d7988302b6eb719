"""The commands that are no tools: one module each, with `main(arguments) -> exit code`, imported when it is called."""
