// Each persona's main job, in a real browser against a real service with the demo data.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { API, KEY, call, launch, open, settled, signedIn } from "./browser.mjs";
import { prepare } from "./story.mjs";

let browser, story, list;
const sessions = [];

async function session(options) {
  const opened = await signedIn(browser, { venue: story.venue.venue_id, ...options });
  sessions.push(opened);
  return opened;
}

before(async () => {
  browser = await launch();
  const { context } = await signedIn(browser);
  story = await prepare(context);
  list = `/v1/customers?venue=${story.venue.venue_id}`;
  await context.close();
});

after(async () => {
  const errors = sessions.flatMap((one) => one.errors).filter((error) => !error.includes("401 (Unauthorized)"));
  await browser?.close();
  assert.deepEqual(errors, [], "no page logs an error, nor breaks the policy it was sent with");
});

test("who is not signed in signs in with a key, and nothing else is shown before", async () => {
  const context = await browser.newContext({ baseURL: API });
  const page = await context.newPage();
  await page.goto("/guests");
  await page.getByLabel("Key", { exact: true }).fill("crm_wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByRole("navigation").count(), 0);
  await page.getByLabel("Key", { exact: true }).fill(KEY);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Guests", level: 1 }).waitFor();
  const cookies = await context.cookies();
  assert.ok(cookies.every((cookie) => cookie.httpOnly && cookie.sameSite === "Strict"), "no script can read the session");
  assert.ok(!JSON.stringify(await page.evaluate(() => ({ ...localStorage, ...sessionStorage }))).includes(KEY), "the key is not kept");
  await context.close();
});

test("files of the page are kept for good, the page itself is not, and neither lets in what is not the service's own", async () => {
  const page = await fetch(`${API}/guests/anyone`);
  const html = await page.text();
  const policy = page.headers.get("content-security-policy");
  assert.equal(page.headers.get("cache-control"), "no-cache");
  assert.match(policy, /default-src 'none'; script-src 'self';/);
  assert.doesNotMatch(policy, /unsafe/);
  const nonce = /'nonce-([0-9a-f]{32})'/.exec(policy)[1];
  assert.ok(html.includes(nonce));
  assert.ok(!(await (await fetch(API)).text()).includes(nonce), "each page has a nonce of its own");
  const asset = await fetch(`${API}${/src="(\/assets\/[^"]+\.js)"/.exec(html)[1]}`);
  assert.equal(asset.headers.get("cache-control"), "public, max-age=31536000, immutable");
  assert.equal(asset.headers.get("content-encoding"), "gzip");
  assert.equal((await fetch(`${API}/assets/gone.js`)).status, 404);
  const unknown = await fetch(`${API}/v1/nothing`);
  assert.deepEqual([unknown.status, unknown.headers.get("content-type")], [404, "application/problem+json"]);
  assert.equal((await fetch(`${API}/guests`, { method: "POST" })).status, 405);
});

test("a host finds a VIP by the last four digits of the phone, and cannot miss the allergens", async () => {
  const { page } = await session({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  await open(page, "/");
  await page.getByRole("navigation").getByRole("link", { name: "Host" }).click();
  await page.getByRole("searchbox").fill(story.vip.phone.replace(/\D/g, "").slice(-4));
  await page.getByRole("link", { name: story.vip.name }).first().waitFor();
  await page.getByRole("note", { name: "Allergens" }).filter({ hasText: /nuts/i }).waitFor();
  await page.getByText("VIP").first().waitFor();
  await page.getByRole("link", { name: story.vip.name }).first().click();
  await page.getByRole("heading", { name: story.vip.name, level: 1 }).waitFor();
});

test("a manager sees who is about to become AT_RISK, goes to those who are, and takes the call list along", async () => {
  const { page, context } = await session();
  const venue = `/v1/venues/${story.venue.venue_id}`;
  const upcoming = (await call(context, "GET", `${venue}/upcoming-labels?days=7`)).items.filter((guest) => guest.next_label === "AT_RISK");
  const overview = await call(context, "GET", `${venue}/overview`);
  assert.equal(upcoming.length, overview.at_risk_within_7_days.guests);
  await open(page, "/");
  await page.getByRole("link", { name: /At risk within 7 days/ }).filter({ hasText: String(upcoming.length) }).waitFor();
  const downloads = page.waitForEvent("download");
  await page.getByRole("button", { name: "Call list" }).click();
  const lines = (await readFile(await (await downloads).path(), "utf8")).trim().split("\r\n");
  assert.equal(lines.length, upcoming.length + 1);
  for (const guest of upcoming.slice(0, 20)) assert.ok(lines.some((line) => line.includes(guest.name)), guest.name);
  const atRisk = overview.labels.find((one) => one.label === "AT_RISK").guests;
  await page.getByRole("row", { name: /At risk/ }).getByRole("link", { name: String(atRisk), exact: true }).click();
  await page.getByRole("heading", { name: "Guests", level: 1 }).waitFor();
  const files = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export" }).click();
  const exported = (await readFile(await (await files).path(), "utf8")).trim().split("\n");
  assert.equal(exported.length, atRisk + 1, "one line a guest behind the header");
});

test("the list of guests holds only the rows in view, however far it is scrolled", async () => {
  const { page } = await session();
  await open(page, "/guests?sort=name");
  const table = page.getByRole("table", { name: "Guests" });
  const numbers = () => table.getByRole("row").evaluateAll((all) => all.map((row) => Number(row.getAttribute("aria-rowindex"))));
  let rows = [];
  for (let step = 0; step < 60 && Math.max(...rows) <= 500; step++) {
    await table.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await page.waitForTimeout(250);
    rows = await numbers();
  }
  assert.ok(Math.max(...rows) > 500, `reached row ${Math.max(...rows)}`);
  assert.ok(rows.length < 80, `${rows.length} rows in the document`);
});

test("filters stand in the address, and tagging many guests can be undone", async () => {
  const { page, context } = await session();
  const chosen = (await call(context, "GET", `${list}&label=LOST&sort=-spend&limit=2`)).items;
  const tagged = async () => (await call(context, "GET", `${list}&tag=Win%20back&limit=200`)).items.map((guest) => guest.customer_id).sort();
  await open(page, "/guests?label=LOST&sort=-spend");
  for (const guest of chosen) await page.getByRole("checkbox", { name: `Choose ${guest.name}` }).first().check();
  await page.getByRole("button", { name: "Tag", exact: true }).click();
  await page.getByRole("dialog").getByRole("combobox", { name: "Tags" }).fill("Win back");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Tag", exact: true }).click();
  await page.getByText("2 guests tagged").waitFor();
  assert.deepEqual(await tagged(), chosen.map((guest) => guest.customer_id).sort());
  const chips = page.getByRole("row").getByText("Win back", { exact: true });
  await chips.nth(1).waitFor();
  assert.equal(await chips.count(), 2);
  const undone = page.waitForResponse((response) => response.url().endsWith("/customers/remove"));
  await page.getByRole("button", { name: "Undo" }).click();
  assert.equal((await undone).status(), 200);
  assert.deepEqual(await tagged(), []);
  await chips.first().waitFor({ state: "detached" });
});

test("a marketer builds champions who love desserts, opted in, not seen for 14 days, and reads why one guest is among them", async () => {
  const { page, context } = await session();
  const days = 14;
  const key = `champions_away_${Date.now()}`;
  await open(page, "/segments/new");
  await page.getByRole("textbox", { name: "Name" }).fill(key);
  const choose = async (field, option) => {
    await field.click();
    await page.getByRole("option", { name: option, exact: true }).click();
  };
  const condition = async (n, field) => {
    await page.getByRole("button", { name: "Condition" }).click();
    await choose(page.getByRole("combobox", { name: "Field" }).nth(n), field);
  };
  await condition(0, "label");
  await choose(page.getByRole("combobox", { name: "Value of label" }), "Champion");
  await condition(1, "preferred category");
  await page.getByRole("textbox", { name: "Value of preferred category" }).fill("Desserts");
  await condition(2, "reachable for e-mail marketing");
  await condition(3, "last order");
  await choose(page.getByRole("combobox", { name: "Comparison" }).nth(3), "not within the last");
  await page.getByRole("textbox", { name: "Value of last order" }).fill(String(days));
  await page.getByText(`last order is not within the last ${days} days`).first().waitFor();
  // The document beside the builder says the same, and what is written there is read.
  await page.getByRole("switch", { name: "JSON beside it" }).check();
  const json = page.getByRole("textbox", { name: "JSON" });
  assert.equal(JSON.parse(await json.inputValue()).where.all[1].value, "Desserts");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: key, level: 1 }).waitFor();

  // The same question asked of the list of guests, which knows nothing of segments.
  const edge = new Intl.DateTimeFormat("sv-SE", { timeZone: story.venue.timezone }).format(Date.now() - days * 86_400_000);
  const expected = (await call(context, "GET", `${list}&label=CHAMPION&category=Desserts&reachable=EMAIL_MARKETING&last_visit_to=${edge}&limit=200`)).items;
  assert.ok(expected.length > 0);
  const segment = (await call(context, "GET", `/v1/segments?venue=${story.venue.venue_id}`)).items.find((one) => one.name === key);
  const preview = await call(context, "POST", "/v1/segments/preview", { criteria: segment.criteria, venue: story.venue.venue_id });
  assert.equal(preview.members, expected.length);
  if (segment.computed_at === null) await call(context, "POST", `/v1/segments/${segment.segment_id}/refresh`);
  await open(page, `/segments/${segment.segment_id}`);
  for (const guest of expected) await page.getByRole("link", { name: guest.name }).first().waitFor();
  await page.getByRole("button", { name: "Why?" }).first().click();
  const why = page.getByRole("table", { name: "Why in this segment" });
  await why.getByRole("row", { name: /label is “CHAMPION”/ }).last().waitFor();
  assert.equal(await why.getByLabel("does not hold").count(), 0);
  assert.ok((await why.getByLabel("holds", { exact: true }).count()) >= 4);
  await call(context, "DELETE", `/v1/segments/${segment.segment_id}`);
});

test("what is wrong with criteria is said at its condition", async () => {
  const { page } = await session();
  await open(page, "/segments/new");
  await page.getByRole("button", { name: "Condition" }).click();
  const field = page.getByRole("combobox", { name: "Field" }).first();
  await field.click();
  await page.getByRole("option", { name: "name", exact: true }).click();
  const comparison = page.getByRole("combobox", { name: "Comparison" }).first();
  await comparison.click();
  await page.getByRole("option", { name: "contains", exact: true }).click();
  await page.locator(".rule").getByRole("alert").waitFor();
  assert.ok(await page.getByRole("button", { name: "Save" }).isDisabled());
});

test("a threshold shows whom it would label anew before it is saved", async () => {
  const { page, context } = await session();
  const venue = `/v1/venues/${story.venue.venue_id}`;
  const before = await call(context, "GET", `${venue}/settings`);
  const effect = (await call(context, "POST", `${venue}/settings-preview`, { at_risk_days: 21 })).items.find((row) => row.from_label === "CHAMPION" && row.to_label === "AT_RISK");
  await open(page, "/settings/venue");
  await page.getByLabel("At risk after days").fill("21");
  await page.getByRole("row", { name: /Champion/ }).getByText(String(effect.guests), { exact: true }).waitFor();
  assert.deepEqual(await call(context, "GET", `${venue}/settings`), before);
});

test("a DBA reads how the jobs went", async () => {
  const { page, context } = await session();
  const runs = (await call(context, "GET", "/v1/jobs/runs?limit=50")).items;
  await open(page, "/settings/jobs");
  const night = page.getByRole("row", { name: /night/ });
  assert.equal(await night.count(), runs.filter((run) => run.job === "night").length);
  await night.filter({ hasText: "Done" }).first().waitFor();
  await page.getByRole("button", { name: "Run the night now" }).click();
  await page.getByRole("dialog").getByText("computed anew").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  const findings = (await call(context, "GET", "/v1/health")).items;
  if (findings.length === 0) await page.getByText("All is well").waitFor();
  for (const finding of findings) await page.getByText(finding.problem).first().waitFor();
});

test("a privacy officer proves a consent, and erases a guest who asked for it", async () => {
  const { page, context } = await session();
  const guest = (await call(context, "GET", `${list}&label=INACTIVE&sort=spend&limit=1`)).items[0];
  await open(page, `/guests/${guest.customer_id}?tab=privacy`);
  const row = page.getByRole("row", { name: /E-mail/ });
  await row.getByRole("button", { name: "Granted" }).click();
  await page.getByRole("button", { name: "Proof" }).first().click();
  const [entry] = (await call(context, "GET", `/v1/customers/${guest.customer_id}/consents/history`)).items;
  const receipt = await call(context, "GET", `/v1/consents/${entry.entry_id}/receipt`);
  await page.locator("pre").filter({ hasText: entry.entry_hash ?? String(receipt.entry_id) }).first().waitFor();
  await page.getByRole("link", { name: "Privacy" }).click();
  await page.getByRole("button", { name: "Verify" }).click();
  await page.getByText("Every link is intact").waitFor();

  await open(page, `/guests/${guest.customer_id}?tab=privacy`);
  await page.getByRole("button", { name: "Request erasure" }).click();
  await page.getByRole("dialog").getByLabel("Reason").fill("asked by letter");
  await page.getByRole("dialog").getByRole("button", { name: "Request erasure" }).click();
  await page.getByText(/Will be erased on/).waitFor();
  await page.getByRole("button", { name: "Erase now" }).click();
  await page.getByRole("dialog").getByLabel("Reason").fill("asked by letter");
  await page.getByRole("dialog").getByRole("button", { name: "Erase now" }).click();
  await page.getByText("Erased", { exact: true }).waitFor();
  const executed = (await call(context, "GET", "/v1/erasures?state=EXECUTED")).items.find((one) => one.customer_id === guest.customer_id);
  assert.equal(executed.residue, 0, "nothing personal is found afterwards");
  const found = (await call(context, "GET", `/v1/customers/search?q=${encodeURIComponent(guest.name)}`)).items;
  assert.ok(found.every((one) => one.customer_id !== guest.customer_id));
});

test("a file of guests is tried before it is loaded", async () => {
  const { page } = await session();
  await open(page, "/imports");
  const content = "Name,Phone,Birthday\nImported Guest,+49 30 5550001,1990-05-17\nNobody,,\n";
  await page.locator("input[type=file]").setInputFiles({ name: "guests.csv", mimeType: "text/csv", buffer: Buffer.from(content) });
  await page.getByRole("heading", { name: "guests.csv" }).waitFor();
  await page.getByRole("button", { name: "Try without loading" }).click();
  await page.getByRole("row", { name: /Rejected/ }).waitFor();
  await page.getByRole("button", { name: "Load 2 rows" }).waitFor();
});

test("the pages speak the reader's language", async () => {
  const { page } = await session({ locale: "de-DE" });
  await open(page, "/guests");
  await page.getByRole("heading", { name: "Gäste" }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "de");
  await page.getByRole("button", { name: "Konto" }).click();
  await page.getByRole("menuitem", { name: "Português" }).click();
  await page.getByRole("heading", { name: "Clientes" }).waitFor();
});

test("everything can be reached by keyboard: the skip link comes first, and the slash opens the search", async () => {
  const { page } = await session();
  await open(page, "/segments");
  assert.ok(await page.getByRole("heading", { level: 1 }).evaluate((heading) => heading === document.activeElement), "the heading has the focus");
  await page.keyboard.press("/");
  await page.getByRole("searchbox").waitFor();
  assert.ok(await page.getByRole("searchbox").evaluate((box) => box === document.activeElement));
  await page.goto("/");
  await settled(page);
  const first = page.locator("a[href], button, input, select, [tabindex='0']").first();
  assert.equal(await first.textContent(), "Skip to content");
  await first.focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
});
