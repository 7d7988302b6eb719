"""The only place that renders for a reader: masking, cleaning, fences, tables, pages and the frame of an answer."""
