// Before the first paint, so that a dark page does not flash white. A file, as the policy allows no inline script.
(function () {
  var chosen = "auto";
  try { chosen = localStorage.getItem("mantine-color-scheme-value") || "auto"; } catch (refused) { /* storage is off */ }
  var dark = chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
