// The only file that talks to the server. Refused: the server said no, with its sentence. Offline: nobody answered.
import { text } from "./strings.js";

export class Refused extends Error {
  constructor(status, code, detail) {
    super(detail);
    Object.assign(this, { status, code });
  }
}
export class Offline extends Error {}

let skew = 0; // server clock minus this device's clock, milliseconds

export const now = () => Date.now() + skew;

export function setClock(milliseconds) {
  if (!Number.isNaN(milliseconds)) skew = milliseconds - Date.now();
}

const setClockFrom = (header) => setClock(Date.parse(header ?? ""));

const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";

function parse(body) {
  try {
    return JSON.parse(body);
  } catch {
    return {}; // a proxy answered in its own words
  }
}

function refusal(status, body) {
  const { code = "internal", detail } = parse(body);
  return new Refused(status, code, typeof detail === "string" ? detail : text("internal"));
}

// What an answer means. 502 and 504 are a proxy's: the server itself did not answer.
function understand(status, body, date) {
  setClockFrom(date);
  if (status === 502 || status === 504) throw new Offline();
  if (status < 200 || status >= 300) throw refusal(status, body);
  return parse(body);
}

async function call(method, url, signal) {
  let response, body;
  try {
    response = await fetch(url, {
      method,
      signal,
      headers: { Accept: "application/json", "X-CSRFToken": token() },
    });
    body = await response.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Offline();
  }
  return understand(response.status, body, response.headers.get("Date"));
}

export const getPhoto = (id, signal) => call("GET", `/api/v1/photos/${id}`, signal);
export const deletePhoto = (id) => call("DELETE", `/api/v1/photos/${id}`);
export const getClasses = () => call("GET", "/api/v1/classes");
export const cancelJob = (id) => call("DELETE", `/api/v1/jobs/${id}`);

// A page of this site as the server writes it now.
export async function getPage(path, signal) {
  const response = await fetch(path, { signal, headers: { Accept: "text/html" } }).catch((error) => {
    throw error.name === "AbortError" ? error : new Offline();
  });
  if ([502, 504].includes(response.status)) throw new Offline();
  if (!response.ok) throw new Refused(response.status, "internal", text("internal"));
  return response.text();
}

// XMLHttpRequest, because fetch cannot tell how much of an upload has left the device. `key` makes it safe to repeat.
export function sendPhoto(file, name, wishes, key, { signal, progress }) {
  const form = new FormData();
  form.append("image", file, name);
  for (const [wish, value] of Object.entries(wishes)) form.append(wish, value);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener("abort", abort, { once: true });
    request.addEventListener("loadend", () => signal.removeEventListener("abort", abort));
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      try {
        resolve(understand(request.status, request.responseText, request.getResponseHeader("Date")));
      } catch (error) {
        reject(error);
      }
    });
    request.addEventListener("error", () => reject(new Offline()));
    request.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    request.open("POST", "/api/v1/photos");
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", token());
    request.setRequestHeader("Idempotency-Key", key);
    request.send(form);
  });
}
