"""The launch gate: one verdict from earlier runs. It reads, judges and writes; it sends nothing."""
