"""What is measured: the raw record of one request, the metrics as views of it, their summaries."""
