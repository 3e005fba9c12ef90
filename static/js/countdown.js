// "deleted in 9:41", kept by the server's clock.
import { now } from "./api.js";
import { dateTime, text } from "./strings.js";

const written = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

// Writes into `element` each second until `expires` (milliseconds), then calls `gone` once. A photo that its owner keeps
// shows the date.
export function countdown(element, expires, signal, gone, kept = null) {
  const tick = () => {
    const left = (expires - now()) / 1000; // rounded down: the server tells its clock in whole seconds
    if (left > 0) {
      element.textContent = kept ? text("kept_until", { time: dateTime(expires) }) : text("deleted_in", { time: written(Math.floor(left)) });
      return;
    }
    clearInterval(timer);
    gone();
  };
  const timer = setInterval(tick, 1000);
  signal?.addEventListener("abort", () => clearInterval(timer), { once: true });
  tick();
}
