// The page of a photo in work: what is new is taken from the page as the server writes it by now. What a reader looks at
// stays where it is, with its slider.
import { getPage } from "./api.js";
import { compareAll } from "./compare.js";
import { countdown } from "./countdown.js";
import { say } from "./say.js";
import { rememberAll } from "./thumbnails.js";

const ACTIVE = ["queued", "running"];

function replace(old, fresh, signal) {
  const hadFocus = old.contains(document.activeElement);
  old.replaceWith(fresh);
  compareAll(fresh, signal);
  rememberAll(fresh);
  if (hadFocus) fresh.focus();
  const news = fresh.querySelector(".state, .problem p");
  const ended = fresh.dataset.state && !ACTIVE.includes(fresh.dataset.state);
  return ended && news ? `${fresh.querySelector("h2").textContent}: ${news.textContent}` : "";
}

function copy(page, id) {
  const old = document.getElementById(id);
  const fresh = page.getElementById(id);
  if (old && fresh) old.replaceWith(fresh);
  return fresh;
}

// Reads the page again and puts in what looks different.
export async function renew(root, signal) {
  const page = new DOMParser().parseFromString(await getPage(location.pathname, signal), "text/html");
  const news = [...root.querySelectorAll("[data-look]")].map((old) => {
    const fresh = page.getElementById(old.id);
    return fresh && fresh.dataset.look !== old.dataset.look ? replace(old, fresh, signal) : "";
  });
  copy(page, "ready");
  const until = copy(page, "until");
  const clock = until?.querySelector("[data-expires]");
  if (clock) countdown(clock, Date.parse(clock.dataset.expires), signal, () => location.reload());
  const said = news.filter(Boolean).join(". ");
  if (said) say(said);
}

// Whether the page shows less than is known of `photo`.
export function behind(root, photo) {
  const stale = (job) => document.getElementById(`version-${job.id}`)?.dataset.state !== job.state;
  const undrawn = photo.preview && root.querySelector("[data-look='']");
  return photo.jobs.some(stale) || Boolean(undrawn);
}
