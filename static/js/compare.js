// Before and after in one frame. Without this script the two pictures stand side by side.
// The range input carries name, value and keyboard; pointers act on the whole picture (drag or a single tap).
import { percent, text } from "./strings.js";

const STEP = 5; // percent per arrow key
const KEYS = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP, PageDown: -20, PageUp: 20 };

function makeRange(frame) {
  const range = document.createElement("input");
  Object.assign(range, { type: "range", min: "0", max: "100", step: "1", value: "50" });
  range.className = "compare-range";
  range.setAttribute("aria-label", text("compare", { name: frame.dataset.compare }));
  return range;
}

function makeBar() {
  const bar = document.createElement("span");
  bar.className = "compare-bar";
  bar.setAttribute("aria-hidden", "true");
  return bar;
}

// `signal` takes the listeners away together with the picture.
export function compare(frame, signal) {
  if (frame.classList.contains("is-live")) return;
  const range = makeRange(frame);
  const set = (value) => {
    const cut = Math.min(100, Math.max(0, value));
    range.value = String(cut);
    frame.classList.remove("is-revealed"); // the reader's hand ends the animation
    range.setAttribute("aria-valuetext", text("compared", { grey: percent(cut / 100), colour: percent(1 - cut / 100) }));
    frame.style.setProperty("--cut", `${cut}%`);
  };
  const follow = (event) => {
    const box = frame.getBoundingClientRect();
    set(((event.clientX - box.left) / box.width) * 100);
  };
  const options = { signal };
  range.addEventListener("input", () => set(Number(range.value)), options);
  range.addEventListener("keydown", (event) => {
    if (!(event.key in KEYS) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    set(Number(range.value) + KEYS[event.key]);
  }, options);
  frame.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // no picture dragging, no text selection
    range.focus({ preventScroll: true });
    frame.setPointerCapture(event.pointerId);
    follow(event);
  }, options);
  frame.addEventListener("pointermove", (event) => {
    if (frame.hasPointerCapture(event.pointerId)) follow(event);
  }, options);
  frame.append(range, makeBar());
  frame.classList.add("is-live");
  set(50);
}

export function compareAll(root = document, signal = undefined) {
  for (const frame of root.querySelectorAll("[data-compare]")) compare(frame, signal);
}
