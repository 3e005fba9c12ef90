// Every page: sliders, countdowns, questions before deletion, and pages of photos that are still being coloured.
import { setClock } from "./api.js";
import { compareAll } from "./compare.js";
import { confirmDelete } from "./confirm.js";
import { countdown } from "./countdown.js";
import { history } from "./history.js";
import { keys } from "./keys.js";
import { pause, persist, watch } from "./patience.js";
import { say } from "./say.js";
import { settings } from "./settings.js";
import { plural, number, text } from "./strings.js";
import { erase, rememberAll, settle } from "./thumbnails.js";
import { behind, renew } from "./versions.js";

const AGAIN = 10000; // milliseconds until a page is read again after an error that is not about its photo
const page = new AbortController();
const { signal } = page;

// The server's seconds at rendering; good enough until the first answer of the API brings the Date header.
setClock(Number(document.documentElement.dataset.now) * 1000);

function startCountdowns() {
  for (const element of document.querySelectorAll("[data-expires]")) {
    countdown(element, Date.parse(element.dataset.expires), signal, () => location.reload());
  }
}

function askBeforeDeleting() {
  for (const form of document.querySelectorAll("form[data-confirm]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (!(await confirmDelete(form.dataset.confirm, form.dataset.dialog))) return;
      if (form.dataset.erase) await erase(form.dataset.erase);
      form.submit();
    }, { signal });
  }
}

// Forms that have asked already, and signing out: this device forgets first.
function eraseBeforeSending() {
  const forms = document.querySelectorAll("form[data-erase]:not([data-confirm]), form[action='/accounts/logout/']");
  for (const form of forms) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      await erase(form.dataset.erase ?? "*");
      form.submit();
    }, { signal });
  }
}

async function pictures() {
  await settle();
  await history();
  await rememberAll();
}

function startKeys() {
  for (const root of document.querySelectorAll("[data-keys]")) {
    keys(root, {
      download: () => (document.activeElement.closest("article") ?? root).querySelector("[data-download]")?.click(),
      remove: () => root.querySelector("form[data-confirm]")?.requestSubmit(),
    }, signal);
  }
}

function describe(job) {
  const place = job.state === "queued" && job.position > 0 ? text("position", { n: number(job.position) }) : text("colouring");
  const eta = job.eta_s == null ? "" : plural("about", Math.max(1, Math.round(job.eta_s)));
  return [place, eta].filter(Boolean).join(", ");
}

// A photo opened while it is in work: its lines follow the jobs. Its own page takes in what becomes ready; another page
// is read again when all is done.
async function follow(element) {
  const grows = "versions" in element.dataset;
  let reading = null;
  const take = (photo) => {
    if (!grows || reading || !behind(element, photo)) return;
    reading = renew(element, signal).catch(() => {}).finally(() => (reading = null));
  };
  const show = (photo) => {
    for (const job of photo.jobs) {
      const line = element.querySelector(`[data-job="${job.id}"]`);
      if (line && ["queued", "running"].includes(job.state)) line.textContent = describe(job);
    }
    const ready = element.querySelector("[data-ready]");
    if (ready) ready.textContent = text("some_ready", { ready: number(photo.ready), n: number(photo.jobs.length) });
    take(photo);
  };
  const offline = () => {
    const notice = document.getElementById("connection");
    if (notice) notice.hidden = false;
    say(text("offline"));
  };
  try {
    const photo = await watch(element.dataset.watch, { signal, show, offline });
    await reading;
    if (grows && !photo.deleted) return await persist(() => renew(element, signal), signal, offline);
  } catch (error) {
    const gone = error.status === 404 || error.status === 410;
    if (!gone) await pause(AGAIN, signal);
  }
  location.reload(); // also when the photo is gone: the page then says so
}

compareAll();
startCountdowns();
askBeforeDeleting();
eraseBeforeSending();
startKeys();
pictures();
for (const element of document.querySelectorAll("[data-watch]")) follow(element);
for (const form of document.querySelectorAll("form.again[data-settings]")) settings(form);
