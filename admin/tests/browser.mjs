// A browser, signed in to a running crm_api: what the tests and the screenshots share.
import { chromium } from "playwright-core";

export const API = required("CRM_API_URL");
export const KEY = required("CRM_ADMIN_KEY");
const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

export const launch = () =>
  chromium.launch({ executablePath: EXECUTABLE, args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"] });

/** A page of a new session. Whatever the page logs as an error fails the test that reads `errors`. */
export async function signedIn(browser, { venue, ...options } = {}) {
  const context = await browser.newContext({ baseURL: API, locale: "en-GB", timezoneId: "Europe/Berlin", reducedMotion: "reduce", acceptDownloads: true, ...options });
  const answer = await context.request.post("/v1/session", { data: { key: KEY }, headers: { "X-CRM-CSRF": "1" } });
  if (!answer.ok()) throw new Error(`sign-in: ${answer.status()} ${await answer.text()}`);
  if (venue) await context.addInitScript((id) => localStorage.setItem("crm-venue", id), venue);
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const errors = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("response", (response) => response.status() >= 400 && errors.push(`${response.status()} ${response.request().method()} ${response.url()} ${response.request().postData() ?? ""}`));
  page.on("pageerror", (error) => errors.push(String(error)));
  return { page, context, errors };
}

/** Opens an address and waits until nothing is being loaded any more. */
export async function open(page, address) {
  await page.goto(address);
  await settled(page);
}

export async function settled(page) {
  await page.locator("h1").first().waitFor();
  await page.waitForLoadState("networkidle");
  await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
}

/** The service as the signed-in session calls it. */
export async function call(context, method, path, body) {
  const answer = await context.request.fetch(path, { method, headers: { "X-CRM-CSRF": "1" }, ...(body !== undefined && { data: body }) });
  if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${await answer.text()}`);
  return answer.status() === 204 ? undefined : answer.json();
}
