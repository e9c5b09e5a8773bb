// What the tests and the screenshots find in the demo data: a venue, a guest with a story, a segment.
import { call } from "./browser.mjs";

const CRITERIA = {
  v: 1,
  scope: "venue",
  where: { all: [
    { field: "label", op: "in", value: ["CHAMPION", "LOYAL"] },
    { field: "items", op: "count_gte", value: 2, within: { last: "6mo" }, where: { field: "category", op: "eq", value: "Desserts" } },
    { field: "last_order_at", op: "not_within_last", value: "14d" },
  ] },
};

/** Makes what is not there yet; again is safe. */
export async function prepare(context) {
  const venues = (await call(context, "GET", "/v1/venues")).items;
  const venue = venues.find((one) => one.timezone === "Europe/Berlin" && one.guests > 1000);
  const champions = (await call(context, "GET", `/v1/customers?venue=${venue.venue_id}&label=CHAMPION&sort=-visits&limit=50`)).items;
  const vip = champions.find((guest) => guest.phone);
  const of = `/v1/customers/${vip.customer_id}`;
  await call(context, "PUT", "/v1/tags/VIP", { colour: "#c92a2a" });
  await call(context, "PUT", "/v1/tags/Press", { colour: "#1864ab" });
  await call(context, "PUT", `${of}/tags/VIP`, {});
  await call(context, "PUT", `${of}/health-needs`, { allergens: ["nuts", "crustaceans"], diets: ["pescatarian"], venue: venue.venue_id });
  const notes = (await call(context, "GET", `${of}/notes`)).items;
  if (notes.length === 0) {
    await call(context, "POST", `${of}/notes`, { venue: venue.venue_id, body: "Prefers the table by the window; champagne on the house for birthdays.", pinned: true });
    await call(context, "POST", `${of}/notes`, { venue: venue.venue_id, body: "Came with the whole office in spring, asked about the private room." });
  }
  const segments = (await call(context, "GET", `/v1/segments?venue=${venue.venue_id}`)).items;
  const segment = segments.find((one) => one.key === "sweet_tooth") ??
    (await call(context, "POST", "/v1/segments", { venue: venue.venue_id, key: "sweet_tooth", name: "Sweet tooth, not seen lately", criteria: CRITERIA }));
  if (!segment.computed_at) await call(context, "POST", `/v1/segments/${segment.segment_id}/refresh`);
  const contacts = (await call(context, "GET", `${of}/dossier`)).contacts;
  if (contacts.length === 0) await call(context, "POST", `${of}/contacts`, { kind: "address", value: "Oranienstraße 12", label: "home", details: { city: "Berlin", postal_code: "10999", country: "DE" } });
  // Two who may be one person, the second of them not made by the till, which would have found the first.
  const twins = (await call(context, "GET", "/v1/customers/search?q=mirabel.quandt")).items;
  for (let n = twins.length; n < 2; n++) {
    const profile = { name: n === 0 ? "Mirabel Quandt" : "Mirabel Quandt-Ruiz", email: "mirabel.quandt@example.org", ...(n === 0 && { phone: "+49 30 5550144", birthday: "1988-04-12" }) };
    await call(context, "POST", "/v1/customers", { profile, venue: venue.venue_id });
  }
  return { venue, vip, segment: segment.segment_id };
}
