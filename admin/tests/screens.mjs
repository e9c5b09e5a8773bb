// Writes docs/screens/<page>-<light|dark|phone>.png: CRM_API_URL and CRM_ADMIN_KEY say where; names as arguments choose pages.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { API, launch, open, settled, signedIn } from "./browser.mjs";
import { prepare } from "./story.mjs";

const FOLDER = fileURLToPath(new URL("../../docs/screens/", import.meta.url));
const KINDS = {
  light: { viewport: { width: 1280, height: 860 }, colorScheme: "light" },
  dark: { viewport: { width: 1280, height: 860 }, colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: "light", isMobile: true, hasTouch: true },
};

mkdirSync(FOLDER, { recursive: true });
const browser = await launch();
const first = await signedIn(browser);
const { venue, vip, segment } = await prepare(first.context);
const imports = (await first.context.request.get("/v1/imports").then((answer) => answer.json())).items;
const { customer_id: consenting } = (await first.context.request.get(`/v1/consent-log/entries?channel=EMAIL_MARKETING&venue=${venue.venue_id}&limit=50`).then((answer) => answer.json())).items.find((entry) => entry.name);
await first.context.close();

const digits = vip.phone.replace(/\D/g, "").slice(-4);
const PAGES = {
  today: (page) => open(page, "/"),
  movement: (page) => open(page, "/movement"),
  host: (page) => open(page, `/host?q=${digits}`),
  guests: (page) => open(page, "/guests?label=AT_RISK&sort=-spend"),
  guest: (page) => open(page, `/guests/${vip.customer_id}`),
  "guest-privacy": (page) => open(page, `/guests/${consenting}?tab=privacy`),
  duplicates: (page) => open(page, "/guests/duplicates"),
  preferences: (page) => open(page, `/guests/${vip.customer_id}?tab=preferences`),
  segments: (page) => open(page, "/segments"),
  segment: async (page) => {
    await open(page, `/segments/${segment}`);
    await page.getByRole("button", { name: "Why?" }).first().click();
    await settled(page);
  },
  builder: (page) => open(page, `/segments/${segment}/edit`),
  imports: (page) => open(page, imports[0] ? `/imports/${imports[0].import_id}` : "/imports"),
  settings: async (page) => {
    await open(page, "/settings/venue");
    await page.getByLabel("At risk after days").fill("21");
    await page.getByRole("cell").first().waitFor();
    await settled(page);
  },
  privacy: (page) => open(page, "/privacy"),
  erasures: (page) => open(page, "/privacy/erasures"),
  "personal-data": (page) => open(page, "/privacy/data"),
  bindings: (page) => open(page, "/settings/bindings"),
  tags: (page) => open(page, "/settings/tags"),
  jobs: (page) => open(page, "/settings/jobs"),
  keys: (page) => open(page, "/settings/keys"),
};

const chosen = process.argv.slice(2);
for (const [kind, options] of Object.entries(KINDS)) {
  const { page, context, errors } = await signedIn(browser, { ...options, venue: venue.venue_id });
  for (const [name, show] of Object.entries(PAGES)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    try {
      await show(page);
    } catch (error) {
      console.error(`${name}-${kind}: ${error}`);
    }
    writeFileSync(`${FOLDER}${name}-${kind}.png`, await page.screenshot());
  }
  errors.forEach((error) => console.error(`${kind}: ${error}`));
  await context.close();
}
const { page, context } = await signedIn(browser, KINDS.light);
if (chosen.length === 0 || chosen.includes("sign-in")) {
  await context.clearCookies();
  await page.goto(API);
  await page.locator("h1").waitFor();
  writeFileSync(`${FOLDER}sign-in-light.png`, await page.screenshot());
}
await browser.close();
