"""The stand-in for Baseten behind the gateway: deterministic, and never echoing the prompt."""
