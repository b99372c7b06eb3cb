// Curves over rounds, drawn again when the stream says that they have changed.
"use strict";

(() => {
  const place = document.getElementById("plot");
  const link = document.getElementById("link");
  const colours = ["#1f6fb2", "#b4540a", "#0f8a75", "#8a5cc2", "#a33a1d", "#5b6b7c", "#8a5a00", "#c2418c"];
  let plot = null;
  let last = "";

  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function draw(text) {
    last = text;
    const curves = JSON.parse(text);
    document.getElementById("no-curves").hidden = curves.length > 0;
    if (plot) plot.destroy();
    plot = null;
    if (!curves.length) return;
    const rounds = Math.max(...curves.map((curve) => curve.shares.length));
    const x = Array.from({ length: rounds }, (_, round) => round + 1);
    const axis = { stroke: token("--soft"), grid: { stroke: token("--rule"), width: 1 }, ticks: { show: false } };
    const options = {
      width: Math.max(280, place.clientWidth),
      height: 260,
      scales: { x: { time: false, range: [0.8, rounds + 0.2] }, y: { range: [Math.min(0.4, ...curves.flatMap((curve) => curve.shares.filter((share) => share != null))), 1] } },
      axes: [
        { ...axis, label: "round", labelSize: 24, stroke: token("--soft"), incrs: [1, 2, 5, 10, 20, 50, 100] },
        { ...axis, label: "pairs right", labelSize: 24 },
      ],
      series: [
        { label: "round" },
        ...curves.map((curve, place) => ({
          label: curve.node,
          stroke: colours[place % colours.length],
          dash: place >= colours.length ? [6, 4] : undefined,
          width: 2,
          points: { show: true, size: 7 },
          value: (_, share) => (share == null ? "–" : share.toFixed(3)),
        })),
      ],
    };
    const filled = curves.map((curve) => x.map((_, round) => curve.shares[round] ?? null));
    plot = new uPlot(options, [x, ...filled], place);
  }

  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    if (event.detail.type === "curves") {
      event.preventDefault();
      draw(event.detail.data);
    }
  });
  document.addEventListener("htmx:sseOpen", () => { link.textContent = "live"; });
  document.addEventListener("htmx:sseError", () => { link.textContent = "the server is away; trying again"; });
  // What is asked before a wish is made stands in a dialog; without scripts it is a page.
  const wish = document.getElementById("wish");
  // Heard here and not at the forms: those of a table that was just replaced must ask, too.
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-wish]");
    if (!form) return;
    event.preventDefault();
    htmx.ajax("GET", form.getAttribute("action"), { target: "#wish-body", values: Object.fromEntries(new FormData(form)) });
  });
  for (const heard of ["htmx:afterSwap", "htmx:responseError"]) {
    document.addEventListener(heard, (event) => {
      if (event.detail.target?.id === "wish-body" && !wish.open) wish.showModal();
    });
  }
  addEventListener("resize", () => { if (plot) plot.setSize({ width: Math.max(280, place.clientWidth), height: 260 }); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(last || "[]"));
  draw(document.getElementById("curves").dataset.curves);
})();
