"use strict";
// What a reader does with the charts: see the values of a mark by pointer or arrow keys, hide a
// route, zoom in time. Without this script the browser shows the titles of the marks themselves.
(() => {
  const box = document.getElementById("tip");
  const charts = [...document.querySelectorAll("svg.chart")];
  const hidden = new Set();
  const all = (node, what) => [...node.querySelectorAll(what)];

  // Values: the titles of marks become one tip, the same for pointer, touch and keys.
  let here = null;
  const leave = () => {
    here?.classList.remove("here");
    here = null;
    box.hidden = true;
  };
  const told = (mark) => {
    const gone = (line) => [...hidden].some((route) => line.startsWith(route + ": "));
    return mark.dataset.tip.split("\n").filter((line) => !gone(line)).join("\n");
  };
  const tell = (mark, x, y) => {
    leave();
    here = mark;
    mark.classList.add("here");
    box.textContent = told(mark);
    box.hidden = false;
    box.style.left = Math.max(8, Math.min(x + 12, innerWidth - box.offsetWidth - 8)) + "px";
    box.style.top = (y + 16 + box.offsetHeight > innerHeight ? y - box.offsetHeight - 12 : y + 16) + "px";
  };
  const tellAt = (mark) => {
    const area = mark.getBoundingClientRect();
    tell(mark, area.left + area.width / 2, area.top + Math.min(area.height / 2, 60));
  };
  const point = (event) => {
    const mark = event.target.closest?.("[data-tip]");
    if (mark) tell(mark, event.clientX, event.clientY);
    else leave();
  };
  for (const title of document.querySelectorAll("svg g > title")) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  }
  for (const name of ["pointermove", "pointerdown"]) addEventListener(name, point);
  addEventListener("scroll", leave, { passive: true });

  // Left and right go through the marks that stand together, up and down to the next such group.
  const seen = (svg) => {
    const [left, right] = (svg.dataset.time ?? "0 400").split(" ");
    return all(svg, "[data-tip]").filter((mark) => {
      if (mark.closest(".off")) return false;
      const x = +(mark.querySelector("rect")?.getAttribute("x") ?? left);
      return !svg.dataset.time || (x >= left - 0.1 && x < right);
    });
  };
  const step = (svg, key) => {
    const marks = seen(svg);
    const groups = [...new Set(marks.map((mark) => mark.parentNode))];
    const at = marks.includes(here) ? here : null;
    if (!at) return marks[0];
    const line = marks.filter((mark) => mark.parentNode === at.parentNode);
    const place = line.indexOf(at), row = groups.indexOf(at.parentNode);
    const clamp = (list, index) => list[Math.max(0, Math.min(index, list.length - 1))];
    if (key === "ArrowLeft") return clamp(line, place - 1);
    if (key === "ArrowRight") return clamp(line, place + 1);
    if (groups.length === 1) return clamp(line, place + (key === "ArrowUp" ? -1 : 1));
    const next = clamp(groups, row + (key === "ArrowUp" ? -1 : 1));
    return next === at.parentNode ? at : clamp(marks.filter((mark) => mark.parentNode === next), place);
  };

  // Routes: a legend's button hides its route in every chart.
  const buttons = all(document, "button[data-route]");
  const toggle = (route) => {
    if (!hidden.delete(route)) hidden.add(route);
    leave();
    for (const button of buttons) {
      if (button.dataset.route === route) button.setAttribute("aria-pressed", String(!hidden.has(route)));
    }
    for (const mark of all(document, ".chart [data-route]")) {
      mark.classList.toggle("off", hidden.has(mark.dataset.route));
    }
  };

  // Time: all charts over time show the same range; what moves keeps where it was at first.
  const times = charts.filter((svg) => svg.dataset.time);
  const reset = document.querySelector("[data-reset]");
  const first = new Map();
  const kept = (mark, name) => {
    const known = first.get(mark) ?? {};
    first.set(mark, known);
    return (known[name] ??= mark.getAttribute(name));
  };
  const axis = (svg, from, to, place) => {
    const columns = svg.querySelector(".columns"), [line, label] = ["line", "text"].map((n) => columns.querySelector(n));
    const rough = (to - from) / 6, power = 10 ** Math.floor(Math.log10(rough));
    const size = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough * 0.999);
    const drawn = [];
    for (let n = Math.ceil(from / size - 1e-9); n <= to / size + 1e-9; n++) {
      const tick = line.cloneNode(), name = label.cloneNode();
      for (const end of ["x1", "x2"]) tick.setAttribute(end, place(n * size));
      name.setAttribute("x", place(n * size));
      name.textContent = +(n * size).toPrecision(6);
      drawn.push(tick, name);
    }
    columns.replaceChildren(...drawn);
  };
  let range = null;
  const zoom = (from, to) => {
    leave();
    for (const svg of times) {
      const [left, right, low, high] = svg.dataset.time.split(" ").map(Number);
      const start = Math.max(low, from), end = Math.min(high, to), scale = (high - low) / (end - start);
      const move = (x) => (left + (x - left - (start - low) / (high - low) * (right - left)) * scale).toFixed(1);
      for (const mark of all(svg, ".moves circle")) mark.setAttribute("cx", move(kept(mark, "cx")));
      for (const mark of all(svg, ".moves path")) {
        mark.setAttribute("d", kept(mark, "d").replace(/([ML])(-?[\d.]+)/g, (_, kind, x) => kind + move(x)));
      }
      for (const mark of all(svg, ".moves rect")) {
        const width = +kept(mark, "width");
        mark.setAttribute("x", move(kept(mark, "x")));
        mark.setAttribute("width", width * scale);
      }
      range = scale > 1.001 ? [start, end] : null;
      svg.classList.toggle("zoomed", range !== null);
      axis(svg, start, end, (t) => left + (t - start) / (end - start) * (right - left));
    }
    reset.hidden = range === null;
  };
  const closer = (svg, factor) => {
    const [left, right, low, high] = svg.dataset.time.split(" ").map(Number);
    const [from, to] = range ?? [low, high];
    const rect = svg.contains(here) ? here.querySelector("rect") : null;
    const x = rect ? +rect.getAttribute("x") + rect.getAttribute("width") / 2 : (left + right) / 2;
    const middle = from + (x - left) / (right - left) * (to - from);
    const half = Math.max((to - from) * factor, 0.1) / 2;
    const start = Math.max(low, Math.min(middle - half, high - 2 * half)), mark = rect && here;
    zoom(start, start + 2 * half);
    if (mark) tellAt(mark);
  };
  const within = (svg, event) => {
    const area = svg.getBoundingClientRect(), [left, right] = svg.dataset.time.split(" ").map(Number);
    return Math.max(left, Math.min((event.clientX - area.left) / area.width * 400, right));
  };
  for (const svg of times) {
    const brush = document.createElementNS(svg.namespaceURI, "rect");
    let start = null, end = null;
    const drop = () => {
      brush.remove();
      start = null;
    };
    for (const [name, value] of [["class", "brush"], ["y", 12], ["height", 202]]) brush.setAttribute(name, value);
    svg.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      start = end = within(svg, event);
      svg.setPointerCapture?.(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      if (start === null) return;
      end = within(svg, event);
      brush.setAttribute("x", Math.min(start, end));
      brush.setAttribute("width", Math.abs(end - start));
      svg.append(brush);
    });
    svg.addEventListener("pointerup", () => {
      if (start === null) return;
      const [left, right, low, high] = svg.dataset.time.split(" ").map(Number);
      const [from, to] = range ?? [low, high];
      const time = (x) => from + (x - left) / (right - left) * (to - from);
      const ends = [time(Math.min(start, end)), time(Math.max(start, end))];
      const wide = Math.abs(end - start) > 6;
      drop();
      if (wide) zoom(...ends);
    });
    svg.addEventListener("pointercancel", drop);
  }
  for (const svg of charts) {
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("blur", leave);
    svg.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const mark = event.key.startsWith("Arrow") ? step(svg, event.key) : null;
      if (mark) tellAt(mark);
      else if (svg.dataset.time && "+=".includes(event.key)) closer(svg, 0.5);
      else if (svg.dataset.time && event.key === "-") closer(svg, 2);
      else if (event.key === "Escape") range ? zoom(-Infinity, Infinity) : leave();
      else return;
      event.preventDefault();
    });
  }

  // Paper shows everything; a command is copied where the browser allows it.
  const opened = [];
  addEventListener("beforeprint", () => {
    opened.push(...document.querySelectorAll("details:not([open])"));
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of opened.splice(0)) each.open = false;
  });
  addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.route !== undefined) toggle(button.dataset.route);
    if (button === reset && reset) zoom(-Infinity, Infinity);
    if (button?.dataset.copy === undefined) return;
    const text = button.parentNode.querySelector("pre");
    getSelection().selectAllChildren(text);
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Selected: copy it";
    }
  });
})();
