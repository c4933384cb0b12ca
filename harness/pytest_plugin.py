"""The entry point that pytest loads in every project which has this package installed.

It must stay as light as a docstring: what it imports, every test run of every such project imports.
"""
