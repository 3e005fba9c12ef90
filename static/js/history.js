// The history page: its switch for small pictures, and what this device remembers of rows whose photos are gone.
import { choose, possible, showAll, wanted } from "./thumbnails.js";

export function history() {
  const choice = document.getElementById("thumbnails");
  if (!choice || !possible()) return;
  const box = document.getElementById("thumbnails-on");
  choice.hidden = false;
  box.checked = wanted();
  box.addEventListener("change", async () => {
    await choose(box.checked);
    if (!box.checked) location.reload(); // the tiles again
  });
  return showAll();
}
