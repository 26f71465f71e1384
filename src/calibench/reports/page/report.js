// Sorting, filtering, the panel of a layer, and the charts. Everything else stands in the page without this script.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const COLOURS = { fp32: "#8a93a1", default: "#cf8a1d", int8: "#2f7be0", worse: "#cc4b3c" };
  const $ = (id) => document.getElementById(id);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Colours: as the system has them, or chosen; kept where the browser lets a file keep things.
  const THEMES = ["system", "light", "dark"];
  const theme = $("theme");
  const keep = (name) => { try { localStorage.setItem("calibench-theme", name); } catch { /* not allowed here */ } };
  const kept = () => { try { return localStorage.getItem("calibench-theme"); } catch { return null; } };
  const paint = (name) => {
    if (name === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    theme.textContent = `Colours: ${name}`;
    theme.dataset.name = name;
  };
  paint(THEMES.includes(kept()) ? kept() : "system");
  theme.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(theme.dataset.name) + 1) % THEMES.length];
    paint(next);
    keep(next);
  });
  for (const element of [theme, ...all(".needs-script")]) element.hidden = false;

  // Sorting. What has no value stands last, whichever way.
  const words = new Intl.Collator("en", { numeric: true });
  function sort(button) {
    const head = button.closest("th"), column = Number(button.dataset.column), isNumber = button.dataset.number === "1";
    const before = head.getAttribute("aria-sort");
    const first = isNumber ? "descending" : "ascending";
    const order = before === "none" ? first : before === "ascending" ? "descending" : "ascending";
    all("th", head.parentNode).forEach((each) => each.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const body = head.closest("table").tBodies[0];
    const value = (row) => {
      const cell = row.cells[column], text = cell.textContent.trim();
      return isNumber ? (cell.dataset.value === undefined ? null : Number(cell.dataset.value)) : text || null;
    };
    const rows = [...body.rows].map((row) => [value(row), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (isNumber ? a - b : words.compare(a, b));
    });
    body.append(...rows.map(([, row]) => row));
  }
  all("th button").forEach((button) => button.addEventListener("click", () => sort(button)));

  // Filtering: every word must occur in the row.
  function filter(id) {
    const box = document.querySelector(`[data-filters="${id}"]`), choice = document.querySelector(`[data-precision="${id}"]`);
    const wanted = box.value.toLowerCase().split(/\s+/).filter(Boolean), precision = choice ? choice.value : "";
    const rows = [...$(id).querySelector("tbody").rows];
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const fits = wanted.every((word) => text.includes(word)) && (!precision || row.querySelector(`.chip.${precision}`));
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    const count = $(`${id}-count`);
    if (count) count.textContent = shown === rows.length ? `${rows.length} layers` : `${shown} of ${rows.length} layers`;
  }
  for (const box of all("[data-filters]")) {
    box.addEventListener("input", () => filter(box.dataset.filters));
    filter(box.dataset.filters);
  }
  for (const choice of all("[data-precision]")) choice.addEventListener("change", () => filter(choice.dataset.precision));

  // Charts. The library comes packed in the page; until it is unpacked, tables say the same.
  async function unpack() {
    const packed = $("plotly");
    if (!packed || typeof DecompressionStream === "undefined") return null;
    const bytes = Uint8Array.from(atob(packed.textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    packed.remove();
    return window.Plotly;
  }
  let plotly = null;
  const NO_NOISE = 200; // dB, as in report.json
  const decibels = (value) => (value < NO_NOISE ? `${value.toFixed(1)} dB` : "no noise");
  const CONFIG = { responsive: true, displayModeBar: false };
  const HOVER = { bgcolor: "#30363f", bordercolor: "#30363f", font: { color: "#fff", size: 12 } };
  const layout = (more) => ({
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: "inherit", size: 12 },
    margin: { l: 50, r: 12, t: 8, b: 40 }, hoverlabel: HOVER, dragmode: false,
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 }, ...more,
  });
  const axis = (title, more = {}) => ({ title: { text: title, standoff: 6, font: { size: 12 } }, fixedrange: true, automargin: true, zeroline: false, ...more });
  const short = (text, length = 60) => (text.length > length ? `\u2026${text.slice(1 - length)}` : text);
  // Plotly reads a little HTML in texts: names are shown as they are.
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  function drawSpent(place, spent) {
    if (!place) return;
    if (!spent.names.length) { place.hidden = true; return; }
    const names = spent.names.map((name) => plain(short(name, 24)));
    const bar = (label, key) => ({
      type: "bar", orientation: "h", name: label, x: spent[key], y: names, marker: { color: COLOURS[key] },
      hovertemplate: `%{y}: %{x:.3g} ms<extra>${label}</extra>`,
      text: spent[key].map((value) => (value ? digits(value, 3) : "")), textposition: "outside", cliponaxis: false, textfont: { size: 11 },
    });
    const height = 90 + 42 * names.length;
    plotly.newPlot(place, [bar("FP32", "fp32"), bar("INT8", "int8")], layout({
      height, barmode: "group", bargap: 0.3, margin: { l: 10, r: 12, t: 8, b: 40 },
      xaxis: axis("ms, lower is better", { rangemode: "tozero", range: [0, 1.12 * Math.max(...spent.fp32, ...spent.int8)] }), yaxis: axis("", { autorange: "reversed", type: "category", ticksuffix: " " }),
    }), CONFIG);
  }

  function drawSignal(place) {
    const has = (key) => data.layers.some((layer) => layer[key] !== undefined);
    if (!place) return;
    if (!has("output_db") && !has("input_db")) { place.hidden = true; return; }
    const points = (label, key, marker) => ({
      type: "scatter", mode: "markers", name: label, marker,
      x: data.layers.map((_, i) => i + 1), y: data.layers.map((layer) => (layer[key] < NO_NOISE ? layer[key] : null)),
      text: data.layers.map((layer) => plain(short(layer.name))),
      hovertemplate: `%{x}. %{text}<br>%{y:.1f} dB<extra>${label}</extra>`,
    });
    const colours = data.layers.map((layer) => (layer.precision === "int8" ? COLOURS.int8 : COLOURS.fp32));
    const traces = [];
    if (has("input_db")) traces.push(points("inputs, predicted", "input_db", { size: 5, symbol: "circle-open", opacity: 0.8, color: colours }));
    if (has("output_db")) traces.push(points("output, measured (gray: float)", "output_db", { size: 6, color: colours }));
    plotly.newPlot(place, traces, layout({
      height: 260, showlegend: true, xaxis: axis("layer, in the order of the graph"), yaxis: axis("signal over noise, dB"), hovermode: "closest",
    }), CONFIG);
    place.on("plotly_click", (event) => open(event.points[0].pointNumber));
  }

  // One layer.
  const digits = (value, count = 4) => (value === undefined || value === null ? "" : Number(value.toPrecision(count)).toString().replace("-", "\u2212"));
  const span = ([low, high]) => (low === high ? digits(low) : `${digits(low)} to ${digits(high)}`);
  const make = (name, text, className) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  let chosen = null;
  const rowOf = (index) => document.querySelector(`#table-layers tr[data-layer="${index}"]`);

  function facts(layer) {
    const ratio = layer.fp32_ms && layer.int8_ms ? `, ${(layer.fp32_ms / layer.int8_ms).toFixed(1)} times as fast` : "";
    const kernels = layer.kernels ? [...new Set([layer.kernels.fp32, layer.kernels.int8].filter(Boolean))].join(" \u2192 ") : "";
    return [
      ["Type", layer.type],
      ["Decided", layer.precision === "int8" ? "INT8" : `float: ${layer.reason || "no reason recorded"}`],
      ["Ran in", [layer.runtime_precision, layer.output_precisions && `output ${layer.output_precisions}`].filter(Boolean).join(", ")],
      ["Kernel", kernels],
      ["Signal over noise, inputs", layer.input_db === undefined ? "" : `${decibels(layer.input_db)}, predicted from the rounding of its own inputs`],
      ["Signal over noise, output", layer.output_db === undefined ? "" : `${decibels(layer.output_db)}, measured, with all errors before it`],
      ["Time FP32 \u2192 INT8", layer.fp32_ms === undefined || layer.int8_ms === undefined ? "" : `${digits(layer.fp32_ms)} \u2192 ${digits(layer.int8_ms)} ms${ratio}`],
    ].filter(([, text]) => text);
  }

  function outside(range) {
    const { low, high, counts } = range.seen, width = (high - low) / counts.length;
    const total = counts.reduce((sum, count) => sum + count, 0);
    const beyond = counts.reduce((sum, count, i) => {
      const middle = low + (i + 0.5) * width;
      return sum + (middle < range.low || middle > range.high ? count : 0);
    }, 0);
    return total ? (100 * beyond) / total : 0;
  }

  function drawRange(place, range) {
    const { low, high, counts } = range.seen, width = (high - low) / counts.length;
    const step = range.step[0], lines = [];
    if (range.channels === 1 && range.levels <= 1024) {
      for (let i = 0; i < range.levels; i += 1) lines.push(`M${range.low + i * step},0L${range.low + i * step},0.035`);
    }
    const edge = (x) => ({ type: "line", xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1, line: { color: COLOURS.int8, width: 1.5 } });
    const shapes = [
      { type: "rect", xref: "x", yref: "paper", x0: range.low, x1: range.high, y0: 0, y1: 1, fillcolor: COLOURS.int8, opacity: 0.1, line: { width: 0 }, layer: "below" },
      edge(range.low), edge(range.high),
    ];
    if (lines.length) shapes.push({ type: "path", xref: "x", yref: "paper", path: lines.join(""), line: { color: COLOURS.int8, width: 0.7 } });
    const mark = (x, text, anchor) => ({ x, y: 1, xref: "x", yref: "paper", yanchor: "bottom", xanchor: anchor, text, showarrow: false, font: { size: 11 } });
    plotly.newPlot(place, [{
      type: "bar", x: counts.map((_, i) => low + (i + 0.5) * width), y: counts, width, marker: { color: COLOURS.fp32, line: { width: 0 } },
      hovertemplate: "%{x:.4g}: %{y} values<extra></extra>",
    }], layout({
      height: 230, bargap: 0, showlegend: false, margin: { l: 50, r: 12, t: 24, b: 40 }, shapes,
      annotations: [mark(range.low, digits(range.low), "left"), mark(range.high, digits(range.high), "right")],
      xaxis: axis("value, in the tensor's unit"), yaxis: axis("values, logarithmic", { type: "log", dtick: 1, exponentformat: "SI" }),
    }), CONFIG);
  }

  function drawWeights(place, weights) {
    const x = weights.largest.map((_, i) => Math.round((i * weights.channels) / weights.largest.length));
    const bars = { type: "bar", name: "largest", x, y: weights.largest, marker: { color: COLOURS.fp32, line: { width: 0 } }, hovertemplate: "channel %{x}: %{y:.4g}<extra>largest</extra>" };
    const line = (name, y, more) => ({ type: "scatter", mode: "lines", name, x, y, line: { width: 1.3 }, hovertemplate: `channel %{x}: %{y:.4g}<extra>${name}</extra>`, ...more });
    const traces = [bars], hasError = weights.error_db.length > 1;
    if (weights.rms.length > 1) traces.push(line("root mean square", weights.rms));
    if (hasError) traces.push(line("signal over noise", weights.error_db, { yaxis: "y2", showlegend: false }));
    const more = hasError ? { yaxis2: axis("dB", { domain: [0, 0.3] }) } : {};
    plotly.newPlot(place, traces, layout({
      height: hasError ? 320 : 220, bargap: 0.1, xaxis: axis("output channel", { anchor: hasError ? "y2" : "y" }),
      yaxis: axis("absolute weight", { domain: hasError ? [0.4, 1] : [0, 1], rangemode: "tozero" }), ...more,
    }), CONFIG);
  }

  function showRanges(place, layer) {
    place.replaceChildren();
    for (const range of layer.ranges || []) {
      place.append(make("h3", range.seen ? `Activations at input ${range.input}` : `Range at input ${range.input}`));
      const per = range.channels > 1 ? `, own ranges for ${range.channels} channels (widest shown)` : "";
      const share = range.seen ? outside(range) : 0;
      const beyond = !range.seen ? "" : share ? `; ${digits(share, 2)} % of the values lie outside` : "; no value lies outside";
      place.append(make("p", `Range ${digits(range.low)} to ${digits(range.high)}${per}, step ${span(range.step)}, ${range.levels} levels${beyond}.`, "note"));
      if (!range.seen || !plotly) continue;
      const chart = make("div", undefined, "chart");
      place.append(chart);
      drawRange(chart, range);
    }
  }

  function showWeights(place, layer) {
    place.replaceChildren();
    const weights = layer.weights;
    if (!weights) return;
    const some = weights.largest.length < weights.channels ? ` (${weights.largest.length} of them shown)` : "";
    const step = weights.step.length ? `, step ${span(weights.step)}` : "";
    place.append(make("h3", "Weights per output channel"), make("p", `${weights.channels} channels${some}${step}.`, "note"));
    if (!plotly) return;
    const chart = make("div", undefined, "chart");
    place.append(chart);
    drawWeights(chart, weights);
  }

  const detail = $("detail");
  function open(index, focus = true) {
    if (chosen !== null) rowOf(chosen).removeAttribute("aria-current");
    chosen = index;
    const layer = data.layers[index];
    rowOf(index).setAttribute("aria-current", "true");
    $("detail-name").textContent = layer.name;
    const list = facts(layer).flatMap(([label, text]) => [make("dt", label), make("dd", text)]);
    $("detail-facts").replaceChildren(...list);
    detail.hidden = false;
    showRanges($("detail-ranges"), layer);
    showWeights($("detail-weights"), layer);
    detail.scrollTop = 0;
    if (focus) detail.focus();
  }
  function close() {
    if (chosen === null) return;
    detail.hidden = true;
    const row = rowOf(chosen);
    row.removeAttribute("aria-current");
    chosen = null;
    row.focus();
  }
  function move(by) {
    const rows = all("#table-layers tbody tr").filter((row) => !row.hidden);
    const row = rows[rows.indexOf(rowOf(chosen)) + by];
    if (!row) return;
    open(Number(row.dataset.layer), false);
    row.scrollIntoView({ block: "nearest" });
  }
  if (detail) {
    const body = $("table-layers").querySelector("tbody");
    body.addEventListener("click", (event) => {
      const row = event.target.closest("tr");
      if (row && !String(getSelection())) open(Number(row.dataset.layer));
    });
    body.addEventListener("keydown", (event) => {
      const row = event.target.closest("tr");
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(Number(row.dataset.layer)); }
      const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
      if (!step) return;
      event.preventDefault();
      let next = row[step];
      while (next && next.hidden) next = next[step];
      if (next) next.focus();
    });
    detail.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); move(event.key === "ArrowDown" ? 1 : -1); }
    });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
    $("detail-close").addEventListener("click", close);
    $("detail-before").addEventListener("click", () => move(-1));
    $("detail-after").addEventListener("click", () => move(1));
  }

  // A sheet of paper is narrower than the window: charts are drawn anew for it.
  const PAPER_WIDTH = 660; // pixels: A4 and Letter without margins, and a little less
  const charts = () => all(".js-plotly-plot").filter((chart) => !chart.closest("[hidden]"));
  window.addEventListener("beforeprint", () => charts().forEach((chart) => plotly.relayout(chart, { width: PAPER_WIDTH })));
  window.addEventListener("afterprint", () => charts().forEach((chart) => plotly.relayout(chart, { width: null, autosize: true })));

  unpack().then((library) => {
    plotly = library;
    if (!plotly) return;
    drawSpent($("chart-types"), data.types);
    drawSpent($("chart-precisions"), data.precisions);
    drawSignal($("chart-signal"));
    if (chosen !== null) open(chosen, false);
    document.documentElement.dataset.charts = "drawn";
  });
})();
