"use strict";
(function () {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  function resolved(value, style) {
    if (typeof value === "string") {
      const named = /^var\((--[a-z]+)\)$/.exec(value);
      return named ? style.getPropertyValue(named[1]).trim() : value;
    }
    if (Array.isArray(value)) return value.map((each) => resolved(each, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolved(each, style)]));
    }
    return value;
  }
  function draw() {
    const style = getComputedStyle(document.documentElement);
    for (const place of document.querySelectorAll(".chart")) {
      const figure = resolved(figures[place.dataset.figure], style);
      Plotly.react(place, figure.data, figure.layout, { responsive: true, displayModeBar: false });
    }
  }
  function numberOf(text) {
    const found = /[-+]?[0-9][0-9,]*\.?[0-9]*/.exec(text.replace(/\u2212/g, "-"));
    return found ? parseFloat(found[0].replace(/,/g, "")) : NaN;
  }
  function compared(a, b) {
    const x = numberOf(a), y = numberOf(b);
    if (Number.isNaN(x) || Number.isNaN(y)) return a.localeCompare(b);
    return x - y;
  }
  function sort(button) {
    const head = button.closest("th"), table = button.closest("table"), body = table.tBodies[0];
    const column = head.cellIndex, rising = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", rising ? "ascending" : "descending");
    const isText = head.classList.contains("text");
    const rows = Array.from(body.rows);
    rows.sort((a, b) => {
      const x = a.cells[column].textContent, y = b.cells[column].textContent;
      const order = isText ? x.localeCompare(y, undefined, { numeric: true }) : compared(x, y);
      return rising ? order : -order;
    });
    body.append(...rows);
  }
  for (const button of document.querySelectorAll("th button")) {
    button.addEventListener("click", () => sort(button));
  }
  function fitPaper(isPaper) {
    for (const drawing of document.querySelectorAll(".chart .main-svg")) {
      const size = `0 0 ${drawing.getAttribute("width")} ${drawing.getAttribute("height")}`;
      if (isPaper) drawing.setAttribute("viewBox", size);
      else drawing.removeAttribute("viewBox");
    }
  }
  addEventListener("beforeprint", () => fitPaper(true));
  addEventListener("afterprint", () => fitPaper(false));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
})();
