"use strict";
// Turns the titles of marks into one tooltip that also works by touch and keyboard; without this
// script the browser shows the titles themselves.
(() => {
  const box = document.getElementById("tip");
  const place = (x, y) => {
    box.style.left = Math.max(8, Math.min(x + 12, innerWidth - box.offsetWidth - 8)) + "px";
    box.style.top = (y + 16 + box.offsetHeight > innerHeight ? y - box.offsetHeight - 12 : y + 16) + "px";
  };
  const show = (event) => {
    const mark = event.target.closest("[data-tip]");
    box.hidden = !mark;
    if (!mark) return;
    box.textContent = mark.dataset.tip;
    place(event.clientX, event.clientY);
  };
  for (const title of document.querySelectorAll("svg g > title")) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  }
  for (const name of ["pointermove", "pointerdown"]) addEventListener(name, show);
  const opened = [];
  addEventListener("beforeprint", () => {
    opened.push(...document.querySelectorAll("details:not([open])"));
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of opened.splice(0)) each.open = false;
  });
  addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const text = button.parentNode.querySelector("pre");
    getSelection().selectAllChildren(text);
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Selected: copy it";
    }
  });
  addEventListener("scroll", () => { box.hidden = true; }, { passive: true });
})();
