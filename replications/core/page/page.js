// What the page does: two languages, light and dark, figures, tables with filters, sliders.
const root = document.documentElement;
const data = JSON.parse(document.getElementById("data").textContent);
const FIELDS = ["replication", "role", "split", "task", "metric"];
const NAMES = {
  replication: { ko: "재현", en: "replication" }, run: { ko: "실행", en: "run" },
  role: { ko: "역할", en: "role" }, along: { ko: "축·조건", en: "axis, condition" },
  split: { ko: "집합", en: "split" }, task: { ko: "작업", en: "task" },
  metric: { ko: "지표", en: "metric" }, unit: { ko: "단위", en: "unit" },
  mean: { ko: "평균", en: "mean" }, sd: { ko: "표준편차", en: "sd" }, seeds: { ko: "시드", en: "seeds" },
  parameters: { ko: "매개변수", en: "parameters" }, flops: { ko: "연산량", en: "operations" },
  latency_ms: { ko: "지연 (ms)", en: "latency (ms)" }, training_s: { ko: "학습 (초)", en: "training (s)" },
  peak_memory_mb: { ko: "최대 메모리 (MB)", en: "peak memory (MB)" },
};
const TABLES = {
  ko: { emptyTable: "없음", zeroRecords: "없음", info: "_TOTAL_행 중 _START_–_END_", infoEmpty: "0행",
    infoFiltered: "(전체 _MAX_행)", lengthMenu: "_MENU_행씩",
    paginate: { first: "처음", last: "끝", next: "다음", previous: "이전" },
    aria: { orderable: "정렬", orderableReverse: "거꾸로 정렬", orderableRemove: "정렬 해제" } },
  en: { info: "_START_–_END_ of _TOTAL_ rows", infoEmpty: "0 rows", infoFiltered: "(of _MAX_)",
    lengthMenu: "_MENU_ rows", zeroRecords: "none",
    paginate: { first: "first", last: "last", next: "next", previous: "previous" } },
};

// A text in both languages becomes the one that is read.
function localised(value) {
  if (Array.isArray(value)) return value.map(localised);
  if (value === null || typeof value !== "object") return value;
  if ("ko" in value && "en" in value) return value[root.lang];
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, localised(own)]));
}

function draw(element) {
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const { data: traces, layout } = localised(data.plots[element.dataset.plot]);
  const axis = (own) => ({
    automargin: true, gridcolor: colour("--line"), zerolinecolor: colour("--quiet"), linecolor: colour("--line"), ...own,
  });
  Plotly.react(element, traces, {
    ...layout, xaxis: axis(layout.xaxis), yaxis: axis(layout.yaxis),
    margin: { l: 55, r: 12, t: 8, b: 45, ...layout.margin },
    paper_bgcolor: "transparent", plot_bgcolor: "transparent", font: { color: colour("--ink"), size: 12 },
    hoverlabel: { bgcolor: colour("--paper"), font: { color: colour("--ink") } },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom" }, hovermode: "closest",
  }, { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] });
}

// One after the other, so that the page can be read meanwhile.
async function drawAll() {
  for (const element of document.querySelectorAll("[data-plot]")) {
    draw(element);
    await new Promise((done) => setTimeout(done));
  }
  root.dataset.drawn = root.lang + (root.classList.contains("dark") ? " dark" : "");
}

const packed = Uint8Array.from(atob(document.getElementById("tables").textContent), (c) => c.charCodeAt(0));
const { default: DataTable } = await import(URL.createObjectURL(new Blob([packed], { type: "text/javascript" })));

const form = document.getElementById("filters");
const chosen = () => Object.fromEntries(FIELDS.map((field) => [field, form.elements[field].value]));
const passes = (row, own, except) =>
  FIELDS.every((field) => field === except || !own[field] || row[field].en === own[field]);
let values;

function column(name) {
  const numeric = typeof data.values[0]?.[name] === "number" || name in (data.costs[0] ?? {}) && typeof data.costs[0][name] === "number";
  const shown = (value) => value === null || value === undefined ? "" : Number.isInteger(value) ? value.toLocaleString("en") : value.toPrecision(4);
  return {
    title: localised(NAMES[name]), type: numeric ? "num" : "html",
    data: (row, kind) => numeric ? (kind === "display" ? shown(row[name]) : row[name]) : localised(row[name]),
  };
}

function table(id, rows, names, more) {
  const element = document.getElementById(id);
  if (DataTable.isDataTable(element)) { new DataTable.Api(element).destroy(); element.replaceChildren(); }
  return new DataTable(element, {
    data: rows, columns: names.map(column), language: TABLES[root.lang], order: [], autoWidth: false, ...more,
  });
}

function tabulate() {
  values = table("values", data.values,
    ["replication", "run", "role", "along", "split", "task", "metric", "unit", "mean", "sd", "seeds"],
    { pageLength: 25, layout: { topStart: null, topEnd: null, bottomStart: ["info", "pageLength"], bottomEnd: "paging" } });
  table("cost-table", data.costs,
    ["replication", "run", "role", "parameters", "flops", "latency_ms", "training_s", "peak_memory_mb"],
    { paging: false, layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null } });
  filter();
}

// The rows that pass; and in every list what can be chosen beside the other choices.
function filter() {
  const own = chosen();
  for (const field of FIELDS) {
    const list = form.elements[field];
    const found = new Map(data.values.filter((row) => passes(row, own, field)).map((row) => [row[field].en, localised(row[field])]));
    if (own[field] && !found.has(own[field])) found.set(own[field], own[field]);
    const plain = (text) => new DOMParser().parseFromString(text, "text/html").body.textContent;
    list.replaceChildren(new Option(root.lang === "ko" ? "모두" : "all", ""), ...[...found].map(([key, text]) => new Option(plain(text), key)));
    list.value = own[field];
  }
  values.search.fixed("filters", (_, row) => passes(row, own));
  values.search(form.elements.search.value).draw();
}

function slide(input) {
  const pictures = input.closest(".card").querySelector(".slide");
  pictures.style.setProperty("--first", `${Math.min(input.value, 100)}%`);
  pictures.style.setProperty("--second", `${Math.max(input.value - 100, 0)}%`);
}

document.getElementById("language").addEventListener("click", () => {
  root.lang = root.lang === "ko" ? "en" : "ko";
  localStorage.setItem("language", root.lang);
  tabulate();
  drawAll();
});
document.getElementById("theme").addEventListener("click", () => {
  localStorage.setItem("theme", root.classList.toggle("dark") ? "dark" : "light");
  drawAll();
});
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(filter));
document.querySelectorAll(".slider input").forEach((input) => input.addEventListener("input", () => slide(input)));
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));

// Of what was trained for, the test split comes first.
form.elements.split.append(new Option("", "test", true, true));
tabulate();
form.elements.split.value = "test";
filter();
await drawAll();
