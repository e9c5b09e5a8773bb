// What the pages do beside each persona's main job.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { call, launch, open, settled, signedIn } from "./browser.mjs";
import { prepare } from "./story.mjs";

let browser, story, page, context, errors;

before(async () => {
  browser = await launch();
  const first = await signedIn(browser);
  story = await prepare(first.context);
  await first.context.close();
  ({ page, context, errors } = await signedIn(browser, { venue: story.venue.venue_id }));
});
after(async () => {
  await browser?.close();
  assert.deepEqual(errors, [], "no page logs an error");
});

test("two guests who are one are merged, and separated again on the guest's page", async () => {
  const twins = async () => (await call(context, "GET", "/v1/customers/search?q=mirabel.quandt")).items.length;
  assert.equal(await twins(), 2);
  await open(page, "/guests/duplicates");
  const pair = page.getByRole("region", { name: /Mirabel Quandt/ });
  await pair.getByText("same e-mail").waitFor();
  await pair.getByLabel("Keep Mirabel Quandt", { exact: true }).check();
  await pair.getByRole("button", { name: "Merge" }).click();
  await page.getByRole("dialog").getByText("It can be taken back").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Merge" }).click();
  await page.getByText("Mirabel Quandt-Ruiz merged into Mirabel Quandt").waitFor();
  const [kept] = (await call(context, "GET", "/v1/customers/search?q=mirabel.quandt")).items;
  await open(page, `/guests/${kept.customer_id}`);
  await page.getByRole("button", { name: "Separate again" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Separate again" }).click();
  await page.getByText("Separated").waitFor();
  assert.equal(await twins(), 2);
});

test("guests are put into a segment by hand, many at once, and left to its criteria again", async () => {
  const of = `/v1/segments/${story.segment}/overrides`;
  await open(page, `/guests?venue=${story.venue.ref}&label=LOST&sort=-spend`);
  for (const n of [1, 2]) await page.getByRole("checkbox", { name: /^Choose/ }).nth(n).check();
  await page.getByRole("button", { name: "To a segment" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox", { name: "Segment" }).click();
  await page.getByRole("option", { name: "Sweet tooth, not seen lately" }).click();
  await dialog.getByLabel("Reason").fill("friends of the house");
  await dialog.getByRole("button", { name: "Put in", exact: true }).click();
  await page.getByText("2 guests put into Sweet tooth, not seen lately").waitFor();
  const set = (await call(context, "GET", of)).items;
  assert.deepEqual(set.map((one) => [one.included, one.reason]), [[true, "friends of the house"], [true, "friends of the house"]]);
  await open(page, `/segments/${story.segment}`);
  await page.getByRole("tab", { name: "By hand" }).click();
  for (const left of [1, 0]) {
    await page.getByRole("button", { name: "Leave to the criteria" }).first().click();
    await page.waitForFunction((n) => document.querySelectorAll("table.plain tbody tr").length === n, left);
  }
  assert.deepEqual((await call(context, "GET", of)).items, []);
});

test("who was in a segment at the end of a day is told", async () => {
  const id = (await call(context, "GET", `/v1/segments?venue=${story.venue.venue_id}`)).items.find((one) => one.key === "champion").segment_id;
  await open(page, `/segments/${id}`);
  await page.getByRole("tab", { name: "As of a day" }).click();
  const day = await page.getByLabel("At the end of").inputValue();
  assert.ok(day);
  await settled(page);
  assert.match(await page.getByRole("tabpanel").getByRole("status").textContent(), /guests? (was|were) in it/);
  // Today's are who is in it now.
  const members = (await call(context, "GET", `/v1/segments/${id}/as-of?at=${new Date().toISOString()}`)).items;
  const { members: counted } = await call(context, "GET", `/v1/segments/${id}`);
  assert.equal(members.length, counted);
});

test("birthdays are those of the venue, and the consents of the ledger those that the filters ask for", async () => {
  const birthdays = (await call(context, "GET", `/v1/venues/${story.venue.venue_id}/birthdays?days=7`)).items;
  await open(page, "/");
  for (const guest of birthdays.slice(0, 3)) await page.getByRole("row", { name: guest.name }).getByText(`turns ${guest.turns}`).first().waitFor();
  await open(page, "/privacy");
  const revoked = (await call(context, "GET", "/v1/consent-log/entries?action=REVOKED&limit=50")).items;
  await page.getByLabel("Said", { exact: true }).selectOption("REVOKED");
  await settled(page);
  await page.getByRole("cell", { name: "Granted", exact: true }).first().waitFor({ state: "detached" });
  assert.equal(await page.getByRole("cell", { name: "Revoked", exact: true }).count(), revoked.length);
});

test("a retention says whom it would erase before it is followed", async () => {
  await open(page, "/privacy/data");
  await page.getByLabel("Anonymise guests after months").fill("18");
  await page.getByRole("button", { name: "Preview" }).click();
  const [guests] = (await call(context, "POST", "/v1/retention/preview", { anonymise_after_months: 18, drop_events_after_months: null })).items;
  await page.getByRole("row", { name: /^Guests/ }).getByText(new Intl.NumberFormat("en-GB").format(guests.rows), { exact: true }).waitFor();
  await page.getByRole("button", { name: "Follow this retention" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  assert.equal((await call(context, "GET", "/v1/retention")).anonymise_after_months, null);
});

test("an address is added and taken away, and the kitchen reads the allergens", async () => {
  await open(page, `/guests/${story.vip.customer_id}?tab=preferences`);
  await page.getByText("What the kitchen of").waitFor();
  await page.getByText("Nuts, Crustaceans").or(page.getByText("Crustaceans, Nuts")).last().waitFor();
  await page.getByRole("button", { name: "Add a contact" }).click();
  await page.getByRole("dialog").getByLabel("Number or address").fill("+49 30 5550199");
  await page.getByRole("dialog").getByRole("button", { name: "Add" }).click();
  await page.getByRole("button", { name: "Remove +49 30 5550199" }).click();
  await page.getByText("+49 30 5550199 removed").waitFor();
  const { contacts } = await call(context, "GET", `/v1/customers/${story.vip.customer_id}/dossier`);
  assert.ok(contacts.every((contact) => contact.value !== "+49 30 5550199"));
});

test("reasons and criteria are said in the reader's language", async () => {
  const german = await signedIn(browser, { venue: story.venue.venue_id, locale: "de-DE" });
  await open(german.page, `/segments/${story.segment}`);
  await german.page.getByText(/Label eines von Champion, .* und Positionen .*letzte Bestellung nicht in den letzten 14 Tage/).waitFor();
  await open(german.page, `/guests/${story.vip.customer_id}`);
  await german.page.getByText(/Stammgast mit \d+ Besuchen?|Stammgast mit \d+ Besuche/).first().waitFor();
  errors.push(...german.errors);
  await german.context.close();
});

test("numbers of today lead to the guests behind them: who is new, and who went from one label to another", async () => {
  const { items: venues } = await call(context, "GET", "/v1/venues");
  const other = venues.find((one) => one.venue_id !== story.venue.venue_id && one.guests > 1000);
  const of = `/v1/venues/${other.venue_id}`;
  const before = await call(context, "GET", `${of}/settings`);
  await call(context, "PATCH", `${of}/settings`, { at_risk_days: 21 });
  await call(context, "POST", `${of}/recompute`);
  await open(page, `/?venue=${other.ref}`);
  const overview = await call(context, "GET", `${of}/overview`);
  assert.equal(overview.visits_per_guest, Math.round((100 * overview.visits) / overview.cohort) / 100);
  const shown = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1 });
  await page.getByRole("link", { name: /^Visits per guest/ }).getByText(shown.format(overview.visits_per_guest), { exact: true }).waitFor();
  const moved = page.getByRole("link", { name: /^Champion became At risk: [1-9]/ });
  const guests = (await moved.textContent()).trim();
  await moved.click();
  await page.getByRole("heading", { name: "Champion before, now At risk" }).waitFor();
  await page.getByRole("status").filter({ hasText: `${guests} guests` }).waitFor();
  await page.getByRole("row", { name: /At risk/ }).first().waitFor();
  await call(context, "PATCH", `${of}/settings`, before);
  await call(context, "POST", `${of}/recompute`);

  await open(page, `/?venue=${story.venue.ref}`);
  const { sales } = await call(context, "GET", `/v1/venues/${story.venue.venue_id}/overview`);
  await page.getByRole("link", { name: /^New guests/ }).click();
  await page.getByRole("status").filter({ hasText: `${sales.last_7_days.new_guests} guests` }).waitFor();
});

test("the map of personal data is read column by column, and filtered", async () => {
  const columns = (await call(context, "GET", "/v1/pii-map")).items;
  await open(page, "/privacy/data");
  await page.getByLabel("Holds", { exact: true }).selectOption("health");
  const health = columns.filter((column) => column.class === "health");
  await page.getByText(`${health.length} of ${columns.length} columns`).waitFor();
  await page.getByLabel("Where", { exact: true }).selectOption("platform");
  await page.getByText("No column fits").waitFor();
  await page.getByLabel("Holds", { exact: true }).selectOption("");
  await page.getByRole("row", { name: /public."Customer" ?name/ }).waitFor();
});

test("somebody gets another role and other venues, which can be undone", async () => {
  const { principal_id } = await call(context, "POST", "/v1/principals", { name: "Evening shift", role: "staff", venues: [story.venue.venue_id] });
  const reach = async () => {
    const { role, venue_ids } = (await call(context, "GET", "/v1/principals")).items.find((one) => one.principal_id === principal_id);
    return { role, venue_ids };
  };
  await open(page, "/settings/keys");
  await page.getByRole("button", { name: "Edit: Evening shift" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox", { name: "Role" }).click();
  await page.getByRole("option", { name: "Manager" }).click();
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByText("Evening shift may do this from now on").waitFor();
  assert.deepEqual(await reach(), { role: "manager", venue_ids: [story.venue.venue_id] });
  const undone = page.waitForResponse((response) => response.url().endsWith("/reach"));
  await page.getByRole("button", { name: "Undo" }).click();
  assert.equal((await undone).status(), 204);
  assert.deepEqual(await reach(), { role: "staff", venue_ids: [story.venue.venue_id] });
});

test("with the service away what is shown stays, says so, and is refreshed once it is back", async () => {
  const away = await signedIn(browser, { venue: story.venue.venue_id });
  await open(away.page, "/guests");
  await away.context.route("**/v1/**", (route) => route.abort());
  await away.page.getByRole("combobox", { name: "Label" }).first().click();
  await away.page.getByRole("option", { name: "Lost" }).click();
  await away.page.getByRole("alert").filter({ hasText: "No connection" }).waitFor();
  await away.context.unroute("**/v1/**");
  await away.page.getByRole("button", { name: "Try again" }).click();
  await away.page.getByRole("table", { name: "Guests" }).getByText("Lost").first().waitFor();
  await away.context.close();
});

test("the builder asks for no preview before it knows whose guests are meant", async () => {
  const slow = await signedIn(browser, { venue: story.venue.venue_id });
  const venues = [];
  slow.page.on("request", (request) => request.url().endsWith("/v1/segments/preview") && venues.push(request.postDataJSON().venue));
  await slow.context.route("**/v1/venues", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await route.continue();
  });
  const answered = slow.page.waitForResponse((response) => response.url().endsWith("/v1/segments/preview"));
  await open(slow.page, "/segments/new");
  assert.equal((await answered).status(), 200);
  assert.deepEqual([...new Set(venues)], [story.venue.venue_id]);
  await slow.context.close();
});
