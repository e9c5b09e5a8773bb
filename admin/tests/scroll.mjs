// How smoothly the list of guests scrolls, however long it is: scrolls down and prints the times between frames.
//   CRM_API_URL=… CRM_ADMIN_KEY=… [CRM_VENUE=…] [SECONDS=60] [STEP=350] node tests/scroll.mjs
import { launch, open, signedIn } from "./browser.mjs";

const browser = await launch();
const { page } = await signedIn(browser, { venue: process.env.CRM_VENUE, viewport: { width: 1280, height: 860 } });
page.setDefaultTimeout(600_000);
await open(page, "/guests?sort=name");
const { deltas, seconds } = await page.evaluate(async ([most, stride]) => {
  const table = document.querySelector(".guests");
  const deltas = [];
  const began = performance.now();
  let last = began;
  let still = 0;
  await new Promise((done) => {
    const step = (now) => {
      deltas.push(now - last);
      last = now;
      const at = table.scrollTop;
      // Faster than one reads; at the end of what is loaded it waits for more.
      table.scrollTop = at + stride;
      still = table.scrollTop === at ? still + 1 : 0;
      if (still > 180 || now - began > most) return done();
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });
  return { deltas: deltas.slice(1), seconds: (performance.now() - began) / 1000 };
}, [1000 * Number(process.env.SECONDS ?? 60), Number(process.env.STEP ?? 350)]);
const rows = await page.locator(".guests [role=row]").evaluateAll((all) => ({ last: Math.max(...all.map((row) => Number(row.getAttribute("aria-rowindex")))), inDocument: all.length }));
deltas.sort((a, b) => a - b);
const of = (share) => deltas[Math.min(deltas.length - 1, Math.floor(deltas.length * share))].toFixed(1);
console.log(`${rows.last - 1} guests in ${seconds.toFixed(0)} s, ${rows.inDocument} rows in the document`);
console.log(`${deltas.length} frames: median ${of(0.5)} ms, p95 ${of(0.95)} ms, p99 ${of(0.99)} ms, longest ${of(1)} ms; ${deltas.filter((delta) => delta > 50).length} above 50 ms`);
await browser.close();
