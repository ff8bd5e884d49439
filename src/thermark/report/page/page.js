// What the page does beyond being read: data sets as tabs, filters, cards with links, figures, the theme.
// Every text goes in as text: nothing here makes HTML of a string.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const made = (tag, text, ...children) => {
    const node = document.createElement(tag);
    if (text) node.textContent = text;
    node.append(...children);
    return node;
  };
  root.classList.add("scripted");

  // Theme: the system's, until the button says otherwise.
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    redraw();
  });
  system.addEventListener("change", () => redraw());

  // Figures: drawn when they come into view, in the colours of the theme and the width that there is.
  const PLAIN = new Set(["data", "datasets", "domain", "sort"]);
  const recoloured = (node) => {
    if (typeof node === "string") return data.dark[node] ?? node;
    if (Array.isArray(node)) return node.map(recoloured);
    if (!node || typeof node !== "object") return node;
    return Object.fromEntries(Object.entries(node).map(([k, v]) => [k, PLAIN.has(k) ? v : recoloured(v)]));
  };
  // Rows of data are packed as columns; a cell that is null was not there.
  const cells = (column) => (Array.isArray(column) ? column : column.at.map((i) => column.texts[i] ?? null));
  const unpacked = (node) => {
    if (Array.isArray(node)) return node.map(unpacked);
    if (!node || typeof node !== "object") return node;
    if (node.columns && typeof node.columns === "object") {
      const columns = Object.entries(node.columns).map(([field, column]) => [field, cells(column)]);
      const row = (_, i) => Object.fromEntries(columns.map(([field, all]) => [field, all[i]]).filter(([, cell]) => cell !== null));
      return { values: Array.from(columns[0]?.[1] ?? [], row) };
    }
    return Object.fromEntries(Object.entries(node).map(([k, v]) => [k, unpacked(v)]));
  };
  const fitted = (spec, width) => {
    const meta = spec.usermeta ?? {};
    const narrow = width < 520;
    delete spec.title;
    if (meta.fluid) Object.assign(spec, { width: Math.max(width, meta.least ?? 0), autosize: { type: "fit-x", contains: "padding" } });
    if (meta.cell) {
      spec.columns = Math.max(2, Math.floor(width / (meta.cell + 20)));
      const part = Math.min(1, (width / spec.columns - 20) / meta.cell);
      Object.assign(spec.spec, { width: spec.spec.width * part, height: spec.spec.height * part });
    }
    spec.config.legend.columns = narrow ? 2 : 4;
    if (narrow) spec.config.axis.labelLimit = 96;
    return spec;
  };
  const draw = async (chart) => {
    const spec = fitted(unpacked(data.figures[chart.dataset.figure]), chart.clientWidth);
    chart.view?.finalize();
    const drawn = await vegaEmbed(chart, dark() ? recoloured(spec) : spec, {
      ast: true, actions: false, renderer: "svg", tooltip: { theme: dark() ? "dark" : "light" },
      defaultStyle: false, logLevel: 1,
    });
    chart.view = drawn.view;
    chart.dataset.drawn = chart.clientWidth;
  };
  const seen = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (!entry.isIntersecting || entry.target.dataset.drawn) return;
    entry.target.dataset.drawn = "soon";
    draw(entry.target);
  }), { rootMargin: "300px" });
  const charts = all(".chart");
  const redraw = () => charts.filter((chart) => chart.dataset.drawn).forEach((chart) => {
    delete chart.dataset.drawn;
    seen.unobserve(chart);
    seen.observe(chart);
  });
  let resizing;
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(resizing);
    resizing = setTimeout(redraw, 200);
  });

  // Data sets as tabs: one is shown, the others are hidden.
  const sets = all("[data-part]");
  const show = (name) => {
    sets.forEach((section) => { section.hidden = section.dataset.part !== name; });
    all("[data-set]").forEach((a) => a.closest(".jump, .answer") && mark(a.closest(".answer") ?? a, a.dataset.set === name));
  };
  const mark = (node, on) => (on ? node.setAttribute("aria-current", "true") : node.removeAttribute("aria-current"));

  // Sorting is by the library, on a click in a header; a button makes it reachable by keyboard.
  all("table.sortable thead th:not(.no-sort)").forEach((th) => {
    const button = made("button", th.textContent);
    button.type = "button";
    th.replaceChildren(button);
  });

  // Filters: they choose among answers, and rows of every leaderboard.
  const filters = document.getElementById("filters");
  filters.addEventListener("submit", (event) => event.preventDefault());
  const fits = (row, boxes, trained, text) =>
    (boxes === "any" || row.dataset.boxes === boxes) &&
    (trained === "any" || (trained === "rgb" ? row.dataset.trained === "rgb" : row.dataset.trained !== "own")) &&
    row.dataset.name.toLowerCase().includes(text.toLowerCase());
  const filter = () => {
    const { boxes, trained, text } = Object.fromEntries(new FormData(filters));
    const rows = all("[data-board] tbody tr");
    rows.forEach((row) => { row.hidden = !fits(row, boxes, trained, text.trim()); });
    const open = rows.filter((row) => !row.closest("[data-part]").hidden);
    document.getElementById("count").textContent = `${open.filter((row) => !row.hidden).length} of ${open.length} contestants below`;
    all("[data-answer]").forEach((article) => {
      const name = article.dataset.answer;
      const answer = data.answers[name][`${boxes}/${trained}`];
      const link = made("a", answer.best);
      link.href = `#${encodeURIComponent(name)}/${encodeURIComponent(answer.best)}`;
      article.querySelector(".best").replaceChildren(answer.best ? link : "none");
      all("[data-say]", article).forEach((node) => { node.textContent = answer[node.dataset.say]; });
    });
  };
  filters.addEventListener("input", filter);

  // Cards: #<data set>/<contestant> opens one, closing it leaves #<data set>.
  const card = document.getElementById("card");
  const facts = (pairs) => made("dl", "", ...pairs.flatMap(([name, value]) => [made("dt", name), made("dd", value)]));
  const opened = (key) => {
    const own = data.cards[key];
    document.getElementById("card-title").textContent = own.contestant;
    const body = [made("p", `on ${data.common[own.dataset][0][1]}`), facts(own.facts), made("h3", "Protocol and data"), facts(data.common[own.dataset])];
    if (own.metrics) {
      const rows = own.metrics.map(([label, value, ends]) => [data.labels[label], ends ? `${value} (95 % interval ${ends})` : value]);
      body.splice(2, 0, made("h3", "Every metric"), facts(rows));
    }
    document.getElementById("card-body").replaceChildren(...body);
    if (!card.open) card.showModal();
    card.scrollTop = 0;
  };
  const decoded = (text) => { try { return decodeURIComponent(text); } catch { return ""; } };
  const follow = () => {
    const [first, ...rest] = location.hash.slice(1).split("/");
    const name = decoded(first).replace(/^set-/, "");
    const key = `${name}/${decoded(rest.join("/"))}`;
    if (Object.hasOwn(data.common, name)) {
      show(name);
      filter();
    }
    if (Object.hasOwn(data.cards, key)) opened(key);
    else if (card.open) card.close();
    if (first.startsWith("set-")) document.getElementById(decoded(first))?.scrollIntoView();
  };
  card.addEventListener("close", () => {
    const [first, ...rest] = location.hash.slice(1).split("/");
    if (rest.length) history.replaceState(null, "", `#${first}`);
  });
  card.addEventListener("click", (event) => event.target === card && card.close());
  addEventListener("hashchange", follow);

  if (sets.length) show(sets[0].dataset.part);
  filter();
  follow();
  charts.forEach((chart) => seen.observe(chart));
})();
