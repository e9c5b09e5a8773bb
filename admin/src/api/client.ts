import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";
import { Refusal } from "./refusal";

/** Every failure becomes one kind of error, so that pages need no error handling of their own. */
const refusals: Middleware = {
  async onRequest({ request }) {
    // A form of another site cannot send this header.
    if (request.method !== "GET") request.headers.set("X-CRM-CSRF", "1");
    return request;
  },
  async onResponse({ response }) {
    if (!response.ok) throw await Refusal.of(response);
  },
  onError({ error }) {
    return Refusal.offline(error);
  },
};

export const api = createClient<paths>({ baseUrl: "/", credentials: "same-origin" });
api.use(refusals);

/** The data of an answer; a refusal was thrown before. */
export async function data<T>(answer: Promise<{ data?: T }>): Promise<NonNullable<T>> {
  return (await answer).data as NonNullable<T>;
}

export type Schema = components["schemas"];
