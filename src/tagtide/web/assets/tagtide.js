// Makes the pages quicker. Every page can be read, and every action taken, without this file.

const root = document.documentElement;
const typing = (element) =>
  element.closest("input:not([type='checkbox'], [type='radio']), textarea, select, [contenteditable]") !== null;

// --- light and dark ---------------------------------------------------------------------------------

function toggleTheme() {
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
  drawAll(true);
}

// --- charts -----------------------------------------------------------------------------------------

let drawing = null;

function library(figure) {
  drawing ??= import(figure.dataset.library);
  return drawing;
}

const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

function look() {
  const ink = colour("--ink"), soft = colour("--soft"), line = colour("--line");
  return {
    background: "transparent",
    font: getComputedStyle(document.body).fontFamily,
    view: { stroke: null },
    axis: { domainColor: line, gridColor: line, tickColor: line, labelColor: soft, titleColor: soft, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
    legend: { labelColor: soft, titleColor: soft, labelFontSize: 12 },
    header: { labelColor: soft, titleColor: soft },
    text: { color: ink, fontSize: 12 },
    line: { color: colour("--c1") },
    area: { color: colour("--c1") },
    bar: { color: colour("--c1") },
    point: { color: colour("--c1") },
    rule: { color: soft },
    range: { category: [1, 2, 3, 4, 5, 6, 7, 8].map((n) => colour(`--c${n}`)) },
  };
}

async function draw(figure) {
  const plot = figure.querySelector(".plot");
  const spec = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
  try {
    await library(figure);
    figure.view?.finalize();
    const { view } = await window.vegaEmbed(plot, spec, {
      // No evaluated strings and no styles but ours: the content security policy allows neither.
      ast: true, defaultStyle: false, tooltip: { disableDefaultStyle: true, theme: "ours" },
      actions: false, renderer: "svg", config: look(),
      // Errors only: of a field whose values are all unknown it would warn on every page that has one.
      logLevel: 1,
    });
    figure.view = view;
    figure.dataset.drawn = "yes";
    plot.setAttribute("aria-hidden", "true");
  } catch (error) {
    plot.hidden = true;
    figure.querySelector("details").open = true;
    console.warn("A chart could not be drawn; its table is open instead.", error.message);
  }
}

function drawAll(again = false) {
  for (const figure of document.querySelectorAll("figure[data-library]")) {
    if (again ? figure.view : !figure.dataset.seen) {
      figure.dataset.seen = "yes";
      draw(figure);
    }
  }
}

// --- keys -------------------------------------------------------------------------------------------

const items = () => [...document.querySelectorAll("[data-item]")];
const current = () => document.querySelector("[data-item].on");

function step(by) {
  const all = items();
  if (!all.length) return;
  const now = all.indexOf(current());
  const next = all[Math.min(all.length - 1, Math.max(0, now < 0 ? 0 : now + by))];
  current()?.classList.remove("on");
  next.classList.add("on");
  next.scrollIntoView({ block: "nearest" });
  (next.querySelector("a, button, input") ?? next).focus({ preventScroll: true });
}

function press(key) {
  // What a key does is written on the button or link itself: data-key, within the item or the page.
  const found = [...(current()?.querySelectorAll("[data-key]") ?? []), ...document.querySelectorAll("[data-key]:not([data-item] [data-key])")];
  const target = found.find((element) => element.dataset.key === key && !element.closest("[hidden], dialog:not([open])"));
  if (!target) return false;
  target.matches("input, textarea, select") ? target.focus() : target.click();
  return true;
}

function palette() {
  const dialog = document.getElementById("palette");
  const input = dialog.querySelector("input");
  const links = [...dialog.querySelectorAll("li")];
  const shown = () => links.filter((entry) => !entry.hidden);
  const mark = (entry) => {
    dialog.querySelector(".on")?.classList.remove("on");
    entry?.querySelector("a").classList.add("on");
  };
  input.value = "";
  links.forEach((entry) => (entry.hidden = false));
  mark(links[0]);
  input.oninput = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    links.forEach((entry) => (entry.hidden = !words.every((word) => entry.textContent.toLowerCase().includes(word))));
    mark(shown()[0]);
  };
  input.onkeydown = (event) => {
    const all = shown();
    const now = all.findIndex((entry) => entry.querySelector(".on"));
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark(all[(now + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]);
      dialog.querySelector(".on")?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      const chosen = dialog.querySelector("li:not([hidden]) .on");
      chosen ? chosen.click() : (location.href = `/search?q=${encodeURIComponent(input.value)}`);
    }
  };
  dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    palette();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  const acts = {
    "/": () => document.getElementById("search")?.focus(),
    "?": () => document.getElementById("keys").showModal(),
    j: () => step(1),
    k: () => step(-1),
  };
  if (acts[event.key]) {
    event.preventDefault();
    acts[event.key]();
  } else if (event.key.length === 1 && press(event.key)) {
    event.preventDefault();
  }
});

// --- clicks -----------------------------------------------------------------------------------------

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  const act = button.dataset.do;
  if (act === "theme") toggleTheme();
  if (act === "palette") palette();
  if (act === "keys") document.getElementById("keys").showModal();
  if (act === "close") button.closest("dialog").close();
  if (act === "all") document.querySelectorAll(`input[name="${button.dataset.name}"]`).forEach((box) => (box.checked = button.checked));
  if (act === "copy") {
    const from = document.getElementById(button.dataset.from);
    await navigator.clipboard.writeText(from.value ?? from.textContent);
    button.textContent = "Copied";
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-go]") && event.target.value) location.href = event.target.value;
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// --- what goes on by itself ---------------------------------------------------------------------------

let stream = null;

// An element that names its events is fetched again when the server says that it has changed.
function follow() {
  const place = document.querySelector("[data-events]");
  if (stream && place?.dataset.events === stream.followed) return;
  stream?.close();
  stream = null;
  if (!place) return;
  stream = new EventSource(place.dataset.events);
  stream.followed = place.dataset.events;
  stream.addEventListener("state", async (event) => {
    const now = document.querySelector("[data-events]");
    const before = stream.mark ?? now?.dataset.mark;
    const mark = (stream.mark = JSON.parse(event.data).mark);
    if (!now || mark === (before ?? mark)) return;
    await htmx.ajax("GET", location.href, { target: `#${now.id}`, select: `#${now.id}`, swap: "outerMorph" });
    follow();
  });
  stream.addEventListener("end", () => stream?.close());
}

document.querySelectorAll("[data-no-script]").forEach((element) => (element.hidden = true));
document.querySelectorAll("[data-needs-script]").forEach((element) => (element.hidden = false));
document.addEventListener("htmx:after:swap", () => {
  document.querySelectorAll("[data-no-script]").forEach((element) => (element.hidden = true));
  drawAll();
  follow();
});
drawAll();
follow();
