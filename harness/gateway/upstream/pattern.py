"""A string for a regular expression of the simple kind that schemas use.

Knows literals, escapes, classes, groups, alternation and quantifiers. What it cannot read it takes
literally; the caller checks the result against the real expression.
"""

from harness.gateway.rng import Rng

_CLASSES = {"d": "0123456789", "w": "abcXYZ019_", "s": " ", "D": "abc", "W": "-", "S": "abc"}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r"}
_ANY = "abcdefXYZ019"
_MOST = 64
_ATOMS = 2000


def draw_pattern(pattern: str, rng: Rng) -> str:
    """A string that should match `pattern`, at most a few thousand characters."""
    return _Reader(pattern[:500], rng).alternation(depth=0)[:4000]


class _Reader:
    """Reads a pattern from left to right and writes a match as it goes."""

    def __init__(self, pattern: str, rng: Rng) -> None:
        self._pattern = pattern
        self._position = 0
        self._dice = rng
        self._atoms_left = _ATOMS

    def alternation(self, *, depth: int) -> str:
        branches = [self._sequence(depth)]
        while self._peek() == "|":
            self._next()
            branches.append(self._sequence(depth))
        return self._dice.pick(branches)

    def _peek(self) -> str:
        return self._pattern[self._position : self._position + 1]

    def _next(self) -> str:
        character = self._peek()
        self._position += 1
        return character

    def _sequence(self, depth: int) -> str:
        out: list[str] = []
        while self._peek() and self._peek() != "|" and not (depth and self._peek() == ")"):
            out.append(self._repeated(depth))
        return "".join(out)

    def _repeated(self, depth: int) -> str:
        start = self._position
        atom = self._atom(depth)
        after = self._position
        low, high = self._quantifier()
        times = self._dice.between(low, high)
        end = self._position
        out = [atom] if times else []
        for _ in range(times - 1):
            if self._atoms_left < 0:
                break
            self._position = start
            out.append(self._atom(depth))
        self._position = max(end, after)
        return "".join(out)

    def _quantifier(self) -> tuple[int, int]:
        simple = {"?": (0, 1), "*": (0, 3), "+": (1, 3)}.get(self._peek())
        if simple:
            self._next()
        counts = simple or self._counts() or (1, 1)
        if counts != (1, 1) and self._peek() in ("?", "+"):
            self._next()
        return counts

    def _counts(self) -> tuple[int, int] | None:
        if self._peek() != "{":
            return None
        inside, closed, _ = self._pattern[self._position + 1 :].partition("}")
        low, comma, high = inside.partition(",")
        if not (closed and low.isdigit() and (high.isdigit() or not high)):
            return None
        self._position += len(inside) + 2
        least = min(int(low), _MOST) if len(low) < 6 else _MOST
        most = int(high) if high and len(high) < 6 else least + (3 if comma else 0)
        return least, max(least, min(most, least + 3))

    def _atom(self, depth: int) -> str:
        self._atoms_left -= 1
        character = self._next()
        if character == "(" and depth < 20:
            return self._group(depth)
        if character == "[":
            return self._dice.pick(self._set())
        if character == "\\":
            return self._escape(self._next())
        if character == ".":
            return self._dice.pick(_ANY)
        return "" if character in "^$" else character

    def _group(self, depth: int) -> str:
        for opener in ("?:", "?=", "?!"):
            if self._pattern.startswith(opener, self._position):
                self._position += 2
                break
        text = self.alternation(depth=depth + 1)
        self._next()
        return text

    def _escape(self, character: str) -> str:
        if character in ("b", "B", ""):
            return ""
        choices = _CLASSES.get(character)
        return self._dice.pick(choices) if choices else _CONTROLS.get(character, character)

    def _set(self) -> str:
        negated = self._peek() == "^"
        if negated:
            self._next()
        members = ""
        while self._peek() not in ("]", ""):
            members += self._member()
        self._next()
        if negated:
            members = "".join(c for c in _ANY + "-_ ./" if c not in members)
        return members or "a"

    def _member(self) -> str:
        first = self._next()
        if first == "\\":
            escaped = self._next()
            return _CLASSES.get(escaped) or _CONTROLS.get(escaped, escaped)
        following = self._pattern[self._position : self._position + 2]
        if len(following) == 2 and following[0] == "-" and following[1] != "]":
            self._position += 2
            last = min(ord(following[1]), ord(first) + 200)
            return "".join(chr(code) for code in range(ord(first), last + 1))
        return first
