"""A small corpus asked many times: how often each kind of error comes, on each route."""
