// Small things that every part of the map uses. All parts are joined into one module by map.py.
// Text reaches the document through textContent only.

const REMEMBERED = "rsviz-map:";

/** A new element with a class, attributes and children (strings become text). */
function el(tag, className = "", attributes = {}, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.map((c) => (typeof c === "string" ? document.createTextNode(c) : c)));
  return node;
}

/** A button that says in words what it does. */
function button(text, label, onClick) {
  const node = el("button", "tool", { type: "button", "aria-label": label, title: label }, text);
  node.addEventListener("click", onClick);
  return node;
}

/** What this browser tab remembers under a name; null when nothing (or storage is forbidden). */
function recall(name) {
  try {
    return JSON.parse(sessionStorage.getItem(REMEMBERED + name));
  } catch {
    return null;
  }
}

function remember(name, value) {
  try {
    sessionStorage.setItem(REMEMBERED + name, JSON.stringify(value));
  } catch {
    // Storage is full or forbidden: the view is then forgotten on a reload, nothing else.
  }
}

// Between the start of a rerun and the drawing of its map, Streamlit counts the map's files as
// unused, and another visitor's rerun may sweep them away; they are back a moment later. So every
// file is asked for again before it is given up.
const WAITS = [200, 500, 1000, 2000, 4000];

/** An address within the app as a whole one. */
function absolute(url) {
  return new URL(url, document.baseURI).href;
}

/** Do what may fail for a moment; `attempt` is given the number of failures so far. */
async function patiently(attempt) {
  for (const [failures, wait] of WAITS.entries()) {
    try {
      return await attempt(failures);
    } catch {
      await new Promise((done) => setTimeout(done, wait));
    }
  }
  return attempt(WAITS.length);
}

/** Fetch a file once; the promise is shared. */
const fetched = new Map();
function bytes(url) {
  if (!fetched.has(url)) {
    const answer = patiently(async () => {
      const response = await fetch(absolute(url));
      if (!response.ok) throw new Error(`${response.status} for ${url}`);
      return response.arrayBuffer();
    });
    answer.catch(() => fetched.delete(url));
    fetched.set(url, answer);
  }
  return fetched.get(url);
}

/** A style sheet in its place, once it has arrived. */
function style(url, parent) {
  return patiently(
    () =>
      new Promise((done, failed) => {
        const link = el("link", "", { rel: "stylesheet", href: absolute(url) });
        link.onload = done;
        link.onerror = () => (link.remove(), failed(new Error(`${url} did not load`)));
        parent.append(link);
      }),
  );
}

/** Three significant digits, without exponents where people do not expect them. */
function number(value) {
  if (!Number.isFinite(value)) return "no data";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  if (size >= 1000) return value.toFixed(0);
  return String(Number(value.toPrecision(3)));
}

function distance(metres) {
  return metres >= 1000 ? `${metres / 1000} km` : metres >= 1 ? `${metres} m` : `${metres * 100} cm`;
}

/** The largest of 1, 2, 5 x 10^n that is not greater than a limit. */
function roundDown(limit) {
  const power = 10 ** Math.floor(Math.log10(limit));
  const step = [5, 2, 1].find((s) => s * power <= limit * (1 + 1e-9)) ?? 1;
  return step * power;
}
