"""Charts as inline SVG: plain functions from numbers to markup, styled by the page's CSS."""
