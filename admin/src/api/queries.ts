import { QueryCache, QueryClient } from "@tanstack/react-query";
import { Refusal } from "./refusal";

/** What changes under the reader refreshes by itself, while its page is looked at. */
export const REFRESH_MS = 60_000;

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
      refetchOnWindowFocus: true,
      retry: (failures, error) => failures < 2 && error instanceof Refusal && error.isPassing,
    },
  },
});
