// Marks the row of the table that belongs to a part of the map, and the other way round.
for (const part of document.querySelectorAll("[data-field]")) {
  const row = document.getElementById(part.dataset.field);
  for (const [from, to] of [[part, row], [row, part]]) {
    for (const [event, on] of [["pointerenter", true], ["pointerleave", false],
      ["focus", true], ["blur", false]]) {
      from.addEventListener(event, () => to.classList.toggle("on", on));
    }
  }
}
