import { type Query, QueryCache, QueryClient } from "@tanstack/react-query";
import { Refusal } from "./refusal";

/** What changes under the reader refreshes by itself, while its page is looked at. */
export const REFRESH_MS = 60_000;
/** Each look at these is noted in the log of accesses. */
export const REFRESH_LOGGED_MS = 5 * 60_000;
/** What is the same as long as the service is. */
export const KEPT = { staleTime: Infinity, refetchInterval: false, refetchOnWindowFocus: false } as const;

/** Of a list that was scrolled far down all pages would be asked for again. */
const isShort = ({ state: { data } }: Query) => ((data as { pages?: unknown[] } | undefined)?.pages?.length ?? 0) <= 3;

export const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError(error) {
      // The session ended: its query says so everywhere, and the sign-in page shows.
      if (error instanceof Refusal && error.isSignedOut) queries.setQueryData(["session"], null);
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 20_000,
      refetchInterval: (query) => (isShort(query as Query) ? REFRESH_MS : false),
      refetchOnWindowFocus: (query) => isShort(query as Query),
      retry: (failures, error) => failures < 2 && error instanceof Refusal && error.isPassing,
    },
  },
});
