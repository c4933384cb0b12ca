"""The stand-in gateway: a pure model of the documented behaviour, its upstream and its defects.

It shares `wire` and the public documents with the client side and nothing else, so that a mistake
in one is not repeated by the other.
"""
