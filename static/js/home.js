// The main page: choose, drop or paste photos; send them one after the other; each card then goes its own way.
import { getPhoto } from "./api.js";
import { Card } from "./card.js";
import { ALL, settings, wishes } from "./settings.js";
import { plural, text } from "./strings.js";

const form = document.getElementById("send");
const input = document.getElementById("photos");
const list = document.getElementById("cards");
const button = document.getElementById("send-button");
const problem = document.getElementById("too-many");
const smaller = document.getElementById("smaller");
const limits = JSON.parse(form.dataset.limits);
const suffixes = form.dataset.suffixes.split(",");
const cards = new Set();
const KEPT = "coloria-photos"; // ids of this tab's photos, so that a reload finds them again

const chosen = () => [...cards].filter((card) => card.state === "chosen");

function changed(card) {
  if (card?.state === "gone") drop(card);
  const waiting = chosen();
  const all = form.elements.model?.value === ALL;
  const limit = all ? 1 : limits.files;
  const extra = waiting.length - limit;
  document.documentElement.classList.toggle("has-photos", cards.size > 0);
  document.getElementById("sendbar").hidden = waiting.length === 0;
  button.textContent = plural("send", waiting.length);
  button.disabled = extra > 0;
  problem.hidden = extra <= 0;
  if (extra > 0) {
    const values = { count: waiting.length, limit, extra };
    problem.querySelector("[data-part=error-text]").textContent = text(all ? "too_many_all" : "too_many", values);
  }
  keep();
}

// Takes a card out; focus goes to its neighbour, never to the top of the page.
function drop(card) {
  if (!cards.delete(card)) return;
  const neighbour = card.root.nextElementSibling ?? card.root.previousElementSibling;
  const hadFocus = card.root.contains(document.activeElement) || document.activeElement === document.body;
  card.root.remove();
  if (hadFocus) (neighbour ?? input).focus();
}

function keep() {
  const ids = [...cards].map((card) => card.id).filter(Boolean);
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(ids));
  } catch {
    // private windows may refuse storage; the history page still lists the photos
  }
}

function add(name) {
  const card = new Card(name, changed);
  cards.add(card);
  list.append(card.root);
  return card;
}

function choose(files) {
  const opened = [...files].map((file) => add(file.name).open(file, limits, suffixes));
  if (opened.length === 0) return;
  [...cards].forEach(changed);
  if (!problem.hidden) problem.focus();
  else if (!document.activeElement.closest?.("[data-part=error]")) button.focus();
}

async function send() {
  const waiting = chosen();
  const given = wishes(form);
  waiting.forEach((card) => card.lineUp());
  waiting[0]?.root.focus({ preventScroll: true });
  for (const card of waiting) await card.send(given, smaller.checked); // one by one: the first colour comes soonest
}

async function recall() {
  let ids = [];
  try {
    ids = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  } catch {
    return;
  }
  for (const id of ids) {
    const photo = await getPhoto(id).catch(() => null);
    if (photo && photo.jobs.every((job) => job.state !== "expired" && job.state !== "cancelled")) {
      add(photo.name).follow(photo);
    }
  }
}

// Offered, never forced: a small copy loses detail for good.
function offerSmaller() {
  const line = navigator.connection;
  const slow = Boolean(line) && (line.saveData || /2g|3g/.test(line.effectiveType ?? ""));
  document.getElementById("smaller-offer").hidden = !slow;
  if (!slow) smaller.checked = false;
}

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

function highlight(on) {
  document.getElementById("drop").classList.toggle("is-over", on);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!button.disabled) send();
});
input.addEventListener("change", () => {
  choose(input.files);
  input.value = ""; // the same file may be chosen again after it was removed
});
document.addEventListener("paste", (event) => choose(event.clipboardData?.files ?? []));
document.addEventListener("dragover", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  highlight(true);
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) highlight(false);
});
document.addEventListener("drop", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  highlight(false);
  choose(event.dataTransfer.files);
});
navigator.connection?.addEventListener?.("change", offerSmaller);
input.required = false; // chosen files live in the cards, the field is emptied each time
settings(form, changed);
offerSmaller();
recall();
