// One photo from choice to deletion. Every card owns one AbortController: when the card goes, its upload, polling,
// timers and listeners go with it. Markup comes from <template id="card">; user input only ever becomes textContent.
import { Refused, cancelJob, deletePhoto, getPhoto } from "./api.js";
import { bring } from "./bring.js";
import { compare } from "./compare.js";
import { confirmDelete } from "./confirm.js";
import { countdown } from "./countdown.js";
import { preview, reduce, refuse, refuseSize } from "./file.js";
import { keys } from "./keys.js";
import { persist, watch } from "./patience.js";
import { say } from "./say.js";
import { clockTime, dateTime, fileSize, percent, plural, number, text } from "./strings.js";
import { erase, remember } from "./thumbnails.js";

const template = document.getElementById("card");

const GONE = ["expired", "not_found"]; // codes of an answer about a photo that was here

// The picture, or null where it did not come.
async function picture(url, alt) {
  const image = new Image();
  image.alt = alt;
  image.src = url;
  return image.decode().then(() => image, () => null);
}

const ended = (photo) => photo.jobs.filter((job) => !["queued", "running"].includes(job.state)).length;

// What to say about a photo that went at its deadline, or earlier because its owner said so.
function epitaph({ deleted, expires, kept }) {
  const went = Date.parse(deleted);
  const deadline = Date.parse(expires ?? deleted);
  if (went < deadline) return text("deleted_at", { time: clockTime(went) });
  if (kept && Date.parse(kept) >= deadline) return text("elapsed", { time: dateTime(deadline) });
  return text("expired", { time: clockTime(deadline) });
}

export class Card {
  state = "chosen"; // chosen, refused, sending, waiting, ready, failed, expired, gone
  #control = new AbortController();
  #photo = null;

  // `changed(card)` is called after every change of state.
  constructor(name, changed) {
    this.name = name;
    this.changed = changed;
    this.root = template.content.firstElementChild.cloneNode(true);
    this.#wire();
  }

  get id() {
    return this.#photo?.id;
  }

  part(name) {
    return this.root.querySelector(`[data-part="${name}"]`);
  }

  #wire() {
    const { signal } = this.#control;
    this.part("name").textContent = this.name;
    this.part("tile-name").textContent = this.name;
    for (const unseen of this.root.querySelectorAll(".unseen")) unseen.textContent = ` ${this.name}`;
    const bar = this.part("progress");
    bar.setAttribute("aria-label", `${bar.getAttribute("aria-label")} ${this.name}`);
    const act = { remove: () => this.remove(), cancel: () => this.cancel(), delete: () => this.delete() };
    for (const [name, action] of Object.entries(act)) {
      this.part(name).addEventListener("click", action, { signal });
    }
    this.part("dismiss").addEventListener("click", () => this.dismiss()); // outlives `fail`
    const ready = (action) => () => this.state === "ready" && action();
    keys(this.root, {
      download: ready(() => this.part("download").click()),
      remove: () => (this.state === "ready" ? this.delete() : this.state === "chosen" && this.remove()),
    }, signal);
    this.#paint();
  }

  // A file just chosen; the card is in the page already, so that a refusal can take the focus.
  async open(file, limits, suffixes) {
    this.file = file;
    this.part("facts").textContent = fileSize(file.size);
    const refusal = refuse(file, limits, suffixes);
    if (refusal) return this.fail(refusal, "refused");
    const canvas = this.part("canvas");
    const size = await preview(file, canvas);
    if (!size || !canvas.isConnected) return; // the tile with the name stays, or the colour was faster
    canvas.hidden = false;
    this.part("tile").hidden = true;
    this.#facts(size.width, size.height);
    const tooLarge = this.state === "chosen" && refuseSize(this.name, size.width, size.height, limits);
    if (tooLarge) this.fail(tooLarge, "refused");
  }

  #facts(width, height) {
    const bytes = this.file?.size ?? this.#photo?.bytes;
    this.part("facts").textContent = [`${number(width)} × ${number(height)} px`, fileSize(bytes)].join(" · ");
  }

  // Shows what belongs to the state; CSS does nothing that a reader would miss.
  #paint(sentence = "") {
    this.root.dataset.state = this.state;
    const busy = this.state === "sending" || this.state === "waiting";
    this.part("remove").hidden = this.state !== "chosen";
    this.part("cancel").hidden = !busy;
    this.part("progress").hidden = !busy;
    for (const name of ["download", "delete", "page", "countdown"]) this.part(name).hidden = this.state !== "ready";
    this.part("status").textContent = sentence;
    this.changed(this);
  }

  #to(state, sentence) {
    this.state = state;
    this.#paint(sentence);
  }

  fail(sentence, state = "failed") {
    this.#control.abort();
    this.#control = new AbortController();
    this.#to(state, "");
    this.#complain(sentence);
  }

  #complain(sentence) {
    this.part("error-text").textContent = sentence;
    this.part("error").hidden = false;
    this.part("error").focus();
  }

  // An error about a photo that is still there takes only itself away.
  dismiss() {
    if (this.state !== "ready") return this.remove();
    this.part("error").hidden = true;
    this.root.focus();
  }

  // Send was pressed: from now on the photo is not sent a second time, though others may go first.
  lineUp() {
    this.#to("sending", text("waiting"));
    this.part("progress").removeAttribute("value");
  }

  async send(wishes, smaller) {
    const { signal } = this.#control;
    if (signal.aborted) return; // cancelled while others went first
    this.#to("sending", text("preparing"));
    try {
      const { file, name } = smaller ? await reduce(this.file) : this;
      const progress = (share) => this.#sent(share);
      this.follow(await bring(file, name, wishes, { signal, progress, offline: () => this.#offline() }));
    } catch (error) {
      this.#caught(error);
    }
  }

  #sent(share) {
    this.part("progress").value = share;
    this.part("status").textContent = share < 1 ? text("sending", { share: percent(share) }) : text("checking");
  }

  #offline() {
    this.part("status").textContent = text("offline");
    say(text("offline"));
  }

  #caught(error) {
    if (error.name === "AbortError") return;
    const refused = error instanceof Refused;
    if (GONE.includes(error.code)) return this.#bury(error.code === "expired" ? error.message : text("gone"));
    this.fail(refused ? error.message : text("internal"));
    if (!refused) throw error; // a fault of ours, for the console as well
  }

  // Waits for a photo that the server has (just sent, or found again after a reload).
  async follow(photo) {
    this.#photo = photo;
    this.file = null; // the device's copy is not needed any more
    this.#to("waiting", text("waiting"));
    this.part("page").href = `/photos/${photo.id}/`;
    const { signal } = this.#control;
    try {
      const ended = await watch(photo.id, { signal, show: (seen) => this.#wait(seen), offline: () => this.#offline() });
      await this.#end(ended);
    } catch (error) {
      this.#caught(error);
    }
  }

  // Several versions are looked at on the photo's own page; the card counts them and leads there.
  #many(photo) {
    if (photo.jobs.length < 2) return "";
    this.part("page").hidden = false;
    this.part("page-text").textContent = text("versions");
    this.part("page").className = "button primary";
    this.part("download").before(this.part("page"));
    return text("some_ready", { ready: number(photo.ready), n: number(photo.jobs.length) });
  }

  #wait(photo) {
    const job = photo.jobs.find((one) => one.state === "running") ?? photo.jobs.find((one) => one.state === "queued") ?? photo.jobs[0];
    const eta = job.eta_s == null ? "" : plural("about", Math.max(1, Math.round(job.eta_s)));
    const queued = job.state === "queued" && job.position > 0;
    const place = queued ? text("position", { n: number(job.position) }) : text("colouring");
    const bar = this.part("progress");
    const many = this.#many(photo);
    if (many) bar.value = ended(photo) / photo.jobs.length;
    else if (job.progress > 0) bar.value = job.progress;
    else bar.removeAttribute("value");
    const sentence = many || [place, eta].filter(Boolean).join(", ");
    if (this.part("status").textContent !== sentence) this.part("status").textContent = sentence;
  }

  async #end(photo) {
    const job = photo.jobs.find((one) => one.state === "done") ?? photo.jobs[0];
    const { signal } = this.#control;
    this.#photo = photo;
    if (photo.deleted) return this.#bury(epitaph(photo));
    if (job.state === "cancelled") return this.remove();
    if (job.state !== "done") return this.fail(job.error?.detail ?? text("internal"));
    await this.#reveal(photo, job);
    if (signal.aborted) return; // cancelled while the pictures came
    const seconds = Math.max(1, Math.round((Date.parse(job.finished) - Date.parse(job.created)) / 1000));
    const sentence = this.#many(photo) || plural("ready", seconds);
    this.#to("ready", sentence);
    this.part("download").hidden = photo.jobs.length > 1;
    say(`${sentence}: ${this.name}`);
    this.part("download").href = job.download;
    countdown(this.part("countdown"), Date.parse(photo.expires), signal, () => this.#bury(epitaph(photo)), photo.kept);
  }

  // Asks for a picture until somebody answers; null where the answer is that the photo is there and the picture is not.
  #picture(url, alt) {
    const { signal } = this.#control;
    const ask = async () => {
      const first = await picture(url, alt);
      if (first) return first;
      const photo = await getPhoto(this.id, signal);
      if (photo.deleted) throw new Refused(410, "expired", epitaph(photo));
      return picture(url, alt);
    };
    return persist(ask, signal, () => this.#offline());
  }

  async #reveal(photo, job) {
    const frame = this.part("compare");
    const before = await this.#picture(photo.preview, text("alt_before", { name: this.name }));
    const after = await this.#picture(job.preview, text("alt_after", { name: this.name }));
    if (!before || !after) return; // the download is there all the same
    frame.dataset.compare = this.name;
    frame.querySelector(".before").prepend(before);
    frame.querySelector(".after").prepend(after);
    remember(photo.id, after);
    compare(frame, this.#control.signal);
    frame.hidden = false;
    this.part("canvas").remove();
    this.part("tile").remove();
    this.#facts(photo.width, photo.height);
    frame.classList.add("is-revealed");
  }

  #bury(sentence) {
    this.part("compare").remove();
    this.fail(sentence, "expired");
  }

  cancel() {
    for (const job of this.#photo?.jobs ?? []) cancelJob(job.id).catch(() => {}); // already ended: nothing to stop
    this.remove();
  }

  async delete() {
    if (!(await confirmDelete(this.name))) return;
    this.part("error").hidden = true;
    try {
      await persist(() => deletePhoto(this.id), this.#control.signal, () => this.#offline());
      await erase(this.id);
    } catch (error) {
      if (error.name === "AbortError") return; // the deadline came first, and the card says so
      this.part("status").textContent = "";
      return this.#complain(error.message);
    }
    say(text("deleted", { name: this.name }));
    this.remove();
  }

  remove() {
    this.#control.abort();
    this.state = "gone";
    this.changed(this);
  }
}
