// axe finds no serious violation on any page in light, nor on any layout in dark and phone width.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { launch, open, signedIn } from "./browser.mjs";
import { prepare } from "./story.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const KINDS = {
  // Dark has the elements of light in other colours: only their contrast is looked at again.
  light: { viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: "light" },
};
let browser, story;

before(async () => {
  browser = await launch();
  const { context } = await signedIn(browser);
  story = await prepare(context);
  await context.close();
});
after(() => browser?.close());

describe("no serious violation", { concurrency: 2 }, () => {
  for (const [kind, options] of Object.entries(KINDS)) it(kind, async (t) => {
    // The service's policy would keep axe out, as it keeps out any script but its own.
    const { page } = await signedIn(browser, { ...options, venue: story.venue.venue_id, bypassCSP: true });
    const guest = `/guests/${story.vip.customer_id}`;
    // In dark and on a phone one page of each layout; its neighbours differ in their words.
    const layouts = ["/", `/host?q=${encodeURIComponent(story.vip.name)}`, "/guests?label=LOST,AT_RISK", guest, `${guest}?tab=preferences`, `${guest}?tab=privacy`, "/privacy", "/privacy/data", "/guests/duplicates", `/segments/${story.segment}`, `/segments/${story.segment}/edit`, "/settings/venue", "/settings/keys"];
    const others = ["/host", "/movement", `${guest}?tab=notes`, `${guest}?tab=segments`, "/privacy/erasures", "/segments", "/segments/new", "/imports", "/settings/tags", "/settings/jobs", "/settings/bindings"];
    const pages = kind === "light" ? [...layouts, ...others] : layouts;
    for (const address of pages) {
      await t.test(address, async () => {
        await open(page, address);
        await page.evaluate(AXE);
        const { violations } = await page.evaluate((how) => globalThis.axe.run(document, how), { resultTypes: ["violations"], ...(kind === "dark" && { runOnly: ["color-contrast"] }) });
        const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        const said = serious.flatMap(({ id, nodes }) => nodes.slice(0, 4).map((node) => `${id}: ${node.html.slice(0, 200)} ${node.any[0]?.message ?? ""}`));
        assert.equal(said.join("\n"), "");
      });
    }
  });
});
