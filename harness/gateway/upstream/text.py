"""What the model says: tokens of plain prose with characters of every plane, drawn from a seed.

Every answer starts with characters of two, three and four UTF-8 bytes, so that a short answer
already shows damaged text. Nothing is taken from the prompt.
"""

from harness.gateway.rng import Rng

_OPENERS = ("Voilà", "Naïve", "Über", "Après", "Señor", "Smörgåsbord", "Façade", "Déjà")
_WIDE = (" 東京", " 안녕", " 数学", " ありがとう", " हिन्दी", " ภาษา", " 灯台", " 한글")
_ASTRAL = (" 😀", " 🦉", " 𐍈", " 🚀", " 𠜎", " 🎼", " 👩‍🔬", " 🇳🇿")
_SUBJECTS = (" the edge", " the cache", " the model", " the river", " the lamp", " the tower")
_VERBS = (" carries", " keeps", " answers", " follows", " measures", " returns", " opens", " holds")
_OBJECTS = (" a signal", " the light", " a stone", " the morning", " a letter", " the harbour")
_LINKS = (",", " and", " while", " before", ";", " because")
_RARE = (
    " e\u0301tude",
    " ქართული",
    " שלום",
    ' "quoted"',
    " C:\\tmp",
    " x<y>z&",
    " tab\there",
    " line\u2028break",
    " 🌍",
    " Αθήνα",
)
_END = "."


def prose(count: int, rng: Rng) -> list[str]:
    """`count` tokens whose concatenation reads as prose; a longer text continues a shorter one."""
    tokens = [rng.pick(_OPENERS), rng.pick(_WIDE), rng.pick(_ASTRAL), ","]
    while len(tokens) < count:
        tokens += _sentence(rng)
    return tokens[:count]


def _sentence(rng: Rng) -> list[str]:
    """One sentence of ten to eleven tokens, one of them outside plain English."""
    draws = rng.bytes(8)
    subject, article = _SUBJECTS[draws[0] % len(_SUBJECTS)], _OBJECTS[draws[2] % len(_OBJECTS)]
    words = [*_split(subject), _VERBS[draws[1] % len(_VERBS)], *_split(article)]
    link = _LINKS[draws[3] % len(_LINKS)]
    rare = _RARE[draws[4] % len(_RARE)]
    other = _split(_OBJECTS[draws[5] % len(_OBJECTS)])
    return [*words, link, rare, _VERBS[draws[6] % len(_VERBS)], *other, _END]


def _split(phrase: str) -> list[str]:
    return [" " + word for word in phrase.split()]


def pieces(text: str, size: int = 4) -> list[str]:
    """A text cut into tokens of `size` characters: how JSON answers are told apart in tokens."""
    return [text[start : start + size] for start in range(0, len(text), size)]
