"""The charts of a page, as SVG that is drawn here and works without a script.

No charting library draws them. uPlot 1.6.32, the smallest that fits in a file (51 KB), was tried
with the columns of a timeline: it paints on a canvas, so that a print has no text and no sharp
line, dark mode wants every colour once more in the script, keys and screen readers find nothing,
and objectives, events and pauses are plug-ins to be written all the same. What is here has fewer
lines than such plug-ins and their bindings would have.
"""
