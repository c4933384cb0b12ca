"""Writing SVG: elements whose text and attributes are always escaped."""

from harness.foreign import Place, harmless


class Svg(str):
    """Markup that is safe to put into a page as it is; a template does not escape it again."""

    __slots__ = ()

    def __html__(self) -> str:
        """What template engines ask for to know that a text is markup."""
        return self


def tag(name: str, /, *children: str, **attributes: str | float | None) -> Svg:
    """One element; children that are not `Svg` are text.

    In attribute names a trailing underscore is dropped and others become hyphens; an attribute that
    is None is left out. Numbers keep one decimal: a tenth of a pixel.
    """
    shown = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    inside = "".join(_child(child) for child in children)
    return Svg(f"<{name}{shown}>{inside}</{name}>" if inside else f"<{name}{shown}/>")


def group(*children: str, class_: str | None = None, tip: str | None = None) -> Svg:
    """Elements that belong together, with an explanation on hover or touch."""
    titled = (tag("title", tip), *children) if tip else children
    return tag("g", *titled, class_=class_)


def path(points: list[tuple[float, float]], *, class_: str) -> Svg:
    """A polyline through points."""
    line = " ".join(
        f"{'L' if place else 'M'}{x:.1f} {y:.1f}" for place, (x, y) in enumerate(points)
    )
    return tag("path", d=line, class_=class_)


def text(content: str, x: float, y: float, *, class_: str = "label") -> Svg:
    """A text at a point; its class decides size, colour and anchor."""
    return tag("text", content, x=x, y=y, class_=class_)


def _child(child: str) -> str:
    return str(child) if isinstance(child, Svg) else harmless(child, Place.HTML, lines=True)


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return harmless(value, Place.HTML, lines=True)
    return f"{value:.1f}".removesuffix(".0")
