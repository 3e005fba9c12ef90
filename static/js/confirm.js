// Asks before something is gone for good. The dialog element brings focus trap, Escape and inert background.
const dialog = document.getElementById("confirm");

export function confirmDelete(name) {
  dialog.querySelector("[data-name]").textContent = name;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "delete"), { once: true });
  });
}
